"""``inferctl coldstart``: repeated stop and start, phase by phase, with the spread and the cost."""

import argparse
from dataclasses import replace
from datetime import datetime

from backends.discovery.warmth import Warmth, cool_weights, warmth
from backends.domain.format import GIB, UNKNOWN, usd
from backends.domain.server import Owner, ServerState
from backends.domain.start import Outcome, Start
from backends.domain.startup.expectation import expected_phases
from backends.domain.startup.fold import as_start
from backends.domain.startup.lessons import Advice, Expected, advice_sentence
from backends.host.page_cache import PageCache
from backends.operations import coldstart
from backends.operations.coldstart import ColdStart
from backends.operations.consent import Consent
from backends.operations.finished_starts import record_finished_starts, start_cost, write_start
from backends.operations.host import Host, this_host
from backends.operations.outage import lost_now
from backends.operations.servers import profile_named
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from console.cli import servers
from console.cli.main import INTERRUPTED
from console.cli.output import agree, document, say, show, table
from console.cli.recording import recording
from console.cli.servers import advice_after, slower_than_earlier

STILL = frozenset({ServerState.STOPPED, ServerState.FAILED})


def run(arguments: argparse.Namespace) -> int:
    """Measure the starts; an interrupt leaves the server as it is and tells what was measured.

    Raises:
        UsageProblem: it runs, nobody can be asked whether to stop it, and ``--yes`` is missing.
        Problem: somebody else runs the server, or its first start cannot be launched.
    """
    host = this_host()
    profile = profile_named(host.settings, arguments.name)
    _refuse_servers_of_others(host, profile)
    _ask_before_an_outage(host, profile, asked_before=arguments.yes)
    record_finished_starts(host)
    done: list[ColdStart] = []
    reason, code = "", 0
    try:
        while len(done) < arguments.starts and not reason:
            say(f"start {len(done) + 1} of {arguments.starts}")
            done.append(_measure(host, profile, arguments))
            if done[-1].start.outcome is not Outcome.READY:
                reason, code = f"start {len(done)} did not become ready", 1
    except KeyboardInterrupt:
        reason, code = f"interrupted; {profile.name} is left as it is", INTERRUPTED
    except Problem as problem:
        if not done:
            raise
        reason, code = str(problem), 1
    ready = coldstart.ready_ones(done)
    advice = advice_after(host, profile, ready[-1]) if ready else ()
    if arguments.json:
        document(coldstart.coldstart_document(profile, done, advice, reason))
    else:
        _tell(profile, done, advice, reason)
    return code


def _refuse_servers_of_others(host: Host, profile: Profile) -> None:
    for server in list_servers(host.state_folder):
        if server.owner is Owner.EXTERNAL and server.port == profile.port:
            raise Problem(
                f"port {profile.port} is served by process {server.pid}, which inferctl did not "
                f"start and will not stop; end it, or give {profile.name} another port"
            )


def _ask_before_an_outage(host: Host, profile: Profile, *, asked_before: bool) -> None:
    for server in list_servers(host.state_folder):
        if server.name == profile.name and server.state not in STILL:
            what = f"stopping {server.name}, which is {server.state}"
            agree(Consent(what, lost_now(server)), asked_before=asked_before)


def _measure(host: Host, profile: Profile, arguments: argparse.Namespace) -> ColdStart:
    found = [each for each in list_servers(host.state_folder) if each.name == profile.name]
    if any(each.state not in STILL or each.survivors for each in found):
        say(f"stopping {profile.name}")
        servers.stop_server(host, profile.name, arguments.drain)
    around = coldstart.surroundings(profile)
    before = warmth(profile.model, around)
    dropped = before.page_cache if arguments.cold else None
    if dropped is not None:
        before = replace(before, page_cache=cool_weights(profile.model, around))
        say(_dropping(dropped, before.page_cache))
    servers.launch(host, profile, force=arguments.force)
    life = servers.wait_until_ready(host, profile.name)
    if life.start is None:
        raise Problem(f"the journal of {profile.name} does not tell of its start")
    start = as_start(life.start, host.now())
    with recording(host) as writer:
        write_start(writer, host, life)
    slower = slower_than_earlier(host, profile, start)
    return ColdStart(start, before, start_cost(profile, start), slower, dropped)


