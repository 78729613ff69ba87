"""Ending what inferctl did not start: only after a yes, by whatever runs it, and nothing else."""

from pathlib import Path

import pytest

from backends.containers.container import inspect
from backends.domain.server import Owner, Runtime, RuntimeKind, Server, ServerState
from backends.host import processes
from backends.problem import Problem
from backends.servers.ending import end_external, what_ends
from backends.servers.listing import list_servers
from backends.settings.paths import state_folder
from console.__main__ import main
from tests.docker_host import DockerHost
from tests.polling import free_port, until

SERVE = ("vllm", "serve", "org/theirs")
FAST = ("-e", "INFERCTL_SIMULATED_SPEED=60")


def ready(state: Path, container: str) -> Server:
    def look() -> Server | None:
        listed = (one for one in list_servers(state) if one.runtime.name == container)
        return next((one for one in listed if one.state is ServerState.READY), None)

    return until(look)


def test_a_container_is_stopped_by_its_engine_after_a_yes_and_kept(
    docker: DockerHost, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--network=host", "--restart=unless-stopped", *FAST)
    name = docker.run(*options, command=(*SERVE, "--port", str(free_port())))
    server = ready(state_folder(), name)
    assert server.pid is not None
    process = processes.identity(server.pid)
    assert main(["stop", name]) == 1
    refused = capsys.readouterr().err
    assert "starts it again" in refused
    assert f"docker stop {name}" in refused
    assert processes.is_alive(process)
    assert main(["stop", name, "--yes"]) == 0
    assert not processes.is_alive(process)
    left = inspect(docker.engine, name)
    assert left is not None
    assert (left.state, left.exit_code, left.oom_killed) == ("exited", 0, False)


def test_what_was_started_inside_by_hand_is_ended_alone_and_its_container_goes_on(
    docker: DockerHost, tmp_path: Path
) -> None:
    name = docker.run("--network=host", command=("sleep", "1000"), name="rocm")
    serve = f"vllm serve org/theirs --port {free_port()} > /tmp/vllm.log 2>&1"
    docker.cli("exec", "-d", *FAST, name, "sh", "-c", serve)
    server = ready(tmp_path, name)
    steps = list(end_external(server))
    assert f"SIGTERM to process {server.pid}" in steps
    other = inspect(docker.engine, name)
    assert other is not None
    assert other.is_up


@pytest.mark.parametrize(
    ("runtime", "command"),
    [
        (
            Runtime(RuntimeKind.KUBERNETES, "llama-7d9f8c6b5-x2x4z", None, "Always", "kubectl x"),
            "kubectl x",
        ),
        (Runtime(RuntimeKind.SLURM, "4711", ends="scancel 4711"), "scancel 4711"),
    ],
)
def test_what_ends_it_for_good_is_said(runtime: Runtime, command: str) -> None:
    server = Server(
        "theirs", Owner.EXTERNAL, ServerState.READY, model="m", runtime=runtime, note="of user bob"
    )
    assert command in what_ends(server)
    assert "of user bob" in what_ends(server)


def test_one_that_has_ended_meanwhile_says_so(tmp_path: Path) -> None:
    gone = Server("theirs", Owner.EXTERNAL, ServerState.READY, pid=2**22 - 1)
    with pytest.raises(Problem, match="has ended already"):
        list(end_external(gone))
