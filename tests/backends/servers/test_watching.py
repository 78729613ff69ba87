"""Servers of others under a keeper that only watches: their phases, ends, and that they go on."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.containers.container import wall_s
from backends.containers.engine import frames
from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    PhaseBegan,
    ServerFact,
    Spawned,
    Stopped,
)
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.server import Exit, Owner, Server, ServerState
from backends.domain.start import FailureKind, PhaseName
from backends.domain.startup.fold import as_start
from backends.host import processes
from backends.keeper.clock import now
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.keeper.launch import AlreadyKept, launch
from backends.servers.adoption import watch_order
from backends.servers.listing import list_servers
from tests.docker_host import ROOT, DockerHost
from tests.polling import free_port, until

SERVE = ("vllm", "serve", "org/theirs")
# Slow enough to be seen before it is ready, on a host where a hundred servers are listed too.
SLOW = ("-e", "INFERCTL_SIMULATED_SPEED=4")


class Watching:
    """A state folder, and the keepers in it."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def found(self, wanted: Callable[[Server], bool]) -> Server:
        return until(lambda: next((one for one in list_servers(self.state) if wanted(one)), None))

    def watch(self, server: Server) -> ServerFolder:
        folder = server_folder(self.state, server.name)
        launch(watch_order(server), folder)
        return ServerFolder(folder)

    def facts(self, folder: ServerFolder, kind: type[ServerFact]) -> list[ServerFact]:
        """Wait for a fact of this kind, and return all so far."""

        def look() -> list[ServerFact] | None:
            facts = read_journal(folder.journal)
            return facts if any(isinstance(one, kind) for one in facts) else None

        return until(look)

    def end(self) -> None:
        for folder in (self.state / "servers").glob("*"):
            if keeper := keeper_id(ServerFolder(folder)):
                processes.send(keeper, signal.SIGKILL, lambda _: True)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    made = Watching(tmp_path / "state")
    yield made
    made.end()


def life_of(facts: list[ServerFact]) -> Life:
    life = not_started("")
    for fact in facts:
        life = life_after(life, fact)
    return life


def phases_of(facts: list[ServerFact]) -> list[PhaseName]:
    start = life_of(facts).start
    assert start is not None
    return [one.name for one in as_start(start, now()).phases]


def only(facts: list[ServerFact], kind: type[ServerFact]) -> ServerFact:
    return next(one for one in facts if isinstance(one, kind))


def test_a_container_is_watched_through_its_bridge_from_its_first_seconds_on(
    docker: DockerHost, watching: Watching
) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    publish = ("-p", f"127.0.0.1:{free_port()}:8000")
    # Long enough to be seen before it is ready, on a host where a hundred servers are listed too.
    slow = ("-e", "INFERCTL_SIMULATED_SPEED=4")
    name = docker.run(*publish, *slow, command=(*SERVE, "--host", "0.0.0.0"))
    server = watching.found(lambda one: one.runtime.name == name)
    assert server.state is ServerState.STARTING
    folder = watching.watch(server)
    facts = watching.facts(folder, FirstTokenSeen)
    life = life_of(facts)
    assert (life.server.owner, life.server.state) == (Owner.EXTERNAL, ServerState.READY)
    assert life.server.runtime.name == name
    assert {PhaseName.LOAD_WEIGHTS, PhaseName.CAPTURE_GRAPHS} <= set(phases_of(facts))
    assert life.server.ready_s is not None
    assert 1.0 < life.server.ready_s < 30.0
    listed = watching.found(lambda one: one.name == name)
    assert (listed.keeper_pid, listed.owner) == (keeper_pid(folder), Owner.EXTERNAL)
    assert "Starting to load model" in folder.log.read_text()


def test_what_was_ready_before_has_the_phases_and_times_of_its_log(
    docker: DockerHost, watching: Watching
) -> None:
    fast = ("--network=host", "-e", "INFERCTL_SIMULATED_SPEED=40")
    name = docker.run(*fast, command=(*SERVE, "--port", str(free_port())))
    server = watching.found(lambda one: one.runtime.name == name and one.state is ServerState.READY)
    facts = watching.facts(watching.watch(server), BecameReady)
    ready, begun = only(facts, BecameReady), only(facts, Spawned)
    asked = {"stdout": 1, "stderr": 1, "timestamps": 1}
    output = b"".join(frames(docker.engine.ask(f"/containers/{name}/logs", query=asked).pieces))
    line = next(one for one in output.decode().splitlines() if "startup complete" in one)
    assert isinstance(ready, BecameReady)
    assert ready.seen
    assert ready.at.wall_s == pytest.approx(wall_s(line.split()[0]), abs=0.05)
    loads = next(one for one in facts if isinstance(one, PhaseBegan))
    assert begun.at.wall_s < loads.at.wall_s < ready.at.wall_s
    assert PhaseName.LOAD_WEIGHTS in phases_of(facts)


