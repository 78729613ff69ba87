"""Judges the GPU drivers: whether they are there, fit together, and may be used."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from backends.discovery.finding import Finding
from backends.discovery.surroundings import entries_of
from backends.domain.gpu import Gpu, GpuSample
from backends.domain.gpu_remarks import impossible_memory

_LIBRARY = re.compile(r"libnvidia-ml\.so\.(\d+\.\d+(?:\.\d+)?)")
_MODULE = re.compile(r"Kernel Module(?: for \S+)?\s+(\d+\.\d+(?:\.\d+)?)")
HANGS = "has not answered"
"""What every source says of a driver that does not come back."""

_LIBRARY_FOLDERS = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib")


def gpus(sample: GpuSample | None) -> tuple[Finding, ...]:
    """Judge whether any GPU was found; nothing where nobody has looked."""
    if sample is None:
        return ()
    if not sample.gpus:
        reason = sample.reason or "none was found"
        remedy = "install the driver, or start the container with access to the GPU; CPUs work too"
        if HANGS in reason:
            remedy = (
                "see `dmesg | grep -iE 'xid|nvrm|amdgpu'`; a reboot ends what hangs in the driver"
            )
        return (Finding("GPUs", "warn", reason, remedy),)
    silent = [gpu for gpu in sample.gpus if is_silent(gpu)]
    names = ", ".join(sorted({gpu.name for gpu in sample.gpus if gpu not in silent}))
    well = Finding("GPUs", "ok", f"{len(sample.gpus) - len(silent)}: {names}")
    return (
        *(() if len(silent) == len(sample.gpus) else (well,)),
        *map(_silence, silent),
        *(finding for gpu in sample.gpus for finding in _doubts(gpu)),
    )


def is_silent(gpu: Gpu) -> bool:
    """Tell whether a GPU is listed and says nothing of its memory, as one that was lost."""
    return gpu.memory.used_bytes is None and bool(gpu.memory.reason)


def _silence(gpu: Gpu) -> Finding:
    what, _, remedy = gpu.memory.reason.partition("; ")
    remedy = remedy or "see `dmesg`, then reset or reboot, or leave it out by CUDA_VISIBLE_DEVICES"
    return Finding(f"GPU {gpu.index}", "fail", f"{gpu.name}: {what}", remedy)


def _doubts(gpu: Gpu) -> Iterator[Finding]:
    if gpu.throttled:
        what = f"its clocks are limited by {', '.join(gpu.throttled)}"
        remedy = "see its cooling, its power limit and its neighbours: figures taken now are low"
        yield Finding(f"GPU {gpu.index}", "warn", what, remedy)
    if impossible := impossible_memory(gpu):
        yield Finding(
            f"GPU {gpu.index}", "warn", impossible, "update the driver; do not rely on it"
        )


def nvidia_driver(root: Path) -> tuple[Finding, ...]:
    """Judge whether NVIDIA's kernel module and library are of one version; nothing without module.

    The module names itself in ``/proc/driver/nvidia/version``, the library in its file's name.
    """
    try:
        text = (root / "proc/driver/nvidia/version").read_text(errors="replace")
    except OSError:
        return ()
    module = _MODULE.search(text)
    if module is None:
        return (Finding("NVIDIA driver", "warn", "its version cannot be read", "run: nvidia-smi"),)
    libraries = _library_versions(root)
    if module[1] in libraries:
        return (Finding("NVIDIA driver", "ok", module[1]),)
    if not libraries:
        what = f"the kernel module {module[1]} is loaded, but libnvidia-ml was not found"
        remedy = "start the container with --gpus all, or install the driver's libraries"
    else:
        what = f"the kernel module is {module[1]}, the library {', '.join(sorted(libraries))}"
        remedy = "reboot, so that the module of the installed driver is loaded"
    return (Finding("NVIDIA driver", "fail", what, remedy),)


def amd_devices(root: Path, may_use: Callable[[Path], bool]) -> tuple[Finding, ...]:
    """Judge whether this user may open AMD's devices; nothing without ``/dev/kfd``."""
    kfd = root / "dev/kfd"
    if not kfd.exists():
        return ()
    renders = [path for path in entries_of(root / "dev/dri") if path.name.startswith("renderD")]
    if not renders:
        what = "/dev/kfd is there, but no /dev/dri/renderD*"
        remedy = "start the container with --device /dev/kfd --device /dev/dri"
        return (Finding("AMD devices", "fail", what, remedy),)
    closed = sorted(path.relative_to(root) for path in (kfd, *renders) if not may_use(path))
    if not closed:
        return (Finding("AMD devices", "ok", f"/dev/kfd and {len(renders)} render nodes"),)
    what = f"you may not open {', '.join(f'/{path}' for path in closed)}"
    remedy = "run: sudo usermod -aG video,render $USER, and log in again"
    return (Finding("AMD devices", "fail", what, remedy),)


def numa_balancing(root: Path) -> tuple[Finding, ...]:
    """Judge NUMA balancing where AMD's driver is loaded: it stalls a GPU that reads host memory."""
    try:
        setting = (root / "proc/sys/kernel/numa_balancing").read_text().strip()
    except OSError:
        return ()
    if not (root / "dev/kfd").exists():
        return ()
    if setting == "0":
        return (Finding("NUMA balancing", "ok", "off"),)
    what = "the kernel moves pages between nodes, which stalls the GPU's access to them"
    remedy = "run: echo 0 | sudo tee /proc/sys/kernel/numa_balancing"
    return (Finding("NUMA balancing", "warn", what, remedy),)


def _library_versions(root: Path) -> set[str]:
    found = (
        _LIBRARY.fullmatch(path.name)
        for folder in _LIBRARY_FOLDERS
        for path in (root / folder).glob("libnvidia-ml.so.*.*")
    )
    return {match[1] for match in found if match}
