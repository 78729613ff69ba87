"""Whose GPU memory it is, through real pid namespaces and cgroups.

The driver is NVIDIA's binding over the stub library; its memory follows the processes that live.
"""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backends.host import processes
from backends.host.container import in_container
from tests.backends.gpus.conftest import nvml_driver, nvml_host, nvml_libraries
from tests.backends.gpus.nvml_stub import GIB, Driver
from tests.console.stage import somebody_elses_vllm
from tests.docker_host import ROOT, DockerHost
from tests.polling import free_port, until

__all__ = ["nvml_driver", "nvml_host", "nvml_libraries"]

FAST = ("-e", "INFERCTL_SIMULATED_SPEED=100")
ENGINE = ("VLLM::EngineCore", "-c", "import time; time.sleep(600)")
GONE = uuid.uuid4().hex * 2
"""The id of a container that no engine knows."""


@pytest.fixture
def verb() -> Callable[..., dict[str, Any]]:
    """Run a verb in a process of its own and return its document."""

    def run(*words: str, inside: tuple[str, ...] = ()) -> dict[str, Any]:
        asked = (*inside, sys.executable, "-m", "console", *words, "--json")
        done = subprocess.run(asked, check=False, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return run


def holders(document: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return what is said of each process on the only GPU, by its pid."""
    (gpu,) = document["gpus"]
    return {one["pid"]: one for one in gpu["processes"] or ()}


def engine_in(container: str) -> int | None:
    """Return the engine of the vLLM in a container as the host counts it, once there is one."""
    for one in in_container(container):
        if processes.display_name(one).startswith("VLLM::EngineCore"):
            return one.id.pid
    return None


def test_memory_in_containers_is_their_servers(
    docker: DockerHost, nvml_host: Driver, verb: Callable[..., dict[str, Any]]
) -> None:
    names, engines = [], []
    for _ in range(2):
        serve = ("vllm", "serve", "org/theirs", "--port", str(free_port()))
        names.append(docker.run("--network=host", *FAST, command=serve))
        container = docker.cli("inspect", "-f", "{{.Id}}", names[-1])
        engines.append(until(partial(engine_in, container)))
    job = docker.run(command=("sleep", "1000"))
    stranger = int(docker.cli("inspect", "-f", "{{.State.Pid}}", job))
    listed = zip((*engines, stranger), (30, 20, 3), strict=True)
    held = ",".join(f"{pid}:{gib * GIB}" for pid, gib in listed)
    nvml_host.put({"follow": "/proc", "0.used": 0, "0.procs": held})

    seen = holders(verb("gpus"))
    assert [seen[pid]["owner"] for pid in engines] == names
    assert (seen[stranger]["owner"], seen[stranger]["used_bytes"]) == ("other", 3 * GIB)
    short = docker.cli("inspect", "-f", "{{.Id}}", job)[:12]
    assert seen[stranger]["whose"] == f"of user root, in docker container {short}"
    status = {one["name"]: one for one in verb("status")["servers"]}
    assert [status[name]["gpu_memory_bytes"] for name in names] == [30 * GIB, 20 * GIB]

    docker.cli("stop", "-t", "30", names[0])
    until(lambda: engines[0] not in holders(verb("gpus")))
    assert verb("gpus")["gpus"][0]["memory"]["used_bytes"] == 23 * GIB


def test_a_worker_that_another_process_started_in_the_container_is_its_servers(
    docker: DockerHost, nvml_host: Driver, verb: Callable[..., dict[str, Any]]
) -> None:
    serve = ("vllm", "serve", "org/theirs", "--port", str(free_port()))
    name = docker.run("--network=host", *FAST, command=serve)
    script = 'exec -a ray::RayWorkerWrapper "$0" -c "import time; time.sleep(600)"'
    docker.cli("exec", "-d", name, "bash", "-c", script, sys.executable)
    container = docker.cli("inspect", "-f", "{{.Id}}", name)
    titled = "ray::RayWorkerWrapper"

    def worker() -> int | None:
        found = (one.id.pid for one in in_container(container))
        return next((pid for pid in found if titled in processes.command_line(pid)), None)

    pid = until(worker)
    until(lambda: engine_in(container))
    nvml_host.put({"follow": "/proc", "0.used": 0, "0.procs": f"{pid}:{9 * GIB}"})
    assert holders(verb("gpus"))[pid]["owner"] == name


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="a pid namespace of one's own needs root")


@needs_root
def test_memory_in_a_pid_namespace_is_seen_from_the_host(
    tmp_path: Path, nvml_host: Driver, verb: Callable[..., dict[str, Any]]
) -> None:
    apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    with somebody_elses_vllm(tmp_path, within=apart) as (first, port):

        def engine() -> processes.Process | None:
            below = processes.descendants(first, processes.running())
            named = (one for one in below if processes.display_name(one) == "VLLM::EngineCore")
            return next(named, None)

        pid = until(engine).id.pid
        nvml_host.put({"follow": "/proc", "0.used": 0, "0.procs": f"{pid}:{7 * GIB}"})
        seen = holders(verb("gpus"))[pid]
        assert (seen["owner"], seen["used_bytes"]) == (f"vllm-{port}", 7 * GIB)
    until(lambda: pid not in holders(verb("gpus")))
    assert verb("gpus")["gpus"][0]["memory"]["used_bytes"] == 0


@needs_root
@pytest.mark.parametrize("colliding", [False, True], ids=["other numbers", "the same numbers"])
def test_inside_a_pid_namespace_nothing_is_attributed_and_the_flag_is_named(
    tmp_path: Path, nvml_host: Driver, verb: Callable[..., dict[str, Any]], *, colliding: bool
) -> None:
    hosts = tmp_path / "hosts-proc"
    hosts.mkdir()
    mounts = f'mount --rbind /proc {hosts} && mount -t proc proc /proc && exec "$@"'
    apart = ("unshare", "--pid", "--fork", "--mount", "sh", "-c", mounts, "sh")
    # Process 1 lives on the host, and as another one in every namespace.
    pids = (1, os.getpid()) if colliding else (os.getpid(),)
    held = ",".join(f"{pid}:{5 * GIB}" for pid in pids)
    nvml_host.put({"follow": str(hosts), "0.used": 0, "0.procs": held})
    (gpu,) = verb("gpus", inside=apart)["gpus"]
    assert gpu["memory"]["used_bytes"] == 5 * GIB * len(pids)
    assert gpu["processes"] is None
    assert "--pid=host" in gpu["processes_reason"]


@contextmanager
def left_by_a_container() -> Iterator[int]:
    """An engine of vLLM in the cgroup of a container that no engine knows; its parent is gone."""
    group = next(
        (Path("/sys/fs/cgroup") / one / "docker" for one in ("pids", "") if _takes(Path(one))), None
    )
    if group is None:
        pytest.skip("no cgroup can be made here")
    (group / GONE).mkdir(parents=True)
    starter = (
        "import os, subprocess, sys\n"
        f"open({str(group / GONE / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))\n"
        f"engine = subprocess.Popen({list(ENGINE)!r}, executable=sys.executable,\n"
        "    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)\n"
        "print(engine.pid)\n"
    )
    asked = (sys.executable, "-c", starter)
    pid = int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    engine = processes.identity(pid)
    try:
        yield pid
    finally:
        processes.send(engine, signal.SIGKILL, lambda _: True)
        until(lambda: not processes.is_alive(engine))
        (group / GONE).rmdir()


def _takes(hierarchy: Path) -> bool:
    return os.access(Path("/sys/fs/cgroup") / hierarchy / "cgroup.procs", os.W_OK)


@needs_root
def test_what_a_container_that_is_gone_left_is_a_survivor_with_its_remedy(
    nvml_host: Driver, verb: Callable[..., dict[str, Any]]
) -> None:
    with left_by_a_container() as pid:
        nvml_host.put({"follow": "/proc", "0.used": 0, "0.procs": f"{pid}:{22 * GIB}"})
        server = next(
            one
            for one in verb("status")["servers"]
            if pid in [each["pid"] for each in one["survivors"]]
        )
        assert (server["state"], server["runtime"]["kind"]) == ("failed", "docker")
        assert server["runtime"]["name"] == GONE[:12]
        assert server["survivors"][0]["vram_bytes"] == 22 * GIB
        assert f"run inferctl stop {server['name']}" in server["reason"]
        assert holders(verb("gpus"))[pid]["owner"] == server["name"]
        asked = (sys.executable, "-m", "console", "stop", server["name"])
        stopped = subprocess.run(asked, check=False, capture_output=True, text=True, cwd=ROOT)
        assert stopped.returncode == 0, stopped.stderr
        assert holders(verb("gpus")) == {}
        assert verb("gpus")["gpus"][0]["memory"]["used_bytes"] == 0
