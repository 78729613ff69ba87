"""The process that samples one vendor's GPUs: ``python -m backends.gpus.driver_child VENDOR``.

For ``nvidia PROC`` or ``amd SYS PROC``, with the folders where those file systems are mounted, it
answers each order on its input with a line of JSON, a `DriverAnswer`.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.domain.gpu import GpuSample
from backends.gpus.child_io import Answering
from backends.gpus.proc import Proc
from backends.gpus.source import GpuSource


@dataclass(frozen=True, slots=True)
class DriverAnswer:
    """One sample of one vendor's GPUs.

    Attributes:
        missing: this host has no driver of this vendor at all, which is no failure.
    """

    sample: GpuSample
    missing: bool = False


def main() -> None:
    """Answer orders until the input ends."""
    console = Answering()
    vendor, *folders = sys.argv[1:]
    answer = _VENDORS[vendor](*map(Path, folders))
    for listing in console.orders():
        console.reply(answer(listing))


def _nvidia(proc: Path) -> Callable[[bool], DriverAnswer]:
    from backends.gpus.nvml import NvmlGpus

    source = NvmlGpus(now=time.monotonic, proc=Proc(proc))

    def answer(listing: bool) -> DriverAnswer:
        sample = source.sample(processes=listing)
        return DriverAnswer(sample, missing=source.missing)

    return answer


def _amd(sysfs: Path, proc: Path) -> Callable[[bool], DriverAnswer]:
    from backends.gpus.amd import AmdGpus
    from backends.gpus.amdgpu_sysfs import AmdgpuSysfs
    from backends.gpus.amdsmi_source import AmdsmiSampler, binding_folders

    loaded = (sysfs / "module/amdgpu").exists()
    binding = AmdsmiSampler(binding_folders(os.environ, sys.path) if loaded else ())
    files = AmdgpuSysfs(sysfs, proc=Proc(proc))
    source: GpuSource = AmdGpus(files, binding, Proc(proc))
    return lambda listing: DriverAnswer(source.sample(processes=listing))


_VENDORS: dict[str, Callable[..., Callable[[bool], DriverAnswer]]] = {
    "nvidia": _nvidia,
    "amd": _amd,
}


if __name__ == "__main__":
    main()
