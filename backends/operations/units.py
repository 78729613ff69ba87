"""A server that is a unit of systemd: started and stopped by it, and watched as any other's.

The unit keeps its own command line; systemd owns its processes and may start it again, so that a
keeper only watches and no signal is sent past systemd.
"""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace

from backends.discovery.finding import Finding
from backends.domain.facts import ServerFact, Stopped, StopProgressed
from backends.domain.server import Server
from backends.host import processes
from backends.keeper.client import follow
from backends.keeper.folder import server_folder
from backends.keeper.launch import launch
from backends.operations.host import Host
from backends.problem import Problem
from backends.servers.adoption import watch_order
from backends.servers.external import external_servers
from backends.settings.config import Profile

STARTS_WITHIN_S = 30.0
"""Until a unit's own commands before vLLM are over, and its process is vLLM."""
STOPS_WITHIN_S = 180.0
"""Longer than systemd's own limit (TimeoutStopSec, 90 s), after which it kills."""
POLL_S = 0.1


def start_command(profile: Profile) -> tuple[str, ...]:
    """Return the command that starts a profile's unit."""
    return ("systemctl", "start", "--no-block", profile.unit)


def look_before_unit(profile: Profile) -> tuple[Finding, ...]:
    """Return what was looked at before a unit is started, each with its remedy."""
    try:
        shown = _shown(profile.unit)
    except Problem as problem:
        return (Finding("unit", "fail", str(problem), 'use runtime = "process"'),)
    if shown.get("LoadState") != "loaded":
        what = f"systemd knows no unit {profile.unit}: {shown.get('LoadState') or 'no answer'}"
        remedy = "write it to /etc/systemd/system, then run: sudo systemctl daemon-reload"
        return (Finding("unit", "fail", what, remedy),)
    if shown.get("ActiveState") == "active":
        what = f"{profile.unit} runs already, process {shown.get('MainPID')}"
        remedy = f"run: inferctl adopt --unit {profile.unit}"
        return (Finding("unit", "fail", what, remedy),)
    return (Finding("unit", "ok", f"systemd knows {profile.unit}"),)


def start_unit(host: Host, profile: Profile) -> None:
    """Have systemd start a profile's unit, and return once a keeper watches it; blocks.

    Raises:
        Problem: systemd does not start it, it fails, or no vLLM comes of it.
    """
    _systemctl(start_command(profile), f"run: sudo systemctl start {profile.unit}")
    deadline = time.monotonic() + STARTS_WITHIN_S
    while (server := _server_of(profile.unit)) is None:
        if time.monotonic() > deadline:
            raise Problem(f"no vLLM came of {profile.unit}; run: systemctl status {profile.unit}")
        time.sleep(POLL_S)
    named = replace(server, name=profile.name)
    folder = server_folder(host.state_folder, profile.name)
    launch(watch_order(named), folder, host.settings.key_variables)


async def stop_unit(host: Host, name: str, unit: str) -> AsyncIterator[ServerFact]:
    """Have systemd stop a unit, and yield what the keeper of its server journals until its end.

    The first fact says what would start the unit again.

    Raises:
        Problem: systemd does not stop it.
    """
    remedy = f"run: sudo systemctl stop {unit}"
    command = ("systemctl", "stop", unit)
    shown = await asyncio.to_thread(_shown, unit)
    yield StopProgressed(host.now(), "; ".join((" ".join(command), *_what_restarts(shown))))
    await asyncio.to_thread(_systemctl, command, remedy, STOPS_WITHIN_S)
    async for fact in follow(server_folder(host.state_folder, name)):
        yield fact
        if isinstance(fact, Stopped):
            return


def _what_restarts(shown: Mapping[str, str]) -> Iterator[str]:
    policy = shown.get("Restart", "no")
    if policy not in {"", "no"}:
        yield f"Restart={policy} starts it again when it ends by itself, not after this"
    if shown.get("UnitFileState") == "enabled":
        yield "it is enabled: the next boot starts it"


def _server_of(unit: str) -> Server | None:
    """Return the vLLM of a unit, None while it has not come to be one.

    Raises:
        Problem: the unit failed, or systemd cannot be asked.
    """
    shown = _shown(unit)
    if shown.get("ActiveState") == "failed":
        result = shown.get("Result") or "unknown"
        raise Problem(f"{unit} failed ({result}); run: journalctl -u {unit} -n 100")
    main = int(shown.get("MainPID") or 0)
    for server in external_servers(processes.running(), frozenset()) if main else ():
        process = processes.read(server.pid) if server.pid else None
        if process and (process.id.pid == main or processes.descends_from(process, main)):
            return server
    return None


def _shown(unit: str) -> dict[str, str]:
    wanted = "--property=LoadState,ActiveState,Result,MainPID,Restart,UnitFileState"
    printed = _systemctl(("systemctl", "show", unit, wanted), "is systemd the init of this host?")
    return dict(line.partition("=")[::2] for line in printed.splitlines())


def _systemctl(command: tuple[str, ...], remedy: str, within_s: float = 10.0) -> str:
    """Return what systemctl prints.

    Raises:
        Problem: it cannot be run, refuses or does not answer.
    """
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=within_s
        )
    except OSError as error:
        raise Problem(f"systemctl cannot be run: {error.strerror}; {remedy}") from error
    except subprocess.TimeoutExpired as error:
        raise Problem(f"systemctl does not answer; {remedy}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()[:1]
        raise Problem(f"systemctl refused: {''.join(said) or done.returncode}; {remedy}")
    return done.stdout
