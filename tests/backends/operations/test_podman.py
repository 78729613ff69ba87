"""Servers in containers of a real podman: another's, and one of ours from its start to its stop."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from backends.containers.container import inspect
from backends.domain.facts import FirstTokenSeen, PhaseBegan, ServerFact, Stopped
from backends.domain.server import Owner, RuntimeKind, Server, ServerState
from backends.domain.start import FailureKind, PhaseName
from backends.keeper.folder import ServerFolder, read_journal, server_folder
from backends.operations import servers
from backends.servers.adoption import watch_order
from backends.servers.listing import list_servers
from tests.backends.servers.test_ways_of_running import SERVER
from tests.console.stage import host_in
from tests.docker_host import contained_profile
from tests.podman_host import (
    IMAGE,
    PodmanHost,
    podman,
    podman_service,
    rootless,
    rootless_service,
)
from tests.polling import free_port, until

__all__ = ["podman", "podman_service", "rootless", "rootless_service"]

CATATONIT = Path("/usr/libexec/podman/catatonit")
WITHIN_S = 60.0


def test_anothers_has_its_name_address_log_and_how_it_ended(
    podman: PodmanHost, tmp_path: Path
) -> None:
    port = free_port()
    serve = ("vllm", "serve", "org/theirs", "--port", str(port))
    name = podman.run("--network=host", "-e", "INFERCTL_SIMULATED_SPEED=100", command=serve)

    def seen(state: ServerState) -> Server | None:
        named = (one for one in list_servers(tmp_path) if one.runtime.name == name)
        return next((one for one in named if one.state is state), None)

    server = until(lambda: seen(ServerState.READY), WITHIN_S)
    assert (server.owner, server.runtime.kind) == (Owner.EXTERNAL, RuntimeKind.PODMAN)
    assert server.base_url == f"http://127.0.0.1:{port}/v1"
    external = watch_order(server).external
    assert external is not None
    assert (external.log.kind, external.log.engine) == ("engine", RuntimeKind.PODMAN)
    podman.cli("kill", name)
    failed = until(lambda: seen(ServerState.FAILED), WITHIN_S)
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.KILLED


def test_one_of_a_user_without_root_is_seen_with_its_name_address_and_log(
    rootless: PodmanHost, tmp_path: Path
) -> None:
    script, port = Path(rootless.engine.socket).with_name("vllm"), free_port()
    script.write_text(SERVER)  # the simulated one may be where only root reads
    mounts = ("-v", "/usr:/usr:ro", "-v", f"{script}:/srv/vllm:ro", "-e", f"LISTEN={port}")
    serve = ("/usr/bin/python3", "/srv/vllm", "serve", "org/theirs", "--port", str(port))
    named = ("run", "-d", "--name", "rootless", "--network=host")
    rootless.cli(*named, *mounts, IMAGE, *serve)

    def seen() -> Server | None:
        listed = (one for one in list_servers(tmp_path) if one.port == port)
        return next((one for one in listed if one.state is ServerState.READY), None)

    server = until(seen, WITHIN_S)
    assert (server.name, server.runtime.label) == ("rootless", "podman rootless")
    assert server.base_url == f"http://127.0.0.1:{port}/v1"
    assert "nobody" in server.note
    external = watch_order(server).external
    assert external is not None
    assert (external.log.kind, external.log.engine) == ("engine", RuntimeKind.PODMAN)


def test_one_behind_a_bridge_is_reached_by_its_published_port(
    podman: PodmanHost, tmp_path: Path
) -> None:
    port = free_port()
    serve = ("vllm", "serve", "org/theirs", "--host", "0.0.0.0", "--port", "8000")
    publish = ("-p", f"127.0.0.1:{port}:8000", "-e", "INFERCTL_SIMULATED_SPEED=100")
    try:
        name = podman.run(*publish, command=serve)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"podman has no bridge here: {error.stderr.decode()[-300:]}")

    def seen() -> Server | None:
        listed = (one for one in list_servers(tmp_path) if one.runtime.name == name)
        return next((one for one in listed if one.state is ServerState.READY), None)

    assert until(seen, WITHIN_S).base_url == f"http://127.0.0.1:{port}/v1"


@pytest.mark.skipif(not CATATONIT.exists(), reason="podman --init needs catatonit")
def test_ours_becomes_ready_with_its_phases_and_is_stopped(
    podman: PodmanHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    host = host_in(tmp_path)
    servers.start(host, contained_profile(RuntimeKind.PODMAN, IMAGE))
    journal = ServerFolder(server_folder(host.state_folder, "ours")).journal

    def has(kind: type[ServerFact]) -> bool:
        return any(isinstance(one, kind | Stopped) for one in read_journal(journal))

    until(lambda: has(FirstTokenSeen), WITHIN_S)
    server = next(one for one in list_servers(host.state_folder) if one.name == "ours")
    assert (server.owner, server.state) == (Owner.MANAGED, ServerState.READY)
    assert (server.runtime.kind, server.runtime.name) == (RuntimeKind.PODMAN, "inferctl-ours")
    phases = {one.phase for one in read_journal(journal) if isinstance(one, PhaseBegan)}
    assert {PhaseName.LOAD_WEIGHTS, PhaseName.CAPTURE_GRAPHS} <= phases

    async def whole() -> list[ServerFact]:
        return [fact async for fact in servers.stop(host, "ours", 0.0)]

    assert isinstance(asyncio.run(whole())[-1], Stopped)
    left = inspect(podman.engine, "inferctl-ours")
    assert left is not None
    assert not left.is_up
