"""A host of a Ray cluster that holds workers alone: seen, and left to the host that serves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, RuntimeKind, Server, ServerState
from backends.problem import NotFound, Problem
from backends.servers.adoption import watch_order
from backends.servers.ending import end_external
from backends.servers.gpu_owners import attributed
from backends.servers.listing import list_servers
from tests.polling import until

RAYLET = f"""#!{sys.executable}
import subprocess, sys, time
sleeps = "import time; time.sleep(600)"
worker = ["ray::RayWorkerWrapper.execute_method", "-c", sleeps]
for _ in range(2):
    print(subprocess.Popen(worker, executable=sys.executable).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[tuple[int, list[int]]]:
    """A node of Ray with two workers of vLLM; its pid and theirs."""
    script = tmp_path / "raylet"
    script.write_text(RAYLET)
    script.chmod(0o755)
    node = subprocess.Popen([str(script)], stdout=subprocess.PIPE, start_new_session=True)
    assert node.stdout is not None
    yield node.pid, [int(node.stdout.readline()) for _ in range(2)]
    os.killpg(node.pid, signal.SIGKILL)
    node.wait()
    node.stdout.close()


def test_workers_without_an_api_server_are_one_server_of_the_cluster(
    tmp_path: Path, workers: tuple[int, list[int]]
) -> None:
    node, pids = workers

    def found() -> Server | None:
        return next((one for one in list_servers(tmp_path) if one.pid == node), None)

    server = until(lambda: one if (one := found()) and "2 workers" in one.note else None)
    assert (server.owner, server.runtime.kind) == (Owner.EXTERNAL, RuntimeKind.RAY)
    assert (server.state, server.base_url, server.model) == (ServerState.UNKNOWN, None, None)
    assert "another host" in server.address_reason
    memory = GpuMemory(80, 60, 0, unified=False, source="made")
    listed = tuple(GpuProcess(pid, "worker", 30) for pid in pids)
    sample = GpuSample((Gpu(0, "GPU-1", "H100", "nvidia", memory, processes=listed),))
    (gpu,) = attributed(sample, [server], {}).gpus
    assert [one.owner for one in gpu.processes or ()] == [server.name] * 2
    with pytest.raises(NotFound, match="its API server runs on another host"):
        watch_order(server)
    with pytest.raises(Problem, match="its own way"):
        list(end_external(server))
