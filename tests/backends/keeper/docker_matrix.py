"""SIGKILL to every part of a server in a container, in three states, on a real Docker daemon.

Each cell strikes once, looks what the list of servers says, stops what lives, and counts what is
left. A container of somebody else stands beside all of them and has to go on.
"""

import asyncio
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from backends.containers.container import inspect
from backends.domain.facts import FirstTokenSeen, PhaseBegan, ServerFact, StopOrdered
from backends.domain.server import SERVING, RuntimeKind, Server
from backends.domain.start import PhaseName
from backends.domain.vllm_arguments import is_server
from backends.host import processes
from backends.host.container import in_container
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.operations import servers
from backends.operations.host import Host
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from tests.console.stage import host_in
from tests.docker_host import IMAGE, MOUNTS, DockerHost, NotHere, running_daemon
from tests.polling import free_port, until

VICTIMS = ("keeper", "init", "api", "engine", "dockerd")
STATES = ("starting", "ready", "stopping")
SETTLED_S = 20.0
"""How long the list may take to say what a strike led to."""


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
    host = host_in(folder)
    theirs = docker.run("--network=host", "--restart=always", command=("sleep", "1000"))
    speed = "4" if state == "starting" else "60"
    profile = Profile(
        "ours",
        "org/ours",
        port=free_port(),
        environment=(("INFERCTL_SIMULATED_SPEED", speed),),
        runtime=RuntimeKind.DOCKER,
        image=IMAGE,
        mounts=tuple(f"{each}:{each}:ro" for each in MOUNTS),
        network="host",
    )
    servers.start(host, profile)
    kept = ServerFolder(server_folder(host.state_folder, "ours"))
    until(lambda: _has_come(read_journal(kept.journal), state))
    stopping = threading.Thread(target=_stop, args=(host,), daemon=True)
    if state == "stopping":
        stopping.start()
        until(lambda: any(isinstance(one, StopOrdered) for one in read_journal(kept.journal)))
    began_s = time.monotonic()
    container = inspect(docker.engine, "inferctl-ours")
    assert container is not None
    _strike(docker, victim, kept, container.id)
    if victim in {"init", "api", "engine"}:  # what is left may take a while to give up
        until(lambda: _ours(host).state not in SERVING)
    shown = _settled(lambda: _ours(host))
    if stopping.is_alive():
        stopping.join(90)
    _stop(host)
    left = [one for one in in_container(container.id) if processes.is_alive(one.id)]
    other = until(lambda: found if (found := inspect(docker.engine, theirs)) else None)
    wrong = "processes are left" if left else "" if other.is_up else "somebody else's was ended"
    if _ours(host).pid is not None:
        wrong = "it still runs"
    took_s = time.monotonic() - began_s
    docker.remove_all()
    return Played(victim, state, f"{shown.state} {_why(shown)}".strip(), took_s, len(left), wrong)


def _has_come(facts: list[ServerFact], state: str) -> bool:
    if state != "starting":
        return any(isinstance(one, FirstTokenSeen) for one in facts)
    return any(isinstance(one, PhaseBegan) and one.phase is PhaseName.LOAD_WEIGHTS for one in facts)


def _strike(docker: DockerHost, victim: str, kept: ServerFolder, container: str) -> None:
    if victim == "dockerd":
        docker.restart(signal.SIGKILL, live_restore=False)
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