def test_a_kill_is_told_from_the_end_of_memory_and_its_keeper_leaves(
    docker: DockerHost, watching: Watching
) -> None:
    fast = ("--network=host", "-e", "INFERCTL_SIMULATED_SPEED=40")
    name = docker.run(*fast, command=(*SERVE, "--port", str(free_port())))
    folder = watching.watch(watching.found(lambda one: one.runtime.name == name))
    watching.facts(folder, BecameReady)
    docker.cli("kill", name)
    facts = watching.facts(folder, Stopped)
    ended, failed = only(facts, Exited), only(facts, FailureSeen)
    assert isinstance(ended, Exited)
    assert isinstance(failed, FailureSeen)
    assert ended.exit == Exit(None, signal.SIGKILL)
    assert failed.failure.kind is FailureKind.KILLED
    assert "OOMKilled is false" in failed.failure.cause
    keeper = keeper_id(folder)
    assert keeper is not None
    until(lambda: not processes.is_alive(keeper))


def test_what_was_started_inside_a_running_container_is_read_from_its_file(
    docker: DockerHost, watching: Watching
) -> None:
    name = docker.run("--network=host", command=("sleep", "1000"), name="rocm")
    serve = f"vllm serve org/theirs --port {free_port()} > /tmp/vllm.log 2>&1"
    docker.cli("exec", "-d", *SLOW, name, "sh", "-c", serve)
    folder = watching.watch(watching.found(lambda one: one.runtime.name == name))
    facts = watching.facts(folder, FirstTokenSeen)
    assert PhaseName.LOAD_WEIGHTS in phases_of(facts)
    assert life_of(facts).server.ready_s is not None


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start a simulated vLLM as somebody else would, with its output as given."""
    begun: list[subprocess.Popen[bytes]] = []
    script = tmp_path / "vllm"
    script.write_text("from backends.simulated.vllm import main\n\nmain()\n")

    def start(output: int | Path, speed: str = "12") -> "subprocess.Popen[bytes]":
        command = [sys.executable, str(script), "serve", "org/theirs", "--port", str(free_port())]
        changed = {"PYTHONPATH": str(ROOT), "INFERCTL_SIMULATED_SPEED": speed}
        out = output if isinstance(output, int) else os.open(output, os.O_WRONLY | os.O_APPEND)
        begun.append(
            subprocess.Popen(
                command,
                env={**os.environ, **changed},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        return begun[-1]

    yield start
    for one in begun:
        os.killpg(one.pid, signal.SIGKILL)
        one.wait()


Start = Callable[..., "subprocess.Popen[bytes]"]


def test_a_file_that_holds_earlier_starts_tells_of_this_one_alone(
    theirs: Start, watching: Watching, tmp_path: Path
) -> None:
    log = tmp_path / "nohup.out"
    log.write_text(
        "INFO 11-01 08:00:00 [api_server.py:1] vLLM API server version 0.9.0\n"
        "INFO 11-01 08:00:09 [gpu_model_runner.py:1] Starting to load model org/earlier...\n"
    )
    process = theirs(log, speed="4")
    folder = watching.watch(watching.found(lambda one: one.pid == process.pid))
    facts = watching.facts(folder, FirstTokenSeen)
    start = life_of(facts).start
    assert start is not None
    assert (start.vllm_version, start.model) == ("0.32.0", "org/theirs")
    assert "org/earlier" not in folder.log.read_text()


def test_where_no_log_is_kept_the_reason_stands_with_what_helps(
    theirs: Start, watching: Watching
) -> None:
    process = theirs(subprocess.DEVNULL, "100")
    server = watching.found(lambda one: one.pid == process.pid and one.state is ServerState.READY)
    facts = watching.facts(watching.watch(server), BecameReady)
    life = life_of(facts)
    assert life.server.state is ServerState.READY
    assert life.server.ready_s is None
    assert "/dev/null" in life.no_log
    assert "inferctl start" in life.no_log


def test_a_killed_keeper_is_replaced_with_the_same_start_and_the_server_goes_on(
    theirs: Start, watching: Watching, tmp_path: Path
) -> None:
    log = tmp_path / "nohup.out"
    log.touch()
    process = theirs(log, "100")
    server = watching.found(lambda one: one.pid == process.pid and one.state is ServerState.READY)
    folder = watching.watch(server)
    first = only(watching.facts(folder, BecameReady), Spawned)
    with pytest.raises(AlreadyKept):
        watching.watch(server)
    keeper = keeper_id(folder)
    assert keeper is not None
    processes.send(keeper, signal.SIGKILL, lambda _: True)
    until(lambda: not processes.is_alive(keeper))
    assert process.poll() is None
    # The one that was refused may still be leaving.
    again = watching.found(lambda one: one.pid == process.pid and one.keeper_pid is None)
    second = only(watching.facts(watching.watch(again), BecameReady), Spawned)
    assert isinstance(first, Spawned)
    assert isinstance(second, Spawned)
    assert (second.start_id, second.process) == (first.start_id, first.process)


def test_a_signal_to_the_keeper_makes_it_leave_and_nothing_else(
    theirs: Start, watching: Watching
) -> None:
    process = theirs(subprocess.DEVNULL, "100")
    folder = watching.watch(
        watching.found(lambda one: one.pid == process.pid and one.state is ServerState.READY)
    )
    watching.facts(folder, BecameReady)
    keeper = keeper_id(folder)
    assert keeper is not None
    processes.send(keeper, signal.SIGTERM, lambda _: True)
    until(lambda: not processes.is_alive(keeper))
    assert process.poll() is None
    assert not any(isinstance(one, Stopped) for one in read_journal(folder.journal))


def keeper_pid(folder: ServerFolder) -> int:
    keeper = keeper_id(folder)
    assert keeper is not None
    return keeper.pid
