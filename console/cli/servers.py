"""``inferctl start``, ``stop``, ``restart`` and ``logs``: the life of one server, from its name.

The verbs come first, then what they share with ``coldstart``: a checked launch, the wait for the
first token, a stop that shows its steps, and what a start tells beside its figures.
"""

import argparse
import asyncio
import shlex
from dataclasses import replace
from pathlib import Path

from backends.agent.client import AgentUnavailable
from backends.domain.facts import (
    FirstTokenSeen,
    FirstTokenUnavailable,
    PhaseBegan,
    StopOrdered,
    Stopped,
    StopProgressed,
)
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.server import Owner, Server, ServerState
from backends.domain.start import PHASE_TITLES, PhaseName, Start
from backends.domain.startup.advice import advise
from backends.domain.startup.expectation import comparable, slower_than_usual
from backends.domain.startup.fold import as_start
from backends.domain.startup.lessons import Advice, advice_sentence
from backends.history.database import HistoryUnavailable
from backends.keeper.client import follow
from backends.keeper.folder import ServerFolder, server_folder
from backends.keeper.tail import last_lines, tail
from backends.operations import records, servers
from backends.operations.finished_starts import write_start
from backends.operations.host import Host, this_host
from backends.operations.recording.by_agent import begin_agent
from backends.operations.servers import profile_named
from backends.problem import NotFound, Problem
from backends.servers.ending import end_external, what_ends
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from backends.settings.paths import state_folder_to_read
from console.cli import status
from console.cli.output import document, document_line, say, show
from console.cli.recording import recording


def start(arguments: argparse.Namespace) -> int:
    """Launch a profile; with ``--wait`` return when it serves (0) or has failed (1).

    Raises:
        Problem: it cannot be launched.
    """
    host = this_host()
    profile = profile_named(host.settings, arguments.name)
    if arguments.dry_run:
        command = servers.dry_run(servers.order(profile), profile)
        if arguments.json:
            document({"command": list(command)})
        else:
            show(shlex.join(command))
        return 0
    return _start(arguments, host, profile)


def _start(arguments: argparse.Namespace, host: Host, profile: Profile) -> int:
    launch(host, profile, force=arguments.force)
    up = True
    beside: list[str] = []
    if arguments.wait:
        life = wait_until_ready(host, profile.name)
        up = life.server.state is ServerState.READY
        if life.start is not None:
            with recording(host) as writer:
                write_start(writer, host, life)
            beside = _beside_the_figures(host, profile, as_start(life.start, host.now()))
    found = _named(host, profile.name)
    if arguments.json:
        document({"servers": [status.server_document(each) for each in found]})
    else:
        for server in found:
            say(f"{server.name} is {server.state}, pid {server.pid}, port {server.port}")
            for line in status.remarks(server):
                say(line)
    for line in beside:
        say(line)
    return 0 if up else 1


def stop(arguments: argparse.Namespace) -> int:
    """Stop a server, or end the processes that an earlier one left.

    Raises:
        Problem: no such server runs, or an external one does, which is not stopped.
    """
    host = this_host(status.settings_without_faults())
    external = _external_named(host, arguments.name)
    if external is not None:
        _end_external(host, external, agreed=arguments.yes)
        if arguments.json:
            ended = replace(external, state=ServerState.STOPPED, pid=None, survivors=())
            document({"servers": [status.server_document(ended)]})
        return 0
    server = stop_server(host, arguments.name, arguments.drain).server
    if arguments.json:
        document({"servers": [status.server_document(server)]})
    else:
        say(f"{server.name} is {server.state}")
    return 0


def restart(arguments: argparse.Namespace) -> int:
    """Stop the server if it runs, then do as ``start`` does.

    Raises:
        Problem: it cannot be stopped or launched.
    """
    host = this_host()
    profile = profile_named(host.settings, arguments.name)
    still = {ServerState.STOPPED, ServerState.FAILED}
    if any(each.state not in still or each.survivors for each in _named(host, arguments.name)):
        stop_server(host, arguments.name, arguments.drain)
    return _start(arguments, host, profile)


def logs(arguments: argparse.Namespace) -> int:
    """Print the last lines, and with ``-f`` go on until interrupted.

    Raises:
        NotFound: the server never ran here.
    """
    state_folder = state_folder_to_read()
    path = ServerFolder(server_folder(state_folder, arguments.name)).log if state_folder else None
    if path is None or not path.exists():
        raise NotFound(f"{arguments.name} has no log: it was never started by inferctl here")
    if arguments.follow:
        asyncio.run(_follow(path, arguments.lines, as_json=arguments.json))
        return 0
    lines = last_lines(path, arguments.lines)
    if arguments.json:
        document({"log": str(path), "lines": lines})
        return 0
    for line in lines:
        show(line)
    return 0


