"""SIGKILL to every part of a server in a container, in four states, on a real Docker daemon.

Each cell strikes once, compares what the list of servers says with what it has to, stops what
lives, and counts what is left. A container of somebody else stands beside all of them and has to go
on. ``restart`` is that of the daemon, by SIGTERM and without live-restore.
"""

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from backends.containers.container import inspect
from backends.domain.facts import FirstTokenSeen, PhaseBegan, ServerFact, StopOrdered
from backends.domain.server import RuntimeKind, Server, ServerState
from backends.domain.start import PhaseName
from backends.domain.vllm_arguments import is_server
from backends.host import processes
from backends.host.container import in_container
from backends.http1 import Address, NoAnswer, ask
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.keeper.probe import running_requests
from backends.operations import servers
from backends.operations.host import Host
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from tests.backends.keeper.matrix.consoles import ALTERNATE_SCREEN
from tests.console.stage import host_in
from tests.docker_host import IMAGE, MOUNTS, DockerHost, NotHere, running_daemon
from tests.polling import free_port, until

VICTIMS = ("keeper", "console", "init", "api", "engine", "dockerd", "restart")
STATES = ("starting", "ready", "serving", "stopping")
DAEMON = 'set "live-restore": true'
"""Of the remedy for a server that ended with its engine's daemon."""
SETTLED_S = 20.0
"""How long the list may take to say what a strike led to."""


