"""What a start or a list refuses about containers: one sentence with the remedy for each."""

import os
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backends.containers.engine import Engine, EngineUnavailable
from backends.discovery.finding import Finding
from backends.domain.server import RuntimeKind
from backends.operations import servers
from backends.operations.host import Host
from backends.problem import Problem
from backends.settings.config import Profile
from tests.console.stage import host_in
from tests.docker_host import IMAGE, MOUNTS, DockerHost
from tests.polling import free_port

NOBODY = 65534


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return host_in(tmp_path)


def profile(port: int, **changes: object) -> Profile:
    made = Profile(
        "ours",
        "org/ours",
        port=port,
        runtime=RuntimeKind.DOCKER,
        image=IMAGE,
        mounts=tuple(f"{each}:{each}:ro" for each in MOUNTS),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def finding(host: Host, made: Profile, name: str) -> Finding:
    return next(one for one in servers.preflight(host, made) if one.name == name)


def as_nobody(work: Callable[[], str]) -> str:
    """Return what a function says in a process of a user without any right."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said:
        return said.read()


def asked(engine: Engine) -> str:
    try:
        engine.read("/info")
    except EngineUnavailable as error:
        return str(error)
    return "it answered"


def test_a_port_that_a_container_publishes_is_named_with_that_container(
    docker: DockerHost, host: Host
) -> None:
    if not docker.bridge:
        pytest.skip("this daemon has no bridge")
    port = free_port()
    name = docker.run("-p", f"127.0.0.1:{port}:8000", command=("sleep", "1000"))
    found = finding(host, profile(port), "port")
    assert (found.state, found.what) == (
        "fail",
        f"{port} is published by the docker container {name}",
    )
    assert found.remedy.endswith(f"run: docker stop {name}")


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")


@needs_root
def test_a_user_without_permission_learns_which_group_has_it(docker: DockerHost) -> None:
    folder = Path(docker.engine.socket).parent
    folder.chmod(0o755)
    Path(docker.engine.socket).chmod(0o660)
    said = as_nobody(lambda: asked(docker.engine))
    assert "may not be used by this user" in said
    assert re.search(r"run inferctl as root, or run: sudo usermod -aG docker \w+", said)


@needs_root
def test_a_podman_of_another_user_is_said_to_be_theirs(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(tmp_path / "podman.sock"))
        theirs.listen()
        (tmp_path / "podman.sock").chmod(0o600)
        podman = Engine(RuntimeKind.PODMAN, str(tmp_path / "podman.sock"))
        said = as_nobody(lambda: asked(podman))
    assert "another user's podman: run inferctl as that user, or as root" in said


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ('exec docker run --rm -p 8000:8000 vllm/vllm-openai "$@"', "docker"),
        ('podman exec -it rocm vllm "$@"', "podman"),
        ('sudo nsenter -t 1234 -a vllm "$@"', "nsenter"),
        ('exec /opt/vllm/bin/python -m vllm "$@"', ""),
    ],
)
def test_a_script_that_runs_vllm_in_a_container_is_refused_with_the_runtime_to_use(
    host: Host, tmp_path: Path, line: str, program: str
) -> None:
    script = tmp_path / "vllm"
    script.write_text(f"#!/bin/sh\n# docker run is what others do\n{line}\n")
    script.chmod(0o755)
    made = Profile("ours", "org/ours", port=free_port(), vllm=str(script))
    found = finding(host, made, "vllm")
    if not program:
        assert found.state == "warn"  # its version is not known
        return
    assert found.state == "fail"
    assert f"is a script that runs {program}" in found.what
    assert 'runtime = "exec"' in found.remedy


def test_an_image_that_is_not_here_is_said_before_the_start(docker: DockerHost, host: Host) -> None:
    assert docker
    found = finding(host, profile(free_port(), image="127.0.0.1:1/no/such:image"), "image")
    assert (found.state, found.remedy) == ("warn", "run: docker pull 127.0.0.1:1/no/such:image")


def test_a_container_that_is_gone_meanwhile_is_no_server_to_start_in(
    docker: DockerHost, host: Host
) -> None:
    docker.run("--network=host", command=("sleep", "1000"), name="rocm")
    inside = profile(free_port(), runtime=RuntimeKind.EXEC, image="", mounts=(), container="rocm")
    docker.cli("rm", "-f", "rocm")
    with pytest.raises(Problem, match="no engine here knows container rocm"):
        servers.start(host, inside)
