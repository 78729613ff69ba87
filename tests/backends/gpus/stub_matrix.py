"""A table of what drivers may say and what is then shown.

Run ``python -m tests.backends.gpus.stub_matrix``. Each row is one situation of the stub driver
library under NVIDIA's real binding, or one made tree of an AMD card; needs gcc, but no GPU.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backends.domain.gpu import Gpu, GpuSample
from backends.gpus.amdgpu_sysfs import AmdgpuSysfs
from backends.gpus.nvml import NvmlGpus
from backends.gpus.proc import Proc
from tests.backends.gpus.amd_tree import (
    GIB,
    MI300X,
    STRIX_HALO,
    add_card,
    add_node,
    add_process,
)
from tests.backends.gpus.nvml_stub import H200, Driver, build, load

NVIDIA: dict[str, dict[str, object]] = {
    "healthy": {"0.procs": f"4711:{58 * GIB}"},
    "no v2 memory call": {"err.nvmlDeviceGetMemoryInfo_v2": 13},
    "GB10: memory not supported": {
        "err.nvmlDeviceGetMemoryInfo_v2": 3,
        "0.procs": f"4711:{34 * GIB}",
    },
    "GB10: total is the host's": {"0.total": 120 * GIB, "0.used": 98 * GIB, "0.reserved": 0},
    "process memory unknown": {"0.procs": "4711:na"},
    "shifted process list": {"0.procs": f"0:{58 * GIB}"},
    "process above the total": {"0.procs": f"4711:{1 << 60}"},
    "pids of the host (container)": {"0.procs": f"99001:{58 * GIB}"},
    "one pid hidden": {"0.procs": f"4711:{58 * GIB},99001:{GIB}"},
    "empty list, full card": {},
    "list refused": {"err.nvmlDeviceGetComputeRunningProcesses_v3": 4},
    "fallen off the bus": {"err.nvmlDeviceGetMemoryInfo_v2": 15},
    "lost before the start": {"err.nvmlDeviceGetHandleByIndex_v2": 15},
    "unknown error": {"err.nvmlDeviceGetMemoryInfo_v2": 999},
    "used above total": {"0.used": 200 * GIB},
    "MIG, one without permission": {
        "0.migs": 2,
        "0.mig0.total": 70 * GIB,
        "0.mig0.used": 9 * GIB,
        "0.mig0.reserved": GIB,
        "0.mig1.err.nvmlDeviceGetMemoryInfo_v2": 4,
    },
    "driver not loaded": {"err.nvmlInitWithFlags": 9},
    "driver updated while running": {"err.nvmlInitWithFlags": 18},
    "no card": {"count": 0},
}

AMD: dict[str, dict[str, object]] = {
    "MI300X SPX": MI300X,
    "MI300X CPX": {**MI300X, "current_compute_partition": "CPX"},
    "Strix Halo": STRIX_HALO,
    "no VRAM at all (MI300A)": {**STRIX_HALO, "mem_info_vram_total": 0},
    "files missing": {"mem_info_vram_total": 192 * GIB},
}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        proc = _made_proc(folder / "proc")
        print(f"{'situation':30} {'total':>6} {'used':>6} {'reserve':>7}  shown besides")
        for situation, sample in [*_nvidia(folder, proc), *_amd(folder, proc)]:
            if not sample.gpus:
                print(f"{situation:30} {'—':>6} {'—':>6} {'—':>7}  {sample.reason}")
            for gpu in sample.gpus:
                print(f"{situation:30} {_row(gpu)}")


def _nvidia(folder: Path, proc: Proc) -> Iterator[tuple[str, GpuSample]]:
    load(build(folder).current)
    for situation, keys in NVIDIA.items():
        os.environ["NVML_STUB"] = str(folder / "state")
        Driver(folder / "state").put({**H200, **keys})
        source = NvmlGpus(proc=proc)
        yield situation, source.sample(processes=True)
        source.close()


def _amd(folder: Path, proc: Proc) -> Iterator[tuple[str, GpuSample]]:
    for number, (situation, files) in enumerate(AMD.items()):
        sys = folder / f"sys{number}"
        add_card(sys, 0, "0000:c1:00.0", files)
        for node in range(8 if files.get("current_compute_partition") == "CPX" else 1):
            add_node(sys, node + 1, 100 + node, 0xC100 | node)
        add_process(sys, 4711, {100: 30 * GIB})
        yield situation, AmdgpuSysfs(sys, proc=proc).sample(processes=True)


def _row(gpu: Gpu) -> str:
    memory = gpu.memory
    sizes = (memory.total_bytes, memory.used_bytes, memory.reserved_bytes)
    total, used, reserved = ("—" if size is None else f"{size / GIB:.0f}" for size in sizes)
    listed = "—" if gpu.processes is None else f"{len(gpu.processes)} processes"
    words = [gpu.partition, memory.source, "unified" if memory.unified else "", memory.reason]
    besides = "; ".join(word for word in (*words, listed, gpu.processes_reason) if word)
    return f"{total:>6} {used:>6} {reserved:>7}  {besides}"


def _made_proc(root: Path) -> Proc:
    (root / "4711").mkdir(parents=True)
    (root / "4711/cmdline").write_bytes(b"VLLM::EngineCore\0")
    kib = 121 * 1024 * 1024
    (root / "meminfo").write_text(f"MemTotal: {kib} kB\nMemAvailable: {kib // 4} kB\n")
    return Proc(root)


if __name__ == "__main__":
    main()