def expected(victim: str, state: str) -> str:
    """Return what the list of servers has to say after a strike."""
    if state == "stopping":
        return "stopped"
    match victim:
        case "keeper" | "console":
            unkept = " without a keeper" if victim == "keeper" else ""
            return f"{'starting' if state == 'starting' else 'ready'}{unkept}"
        case "engine" if state != "starting":
            return "failed engine_died"
        case _:
            return "failed killed"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one cell; `wrong` is empty where all is well."""

    victim: str
    state: str
    status: str
    seconds: float
    left: int
    wrong: str = ""


def play(docker: DockerHost, victim: str, state: str, folder: Path) -> Played:
    """Start a server, strike one part of it, and stop what lives."""
    # Where a console finds it that is to be killed.
    state_folder = folder / "inferctl"
    state_folder.mkdir()
    host = replace(host_in(folder), state_folder=state_folder)
    theirs = docker.run("--network=host", "--restart=always", command=("sleep", "1000"))
    speed = "4" if state == "starting" else "60"
    profile = Profile(
        "ours",
        "org/ours",
        port=free_port(),
        environment=(
            ("INFERCTL_SIMULATED_SPEED", speed),
            ("INFERCTL_SIMULATED_SERVING_SPEED", "0.2"),
        ),
        runtime=RuntimeKind.DOCKER,
        image=IMAGE,
        mounts=tuple(f"{each}:{each}:ro" for each in MOUNTS),
        network="host",
    )
    servers.start(host, profile)
    kept = ServerFolder(server_folder(host.state_folder, "ours"))
    until(lambda: _has_come(read_journal(kept.journal), state))
    if state == "serving":
        threading.Thread(target=_ask, args=(profile.port,), daemon=True).start()
        until(lambda: running_requests(Address("127.0.0.1", profile.port)))
    stopping = threading.Thread(target=_stop, args=(host,), daemon=True)
    if state == "stopping":
        stopping.start()
        until(lambda: any(isinstance(one, StopOrdered) for one in read_journal(kept.journal)))
    began_s = time.monotonic()
    container = inspect(docker.engine, "inferctl-ours")
    assert container is not None
    _strike(docker, victim, kept, container.id)
    if victim not in {"keeper", "console"}:  # what is left may take a while to give up
        until(lambda: _ours(host).state in {ServerState.FAILED, ServerState.STOPPED}, 60.0)
    shown = _settled(lambda: _ours(host))
    if stopping.is_alive():
        stopping.join(90)
    _stop(host)
    left = [one for one in in_container(container.id) if processes.is_alive(one.id)]
    other = until(lambda: found if (found := inspect(docker.engine, theirs)) else None)
    wrong = "processes are left" if left else "" if other.is_up else "somebody else's was ended"
    if _ours(host).pid is not None:
        wrong = "it still runs"
    said = f"{shown.state} {_why(shown)}".strip()
    if said != expected(victim, state):
        wrong = wrong or f"it is {expected(victim, state)}"
    by_daemon = shown.failure if victim in {"dockerd", "restart"} else None
    if by_daemon is not None and DAEMON not in by_daemon.remedy.lower():
        wrong = wrong or f"the daemon is not named: {by_daemon.cause}"
    took_s = time.monotonic() - began_s
    docker.remove_all()
    return Played(victim, state, said, took_s, len(left), wrong)


def _has_come(facts: list[ServerFact], state: str) -> bool:
    if state != "starting":
        return any(isinstance(one, FirstTokenSeen) for one in facts)
    return any(isinstance(one, PhaseBegan) and one.phase is PhaseName.LOAD_WEIGHTS for one in facts)


def _strike(docker: DockerHost, victim: str, kept: ServerFolder, container: str) -> None:
    if victim in {"dockerd", "restart"}:
        number = signal.SIGKILL if victim == "dockerd" else signal.SIGTERM
        docker.restart(number, live_restore=False)
        return
    if victim == "console":
        _strike_console(kept.path.parents[2])
        return
    if victim == "keeper":
        keeper = keeper_id(kept)
        assert keeper is not None
        os.kill(keeper.pid, signal.SIGKILL)
        until(lambda: not processes.is_alive(keeper))
        return
    for one in in_container(container):
        command = processes.command_line(one.id.pid)
        is_api = is_server(command) and processes.display_name(one) == "vllm"
        parts = {
            "init": "docker-init" in " ".join(command[:1]),
            "api": is_api,
            "engine": processes.display_name(one).startswith("VLLM::EngineCore"),
        }
        if parts[victim]:
            processes.send(one.id, signal.SIGKILL, lambda _: True)
            return


def _strike_console(folder: Path) -> None:
    """Open the console that follows the server, on a terminal of its own, and kill it."""
    ours, theirs = pty.openpty()
    homes = {"XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    command = (sys.executable, "-m", "console")
    environment = {**os.environ, "TERM": "xterm-256color", **homes}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as console:
        os.close(theirs)
        seen = b""
        while ALTERNATE_SCREEN not in seen:
            seen += os.read(ours, 65536)
        console.kill()
    os.close(ours)


def _ask(port: int) -> None:
    """Ask for more than the server says before it is struck."""
    asked = {"model": "org/ours", "prompt": "hi", "max_tokens": 4000, "stream": True}
    with contextlib.suppress(NoAnswer):
        ask(Address("127.0.0.1", port), "/v1/completions", asked, timeout_s=120.0).body()


def _stop(host: Host) -> None:
    async def whole() -> None:
        async for _ in servers.stop(host, "ours", 0.0):
            pass

    try:
        asyncio.run(whole())
    except Problem:
        return  # nothing of it runs


def _ours(host: Host) -> Server:
    return next(one for one in list_servers(host.state_folder) if one.name == "ours")


def _settled(look: Callable[[], Server]) -> Server:
    """Return the server once two looks, a second apart, agree."""
    deadline, before = time.monotonic() + SETTLED_S, look()
    while time.monotonic() < deadline:
        time.sleep(1.0)
        now = look()
        if replace(now, note="") == replace(before, note=""):
            return now
        before = now
    return before


def _why(server: Server) -> str:
    return server.failure.kind if server.failure else "without a keeper" * server.lost_its_keeper


def main(words: Sequence[str]) -> int:
    """Play the cells that carry all these words, print the table, and count what is wrong."""
    cells = [one for one in product(VICTIMS, STATES) if set(words) <= set(one)]
    wrong = 0
    try:
        with running_daemon() as docker, tempfile.TemporaryDirectory() as folder:
            os.environ["DOCKER_HOST"] = f"unix://{docker.engine.socket}"
            print(f"{'VICTIM':9}{'STATE':10}{'SECONDS':>8}{'LEFT':>6}  STATUS SAID")
            for victim, state in cells:
                home = Path(folder) / f"{victim}-{state}"
                home.mkdir()
                told = play(docker, victim, state, home)
                wrong += bool(told.wrong)
                end = f"  WRONG: {told.wrong}" if told.wrong else ""
                row = f"{victim:9}{state:10}{told.seconds:8.1f}{told.left:6}  {told.status}{end}"
                print(row, flush=True)
    except NotHere as reason:
        print(reason)
        return 1
    print(f"{len(cells)} cells, {wrong} wrong")
    return wrong