def _tell(profile: Profile, done: list[ColdStart], advice: tuple[Advice, ...], reason: str) -> None:
    ready = coldstart.ready_ones(done)
    if ready:
        show(f"{profile.name}: {profile.model}, {len(ready)} starts")
        table(_rows(ready))
    for number, each in enumerate(done, start=1):
        show(f"start {number}: {_circumstances(each)}")
        if each.slower:
            show(f"  slower than usual: {each.slower}")
        if each.start.failure:
            failure = each.start.failure
            show(f"  {failure.kind}: {failure.cause}")
            show(f"  Fix: {failure.remedy}")
    if done:
        show(_cost(profile, done))
    for told in coldstart.differences(done):
        show(f"NOT ALIKE: {told}; compare them one by one")
    for lever in advice:
        show(advice_sentence(lever))
    if reason:
        say(f"cut short: {reason}")


def _cost(profile: Profile, done: list[ColdStart]) -> str:
    """Return what the seconds from launch to first token cost, and at which price of when."""
    total, rate = coldstart.total_cost(done), profile.gpu_usd_per_hour
    if total is None or rate is None:
        return f"cost: UNPRICED; give {profile.name} gpu_usd_per_hour"
    as_of = profile.gpu_price_as_of
    dated = f"price of {as_of.isoformat()}" if as_of else "price without a date"
    each = usd(total / len(done))
    return f"cost: {usd(total)} at {usd(rate)}/h ({dated}), {each} a start until its first token"


def _rows(ready: list[Start]) -> list[tuple[str, ...]]:
    columns = tuple(f"{number:>7}" for number in range(1, len(ready) + 1))
    rows = [("PHASE", " MEDIAN", "SHORTEST TO LONGEST", *columns)]
    for name, took in expected_phases(ready).items():
        each = [[p.duration_s for p in start.phases if p.name is name] for start in ready]
        rows.append(_row(name, took, [sum(s or 0.0 for s in parts) for parts in each]))
    unlogged = [start.unlogged_s for start in ready]
    totals = (
        ("unlogged", unlogged),
        ("ready", [start.ready_s for start in ready]),
        ("first token", [start.first_token_s for start in ready]),
    )
    for label, seconds in totals:
        known = coldstart.spread(seconds)
        if known is not None:
            rows.append(_row(label, known, seconds))
    return rows


def _row(label: str, took: Expected, each: list[float] | list[float | None]) -> tuple[str, ...]:
    cells = (f"{UNKNOWN:>7}" if seconds is None else f"{seconds:7.2f}" for seconds in each)
    return (label, f"{took.median_s:7.2f}", f"{took.min_s:.2f} to {took.max_s:.2f} s", *cells)


def _circumstances(each: ColdStart) -> str:
    cost = "UNPRICED" if each.cost_usd is None else usd(each.cost_usd)
    return f"{cost}; {_compilations(each)}; {_weights(each.before)}"


def _compilations(each: ColdStart) -> str:
    cache = each.before.compile_cache
    if cache.newest_wall_s is None:
        kept = f"no compilation in {cache.folder}"
    else:
        newest = datetime.fromtimestamp(cache.newest_wall_s).astimezone()
        kept = f"{cache.entries} compilations kept, the last of {newest:%Y-%m-%d %H:%M}"
    return f"{kept} (vLLM's log: {coldstart.compile_word(each)})"


def _weights(before: Warmth) -> str:
    pages = before.page_cache
    total = "" if pages.total_bytes is None else f" of {pages.total_bytes / GIB:.2f} GiB"
    return f"weights in memory: {_share(pages)}{total}"


def _dropping(before: PageCache, after: PageCache) -> str:
    if after.resident_bytes is None:
        return f"the weights stay in memory as they are: {after.reason}"
    return f"weights in memory: {_share(before)}, after dropping them {_share(after)}"


def _share(pages: PageCache) -> str:
    if pages.resident_bytes is None or pages.total_bytes is None:
        return f"not known, {pages.reason}"
    return f"{pages.resident_bytes / max(pages.total_bytes, 1):.0%}"
