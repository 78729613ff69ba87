"""How the verbs start, wait for and stop a server."""

import argparse
import asyncio
from pathlib import Path

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
from backends.domain.start import PhaseName, Start
from backends.domain.startup.advice import advise
from backends.domain.startup.expectation import comparable, slower_than_usual
from backends.domain.startup.lessons import Advice, advice_sentence
from backends.history.database import HistoryUnavailable
from backends.keeper.client import follow
from backends.keeper.folder import server_folder
from backends.operations import records, servers
from backends.operations.host import Host
from backends.problem import NotFound, Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from console.cli.output import document, document_line, say, show
from console.cli.recording import recording
from widgets.phase_names import LONG_NAMES


def launch(host: Host, profile: Profile, *, force: bool) -> None:
    """Check the host, then launch; every check that is not well is told.

    Raises:
        Problem: a check failed and `force` is not set, or the launch failed.
    """
    failed = False
    for check in servers.preflight(host, profile):
        if check.state != "ok":
            say(f"{check.state}: {check.what}" + (f"; {check.remedy}" if check.remedy else ""))
        failed |= check.state == "fail"
    if failed and not force:
        raise Problem("a check failed; put it right, or launch anyway with --force")
    if profile.binds_beyond_loopback:
        say(f"note: {profile.name} binds {profile.host}: other machines can reach it")
    servers.start(host, profile)


def wait_until_ready(host: Host, name: str) -> Life:
    """Follow a start to its first token or its end, telling each phase once, as it begins."""
    return asyncio.run(_wait_until_ready(host, name))


async def _wait_until_ready(host: Host, name: str) -> Life:
    life = not_started(name)
    told = {PhaseName.UNLOGGED}
    async for fact in follow(server_folder(host.state_folder, name)):
        life = life_after(life, fact)
        if isinstance(fact, PhaseBegan) and life.spawned_at and fact.phase not in told:
            told.add(fact.phase)
            say(f"{fact.at.mono_s - life.spawned_at.mono_s:7.1f} s  {LONG_NAMES[fact.phase]}")
        if isinstance(fact, FirstTokenSeen | FirstTokenUnavailable | Stopped):
            break
    return life


def external_named(host: Host, name: str) -> Server | None:
    """Return the server of that name which inferctl did not start, None where there is none."""
    if server_folder(host.state_folder, name).is_dir() or host.settings.profile(name):
        return None
    found = (each for each in list_servers(host.state_folder) if each.name == name)
    return next((each for each in found if each.owner is Owner.EXTERNAL), None)


def stop_server(host: Host, name: str, drain_s: float) -> Life:
    """Stop a server, telling each step, until nothing of it is left.

    Raises:
        Problem: it does not run.
    """
    return asyncio.run(_stop(host, name, drain_s))


async def _stop(host: Host, name: str, drain_s: float) -> Life:
    life = not_started(name)
    async for fact in servers.stop(host, name, drain_s):
        life = life_after(life, fact)
        if isinstance(fact, StopOrdered):
            say(f"stop ordered by {fact.by}")
        elif isinstance(fact, StopProgressed):
            say(fact.step)
    return life


def is_up(life: Life) -> bool:
    """Return whether a start came to serve."""
    return life.server.state is ServerState.READY


def slower_than_earlier(host: Host, profile: Profile, start: Start) -> str | None:
    """Return one sentence on the phase that took longer than ever before, None for a usual start.

    Where the history cannot be read, it is said why, and there is nothing to compare with.
    """
    try:
        earlier = records.earlier_starts(host, profile, but=start.start_id)
    except HistoryUnavailable as problem:
        say(f"not compared with earlier starts: {problem}")
        return None
    return slower_than_usual(comparable(earlier, start), start)


def remarks(host: Host, profile: Profile, start: Start) -> list[str]:
    """Return the sentence on slowness, if one is due, and one for each lever."""
    slower = slower_than_earlier(host, profile, start)
    told = [f"slower than usual: {slower}"] if slower else []
    return told + [advice_sentence(lever) for lever in advice_after(host, profile, start)]


