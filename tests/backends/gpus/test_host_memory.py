"""Host memory as the GPU of a server that computes on the CPU."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.gpus.host_memory import HostMemory
from backends.gpus.proc import Proc
from tests.backends.gpus.nvml_stub import GIB

MakeProc = Callable[..., Proc]


def test_this_very_process_on_this_very_host(tmp_path: Path) -> None:
    (gpu,) = HostMemory(lambda: [os.getpid()], cgroup=tmp_path).sample(processes=True).gpus
    assert gpu.vendor == "host"
    total, used = gpu.memory.total_bytes, gpu.memory.used_bytes
    assert total is not None
    assert used is not None
    assert 0 < used < total
    assert gpu.processes is not None
    (process,) = gpu.processes
    assert process.used_bytes is not None
    assert 1 << 20 < process.used_bytes < total
    assert gpu.power_w is None
    assert dict(gpu.reasons)["power_w"]


def test_memory_of_mapped_files_is_not_the_processs_own(made_proc: MakeProc) -> None:
    proc = made_proc({7: "VLLM::EngineCore"})
    status = "Name:\tx\nRssAnon:\t 300 kB\nRssFile:\t 90000 kB\nRssShmem:\t 20 kB\n"
    (proc.root / "7/status").write_text(status)
    assert proc.own_memory_bytes(7) == 320 * 1024


def test_no_process_no_gpu(made_proc: MakeProc, tmp_path: Path) -> None:
    sample = HostMemory(lambda: [99], proc=made_proc(), cgroup=tmp_path).sample(processes=True)
    assert sample.gpus == ()
    assert sample.reason


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max", (64, 32, "meminfo")),
        (str(128 * GIB), (64, 32, "meminfo")),
        (str(16 * GIB), (16, 9, "cgroup memory")),
    ],
)
def test_a_containers_limit_is_the_memory_there_is(
    made_proc: MakeProc, tmp_path: Path, limit: str, expected: tuple[int, int, str]
) -> None:
    cgroup = tmp_path / "cgroup"
    cgroup.mkdir()
    (cgroup / "memory.max").write_text(limit + "\n")
    (cgroup / "memory.current").write_text(f"{10 * GIB}\n")
    (cgroup / "memory.stat").write_text(f"anon 5\ninactive_file {GIB}\n")
    proc = made_proc({7: "x"}, total_gib=64)
    (gpu,) = HostMemory(lambda: [7], proc=proc, cgroup=cgroup).sample(processes=True).gpus
    total_gib, used_gib, source = expected
    assert gpu.memory.total_bytes == total_gib * GIB
    assert gpu.memory.used_bytes == used_gib * GIB
    assert gpu.memory.source == source


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["VLLM::EngineCore"], "VLLM::EngineCore"),
        (["/usr/bin/python3", "/opt/bin/vllm", "serve"], "vllm"),
        (["python3", "-u", "train.py"], "train.py"),
        (["python3"], "python3"),
        (["/usr/lib/xorg/Xorg", ":0"], "Xorg"),
    ],
)
def test_names_of_processes(made_proc: MakeProc, words: list[str], name: str) -> None:
    assert made_proc({7: "\0".join(words)}).name(7) == name


def test_a_kernel_thread_has_its_short_name(made_proc: MakeProc) -> None:
    proc = made_proc({7: ""})
    (proc.root / "7/comm").write_text("kworker\n")
    assert proc.name(7) == "kworker"
    assert proc.name(8) == ""
