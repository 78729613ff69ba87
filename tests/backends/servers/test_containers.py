"""Servers in containers of a real Docker daemon, as the list of this host shows them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.domain.server import Owner, RuntimeKind, Server, ServerState
from backends.domain.start import FailureKind
from backends.servers.listing import list_servers
from tests.docker_host import DockerHost
from tests.polling import free_port, until

SERVE = ("vllm", "serve", "org/theirs")
FAST = ("-e", "INFERCTL_SIMULATED_SPEED=100")


def found(state: Path, container: str, wanted: Callable[[Server], bool]) -> Server:
    """Wait until the server in a container is as wanted, and return it."""

    def look() -> Server | None:
        listed = (one for one in list_servers(state) if one.runtime.name == container)
        return next((one for one in listed if wanted(one)), None)

    return until(look)


def test_a_published_port_is_the_address_that_reaches_it(
    docker: DockerHost, tmp_path: Path
) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    port = free_port()
    name = docker.run("-p", f"127.0.0.1:{port}:8000", *FAST, command=(*SERVE, "--host", "0.0.0.0"))
    server = found(tmp_path, name, lambda one: one.state is ServerState.READY)
    assert (server.owner, server.name, server.model) == (Owner.EXTERNAL, name, "org/theirs")
    assert (server.port, server.base_url) == (8000, f"http://127.0.0.1:{port}/v1")
    assert (server.runtime.kind, server.runtime.restarts) == (RuntimeKind.DOCKER, 0)
    assert server.runtime.ends == f"docker stop {name}"


def test_two_on_one_port_have_two_names_and_two_addresses(
    docker: DockerHost, tmp_path: Path
) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    command = (*SERVE, "--host", "0.0.0.0")
    names = [docker.run(*FAST, command=command) for _ in range(2)]
    servers = [found(tmp_path, one, lambda it: it.state is ServerState.READY) for one in names]
    assert [one.name for one in servers] == names
    addresses = {one.base_url for one in servers}
    assert len(addresses) == 2
    assert all(":8000/v1" in (address or "") for address in addresses)


def test_on_the_hosts_network_its_own_port_reaches_it_and_its_policy_is_said(
    docker: DockerHost, tmp_path: Path
) -> None:
    port = free_port()
    options = ("--network=host", "--restart=unless-stopped", *FAST)
    name = docker.run(*options, command=(*SERVE, "--port", str(port)))
    server = found(tmp_path, name, lambda one: one.state is ServerState.READY)
    assert server.base_url == f"http://127.0.0.1:{port}/v1"
    assert server.runtime.policy == "unless-stopped"


def test_one_that_still_starts_is_starting_with_the_reason_for_no_address(
    docker: DockerHost, tmp_path: Path
) -> None:
    slow = ("-e", "INFERCTL_SIMULATED_SPEED=0.2")
    name = docker.run("--network=host", *slow, command=(*SERVE, "--port", str(free_port())))
    server = found(tmp_path, name, lambda _: True)
    assert (server.state, server.base_url) == (ServerState.STARTING, None)
    assert "does not listen" in server.address_reason


def test_one_that_listens_inside_alone_says_so(docker: DockerHost, tmp_path: Path) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    name = docker.run(*FAST, command=(*SERVE, "--host", "127.0.0.1"))
    server = found(tmp_path, name, lambda one: one.state is ServerState.UNKNOWN)
    assert "--host 0.0.0.0" in server.address_reason


def test_an_engine_that_does_not_answer_is_named_with_its_remedy(
    docker: DockerHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    name = docker.run(*FAST, command=(*SERVE, "--host", "0.0.0.0"))
    pid = found(tmp_path, name, lambda one: one.state is ServerState.READY).pid
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    server = next(one for one in list_servers(tmp_path) if one.pid == pid)
    assert server.runtime.kind is RuntimeKind.DOCKER
    # Its network has an address of its own, whoever may ask the engine for it.
    assert (server.base_url or "").endswith(":8000/v1")
    assert "sudo systemctl start docker" in server.note


def test_a_failed_container_is_listed_with_how_it_ended(docker: DockerHost, tmp_path: Path) -> None:
    name = docker.run("--network=host", *FAST, command=(*SERVE, "--port", "no-number"))
    server = found(tmp_path, name, lambda one: one.state is ServerState.FAILED)
    assert server.exit is not None
    assert (bool(server.exit.code), server.pid) == (True, None)
    assert server.failure is not None
    assert server.failure.remedy == f"run: docker logs --tail 100 {name}"


def test_one_that_was_stopped_on_purpose_is_not_listed(docker: DockerHost, tmp_path: Path) -> None:
    name = docker.run("--network=host", *FAST, command=(*SERVE, "--port", str(free_port())))
    found(tmp_path, name, lambda one: one.state is ServerState.READY)
    docker.cli("stop", name)
    assert not [one for one in list_servers(tmp_path) if one.runtime.name == name]


def test_one_that_the_kernel_killed_for_memory_is_told_from_one_that_was_killed(
    docker: DockerHost, tmp_path: Path
) -> None:
    grow = "import time; held = []\nwhile True: held.append(bytearray(1 << 20)); time.sleep(0.001)"
    name = docker.run("--memory=64m", command=(sys.executable, "-c", grow))
    server = found(tmp_path, name, lambda one: one.state is ServerState.FAILED)
    assert server.failure is not None
    assert server.failure.kind is FailureKind.HOST_OUT_OF_MEMORY
    assert "OOMKilled=true" in server.failure.line
    killed = docker.run(command=("sleep", "1000"))
    docker.cli("kill", killed)
    server = found(tmp_path, killed, lambda one: one.state is ServerState.FAILED)
    assert server.failure is not None
    assert server.failure.kind is FailureKind.KILLED
    assert "OOMKilled=false" in server.failure.line