async def _follow(path: Path, count: int, *, as_json: bool) -> None:
    async for lines in tail(path, count=count):
        for line in lines:
            if as_json:
                document_line({"line": line})
            else:
                show(line)


def _named(host: Host, name: str) -> list[Server]:
    return [each for each in list_servers(host.state_folder) if each.name == name]


def _external_named(host: Host, name: str) -> Server | None:
    """Return the external server of that name, None where there is none or inferctl owns it."""
    if host.settings.profile(name):
        return None
    return next((each for each in _named(host, name) if each.owner is Owner.EXTERNAL), None)


def _end_external(host: Host, server: Server, *, agreed: bool) -> None:
    """End what inferctl did not start: what it left at once, what serves after `agreed` alone.

    Raises:
        Problem: it serves and nobody agreed, or it cannot be ended.
    """
    if server.pid is None:
        say(servers.end_left(host, server))
        return
    if not agreed:
        raise Problem(f"{what_ends(server)}; to end it, run: inferctl stop {server.name} --yes")
    say(what_ends(server))
    for step in end_external(server):
        say(step)


def launch(host: Host, profile: Profile, *, force: bool) -> None:
    """Check the host, then launch; every check that is not well is shown.

    Raises:
        Problem: a check failed and `force` is not set, or the launch failed.
    """
    failed = False
    for check in servers.preflight(host, profile):
        if check.state != "ok":
            say(f"{check.state}: {check.what}" + (f"; {check.remedy}" if check.remedy else ""))
        failed |= check.state == "fail"
    if failed and not force:
        raise Problem("a check failed; fix it, or launch anyway with --force")
    if profile.binds_beyond_loopback:
        say(f"note: {profile.name} binds {profile.host}: other machines can reach it")
    servers.start(host, profile)
    try:
        begin_agent(host)
    except AgentUnavailable as problem:
        say(f"note: what {profile.name} costs is only recorded while a console is open: {problem}")


def wait_until_ready(host: Host, name: str) -> Life:
    """Follow a start to its first token or its end; each phase is shown once, as it begins."""
    return asyncio.run(_wait_until_ready(host, name))


async def _wait_until_ready(host: Host, name: str) -> Life:
    life = not_started(name)
    shown = {PhaseName.UNLOGGED}
    async for fact in follow(server_folder(host.state_folder, name)):
        life = life_after(life, fact)
        if isinstance(fact, PhaseBegan) and life.spawned_at and fact.phase not in shown:
            shown.add(fact.phase)
            say(f"{fact.at.mono_s - life.spawned_at.mono_s:7.1f} s  {PHASE_TITLES[fact.phase]}")
        if isinstance(fact, FirstTokenSeen | FirstTokenUnavailable | Stopped):
            break
    return life


def stop_server(host: Host, name: str, drain_s: float) -> Life:
    """Stop a server, showing each step, until nothing of it is left.

    Raises:
        Problem: it does not run.
    """
    return asyncio.run(_stop_server(host, name, drain_s))


async def _stop_server(host: Host, name: str, drain_s: float) -> Life:
    life = not_started(name)
    async for fact in servers.stop(host, name, drain_s):
        life = life_after(life, fact)
        if isinstance(fact, StopOrdered):
            say(f"stop ordered by {fact.by}")
        elif isinstance(fact, StopProgressed):
            say(fact.step)
    return life


def _beside_the_figures(host: Host, profile: Profile, started: Start) -> list[str]:
    """Return the sentence on slowness, if one is due, and one for each lever."""
    slower = slower_than_earlier(host, profile, started)
    lines = [f"slower than usual: {slower}"] if slower else []
    return lines + [advice_sentence(lever) for lever in advice_after(host, profile, started)]


def slower_than_earlier(host: Host, profile: Profile, started: Start) -> str | None:
    """Return one sentence on the phase that took longer than ever before, None for a usual start.

    Where the history cannot be read, it is said why, and the log alone tells.
    """
    try:
        earlier = records.earlier_starts(host, profile, but=started.start_id)
    except HistoryUnavailable as problem:
        say(f"not compared with earlier starts: {problem}")
        return None
    return slower_than_usual(comparable(earlier, started), started)


def advice_after(host: Host, profile: Profile, started: Start) -> tuple[Advice, ...]:
    """Return the best lever for each large phase, by what starts of this host show of them."""
    try:
        others = records.other_starts(host, profile, but=started.start_id)
    except HistoryUnavailable as problem:
        say(f"no advice from earlier starts: {problem}")
        others = ()
    return advise(started, others, records.environment_of(profile))