def advice_after(host: Host, profile: Profile, start: Start) -> tuple[Advice, ...]:
    """Return the best lever for each large phase, by what starts of this host tell of them.

    Where the history cannot be read, it is said why, and the log alone tells.
    """
    try:
        others = records.other_starts(host, profile, but=start.start_id)
    except HistoryUnavailable as problem:
        say(f"no advice from earlier starts: {problem}")
        others = ()
    return advise(start, others, records.environment_of(profile))


def start(arguments: argparse.Namespace) -> int:
    """Launch a profile; with ``--wait`` return when it serves (0) or has failed (1).

    Raises:
        Problem: it cannot be launched.
    """
    from backends.domain.startup.fold import as_start
    from backends.operations import records
    from backends.operations.host import this_host
    from backends.operations.servers import profile_named
    from backends.servers.listing import list_servers
    from console.cli import status

    host = this_host()
    profile = profile_named(host.settings, arguments.name)
    launch(host, profile, force=arguments.force)
    up = True
    told: list[str] = []
    if arguments.wait:
        life = wait_until_ready(host, profile.name)
        up = is_up(life)
        if life.start is not None:
            with recording(host) as writer:
                records.write_start(writer, host, life)
            told = remarks(host, profile, as_start(life.start, host.now()))
    found = [each for each in list_servers(host.state_folder) if each.name == profile.name]
    if arguments.json:
        document({"servers": found})
    else:
        for server in found:
            say(f"{server.name} is {server.state}, pid {server.pid}, port {server.port}")
            for line in status.remarks(server):
                say(line)
    for line in told:
        say(line)
    return 0 if up else 1


def stop(arguments: argparse.Namespace) -> int:
    """Stop a server, or end what an earlier one left behind.

    Raises:
        Problem: no such server runs, or somebody else's does, which is not stopped.
    """
    from dataclasses import replace

    from backends.domain.server import ServerState
    from backends.operations import servers
    from backends.operations.host import this_host
    from console.cli.output import settings_without_faults

    host = this_host(settings_without_faults())
    foreign = external_named(host, arguments.name)
    if foreign is not None:
        say(servers.end_left(host, foreign))
        if arguments.json:
            document({"servers": [replace(foreign, state=ServerState.STOPPED, survivors=())]})
        return 0
    server = stop_server(host, arguments.name, arguments.drain).server
    if arguments.json:
        document({"servers": [server]})
    else:
        say(f"{server.name} is {server.state}")
    return 0


def restart(arguments: argparse.Namespace) -> int:
    """Stop the server if it runs, then do as ``start`` does.

    Raises:
        Problem: it cannot be stopped or launched.
    """
    from backends.domain.server import ServerState
    from backends.operations.host import this_host
    from backends.operations.servers import profile_named
    from backends.servers.listing import list_servers

    host = this_host()
    profile_named(host.settings, arguments.name)
    still = {ServerState.STOPPED, ServerState.FAILED}
    found = [each for each in list_servers(host.state_folder) if each.name == arguments.name]
    if any(each.state not in still or each.survivors for each in found):
        stop_server(host, arguments.name, arguments.drain)
    return start(arguments)


def logs(arguments: argparse.Namespace) -> int:
    """Print the last lines, and with ``-f`` go on until interrupted.

    Raises:
        NotFound: the server never ran here.
    """
    from backends.keeper.folder import ServerFolder, server_folder
    from backends.keeper.tail import last_lines
    from backends.settings.paths import state_folder

    path = ServerFolder(server_folder(state_folder(), arguments.name)).log
    if not path.exists():
        raise NotFound(f"{arguments.name} has no log: it was never started by inferctl here")
    if arguments.follow:
        asyncio.run(_follow(path, arguments.lines, as_json=arguments.json))
        return 0
    lines = last_lines(path, arguments.lines)
    if arguments.json:
        document({"log": str(path), "lines": lines})
        return 0
    for line in lines:
        _print(line, as_json=False)
    return 0


async def _follow(path: Path, count: int, *, as_json: bool) -> None:
    from backends.keeper.tail import tail

    async for lines in tail(path, count=count):
        for line in lines:
            _print(line, as_json=as_json)


def _print(line: str, *, as_json: bool) -> None:
    if as_json:
        document_line({"line": line})
    else:
        show(line)
