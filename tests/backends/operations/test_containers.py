"""A server that is started in a container of a real Docker daemon, kept, stopped and survived."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.containers.container import inspect
from backends.domain.facts import (
    BecameReady,
    ContainerStarted,
    FailureSeen,
    FirstTokenSeen,
    PhaseBegan,
    ServerFact,
    Stopped,
)
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.server import Owner, RuntimeKind, Server, ServerState
from backends.domain.start import FailureKind, PhaseName
from backends.host import processes
from backends.keeper.folder import ServerFolder, keeper_id, read_journal, server_folder
from backends.operations import servers
from backends.operations.host import Host
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.settings.config import Profile
from tests.console.stage import host_in
from tests.docker_host import IMAGE, MOUNTS, DockerHost
from tests.polling import free_port, until

SPEED = ("INFERCTL_SIMULATED_SPEED", "40")


def profile(port: int, **changes: object) -> Profile:
    made = Profile(
        "ours",
        "org/ours",
        port=port,
        environment=(SPEED,),
        runtime=RuntimeKind.DOCKER,
        image=IMAGE,
        mounts=tuple(f"{each}:{each}:ro" for each in MOUNTS),
        network="host",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def host(docker: DockerHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    made = host_in(tmp_path)
    yield made
    docker.remove_all()
    if keeper := keeper_id(folder_of(made)):
        processes.send(keeper, signal.SIGKILL, lambda _: True)


def folder_of(host: Host) -> ServerFolder:
    return ServerFolder(server_folder(host.state_folder, "ours"))


def facts_until(host: Host, kind: type[ServerFact]) -> list[ServerFact]:
    def look() -> list[ServerFact] | None:
        facts = read_journal(folder_of(host).journal)
        return facts if any(isinstance(one, kind | Stopped) for one in facts) else None

    facts = until(look)
    assert any(isinstance(one, kind) for one in facts), facts
    return facts


def life_of(facts: list[ServerFact]) -> Life:
    life = not_started("")
    for fact in facts:
        life = life_after(life, fact)
    return life


def stop(host: Host) -> list[ServerFact]:
    async def whole() -> list[ServerFact]:
        return [fact async for fact in servers.stop(host, "ours", 0.0)]

    return asyncio.run(whole())


def ours(host: Host) -> Server:
    return next(one for one in list_servers(host.state_folder) if one.name == "ours")


@pytest.mark.parametrize("network", ["host", "bridge"])
def test_it_becomes_ready_with_its_phases_and_is_stopped_without_a_trace(
    docker: DockerHost, host: Host, network: str
) -> None:
    if network == "bridge" and not docker.bridge:
        pytest.skip("this daemon has no bridge")
    port = free_port()
    servers.start(host, profile(port, network=network))
    life = life_of(facts_until(host, FirstTokenSeen))
    server = ours(host)
    assert (server.owner, server.state) == (Owner.MANAGED, ServerState.READY)
    assert server.base_url == f"http://127.0.0.1:{port}/v1"
    assert (server.runtime.kind, server.runtime.name) == (RuntimeKind.DOCKER, "inferctl-ours")
    assert life.server.first_token_s is not None
    phases = {one.phase for one in facts_until(host, PhaseBegan) if isinstance(one, PhaseBegan)}
    assert {PhaseName.LOAD_WEIGHTS, PhaseName.CAPTURE_GRAPHS} <= phases
    facts = stop(host)
    assert isinstance(facts[-1], Stopped)
    assert ours(host).state is ServerState.STOPPED
    left = inspect(docker.engine, "inferctl-ours")
    assert left is not None  # nothing was removed by force: its log can still be read
    assert not left.is_up


def test_a_stop_in_the_middle_of_a_start_ends_it(docker: DockerHost, host: Host) -> None:
    slow = (("INFERCTL_SIMULATED_SPEED", "1"),)
    servers.start(host, profile(free_port(), environment=slow))
    facts_until(host, ContainerStarted)
    assert isinstance(stop(host)[-1], Stopped)
    left = inspect(docker.engine, "inferctl-ours")
    assert left is not None
    assert not left.is_up


def test_a_container_that_is_killed_has_failed_and_may_be_started_again(
    docker: DockerHost, host: Host
) -> None:
    made = profile(free_port())
    servers.start(host, made)
    facts_until(host, FirstTokenSeen)
    docker.cli("kill", "inferctl-ours")
    failure = life_of(facts_until(host, Stopped)).server.failure
    assert failure is not None
    assert failure.kind is FailureKind.KILLED
    assert "OOMKilled is false" in failure.cause
    servers.start(host, made)
    facts_until(host, BecameReady)
    assert isinstance(stop(host)[-1], Stopped)


def test_a_killed_keeper_is_replaced_and_its_container_goes_on(
    docker: DockerHost, host: Host
) -> None:
    servers.start(host, profile(free_port()))
    facts_until(host, FirstTokenSeen)
    keeper = keeper_id(folder_of(host))
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(keeper))
    lost = ours(host)
    assert (lost.state, lost.keeper_pid, lost.lost_its_keeper) == (ServerState.READY, None, True)
    servers.adopt(host, "ours")
    kept = until(lambda: found if (found := ours(host)).keeper_pid else None)
    assert (kept.pid, kept.state) == (lost.pid, ServerState.READY)
    assert isinstance(stop(host)[-1], Stopped)


def test_an_image_that_cannot_be_fetched_is_a_failure_with_its_remedy(
    docker: DockerHost, host: Host
) -> None:
    servers.start(host, profile(free_port(), image="127.0.0.1:1/no/such:image"))
    facts = facts_until(host, FailureSeen)
    failed = next(one for one in facts if isinstance(one, FailureSeen)).failure
    assert failed.kind is FailureKind.DOWNLOAD_FAILED
    assert "docker load" in failed.remedy
    assert life_of(facts_until(host, Stopped)).server.state is ServerState.FAILED


def test_a_daemon_that_does_not_run_is_said_before_the_start(
    docker: DockerHost, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    (tmp_path / "nowhere.sock").touch()
    checks = {one.name: one for one in servers.preflight(host, profile(free_port()))}
    assert (checks["image"].state, checks["image"].remedy) == (
        "fail",
        "run: sudo systemctl start docker",
    )
    with pytest.raises(Problem, match="docker does not run"):
        servers.start(host, profile(free_port()))


def test_the_key_is_in_the_container_and_in_no_argument_list_or_file(
    docker: DockerHost, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS_KEY", "sesame-1234")
    made = profile(free_port(), api_key_env="OURS_KEY")
    command = servers.dry_run(servers.order(made), made)
    assert "sesame" not in " ".join(command)
    assert "VLLM_API_KEY" in command
    servers.start(host, made)
    facts_until(host, FirstTokenSeen)
    shown = json.loads(docker.cli("inspect", "inferctl-ours"))[0]
    assert "VLLM_API_KEY=sesame-1234" in shown["Config"]["Env"]
    assert "sesame" not in " ".join(shown["Args"])
    written = [path for path in folder_of(host).path.rglob("*") if path.is_file()]
    assert not [path for path in written if b"sesame" in path.read_bytes()]
    assert isinstance(stop(host)[-1], Stopped)


@pytest.fixture
def rocm(docker: DockerHost) -> str:
    """A container that runs already, with other work in it."""
    return docker.run("--network=host", command=("sleep", "1000"), name="rocm")


def in_rocm(**changes: object) -> Profile:
    made = profile(free_port(), **changes)
    return replace(made, runtime=RuntimeKind.EXEC, image="", mounts=(), container="rocm")


def test_a_server_inside_a_running_container_is_kept_and_ended_alone(
    docker: DockerHost, host: Host, rocm: str
) -> None:
    made = in_rocm()
    argv = servers.order(made).argv
    assert argv[argv.index("--host") + 1] == "127.0.0.1"  # that network is the host's own
    servers.start(host, made)
    life = life_of(facts_until(host, FirstTokenSeen))
    server = ours(host)
    assert (server.owner, server.state) == (Owner.MANAGED, ServerState.READY)
    assert (server.runtime.kind, server.runtime.name) == (RuntimeKind.EXEC, "rocm")
    assert life.server.ready_s is not None
    phases = {one.phase for one in facts_until(host, PhaseBegan) if isinstance(one, PhaseBegan)}
    assert {PhaseName.LOAD_WEIGHTS, PhaseName.CAPTURE_GRAPHS} <= phases
    facts = stop(host)
    assert isinstance(facts[-1], Stopped)
    assert not [one for one in facts if "SIGKILL" in getattr(one, "step", "")]
    found = inspect(docker.engine, rocm)
    assert found is not None
    assert found.is_up


def test_a_server_inside_outlives_its_keeper_and_gets_a_new_one(
    docker: DockerHost, host: Host, rocm: str
) -> None:
    servers.start(host, in_rocm())
    facts_until(host, FirstTokenSeen)
    keeper = keeper_id(folder_of(host))
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(keeper))
    lost = ours(host)
    assert (lost.state, lost.lost_its_keeper) == (ServerState.READY, True)
    servers.adopt(host, "ours")
    kept = until(lambda: found if (found := ours(host)).keeper_pid else None)
    assert kept.pid == lost.pid
    assert isinstance(stop(host)[-1], Stopped)


def test_a_container_that_does_not_run_is_said_with_what_starts_it(
    docker: DockerHost, host: Host, rocm: str
) -> None:
    made = in_rocm()
    docker.cli("kill", rocm)
    with pytest.raises(Problem, match="docker start rocm"):
        servers.start(host, made)
    docker.cli("rm", rocm)
    with pytest.raises(Problem, match="no engine here knows container rocm"):
        servers.start(host, made)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=str)
def test_with_live_restore_a_restart_of_the_daemon_is_outlived(
    docker: DockerHost, host: Host, number: signal.Signals
) -> None:
    docker.restart(signal.SIGTERM, live_restore=True)
    try:
        servers.start(host, profile(free_port()))
        facts_until(host, FirstTokenSeen)
        before = ours(host)
        docker.restart(number, live_restore=True)
        after = ours(host)
        assert (after.pid, after.keeper_pid) == (before.pid, before.keeper_pid)
        assert after.state is ServerState.READY
        assert isinstance(stop(host)[-1], Stopped)
    finally:
        docker.restart(signal.SIGTERM, live_restore=False)


def test_without_live_restore_a_restart_of_the_daemon_ends_it_and_that_is_said_before(
    docker: DockerHost, host: Host
) -> None:
    made = profile(free_port())
    said = [one.what for one in servers.preflight(host, made) if one.name == "engine"]
    assert any("restart of the docker daemon ends" in one for one in said)
    servers.start(host, made)
    facts_until(host, FirstTokenSeen)
    docker.restart(signal.SIGTERM, live_restore=False)
    facts_until(host, Stopped)
    assert ours(host).pid is None
    servers.start(host, made)
    facts_until(host, FirstTokenSeen)
    assert isinstance(stop(host)[-1], Stopped)


def test_a_container_that_somebody_removes_by_force_has_failed(
    docker: DockerHost, host: Host
) -> None:
    servers.start(host, profile(free_port()))
    facts_until(host, FirstTokenSeen)
    docker.cli("rm", "-f", "inferctl-ours")
    life = life_of(facts_until(host, Stopped))
    assert life.server.state is ServerState.FAILED
    assert life.server.failure is not None
    assert life.server.failure.kind is FailureKind.KILLED
    # The engine may have been asked between its end and its removal.
    cause = life.server.failure.cause
    assert "was removed" in cause or "ended by SIGKILL" in cause


@pytest.mark.parametrize("kind", [ContainerStarted, FirstTokenSeen], ids=["starting", "ready"])
def test_a_keeper_that_is_killed_in_any_state_leaves_nothing_that_stop_does_not_end(
    docker: DockerHost, host: Host, kind: type[ServerFact]
) -> None:
    theirs = docker.run("--network=host", command=("sleep", "1000"))
    speed = "2" if kind is ContainerStarted else "40"
    environment = (("INFERCTL_SIMULATED_SPEED", speed),)
    servers.start(host, profile(free_port(), environment=environment))
    facts_until(host, kind)
    keeper = keeper_id(folder_of(host))
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    until(lambda: not processes.is_alive(keeper))
    assert ours(host).lost_its_keeper
    assert isinstance(stop(host)[-1], Stopped)
    left = inspect(docker.engine, "inferctl-ours")
    assert left is None or not left.is_up
    other = inspect(docker.engine, theirs)
    assert other is not None
    assert other.is_up


def test_a_port_that_is_published_already_is_named(docker: DockerHost, host: Host) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    port = free_port()
    docker.run("-p", f"127.0.0.1:{port}:8000", command=("sleep", "1000"))
    servers.start(host, profile(port, network="bridge"))
    life = life_of(facts_until(host, Stopped))
    assert life.server.failure is not None
    assert life.server.failure.kind is FailureKind.PORT_IN_USE
    assert str(port) in life.server.failure.remedy
