"""The vendors whose GPUs are looked for; another one is a row here, with its source."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.domain.gpu import GpuSample
from backends.gpus.amdgpu_sysfs import amd_devices
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


Sampler = Callable[[bool], DriverAnswer]
"""Samples one vendor's GPUs, with their processes or without."""


@dataclass(frozen=True, slots=True)
class GpuVendor:
    """One vendor; `sysfs` and `proc` are where those file systems are mounted.

    Attributes:
        name: as `Gpu.vendor` has it.
        title: as sentences have it.
        open: opens the driver; called in a process of its own, for it may hang or crash.
        absent: takes sysfs and returns why no driver needs to be asked; empty where one must be.
    """

    name: str
    title: str
    open: Callable[[Path, Path], Sampler]
    absent: Callable[[Path], str] = lambda _: ""


def _nvidia(_: Path, proc: Path) -> Sampler:
    from backends.gpus.nvml import NvmlGpus

    source = NvmlGpus(now=time.monotonic, proc=Proc(proc))

    def answer(listing: bool) -> DriverAnswer:
        sample = source.sample(processes=listing)
        return DriverAnswer(sample, missing=source.missing)

    return answer


def _amd(sysfs: Path, proc: Path) -> Sampler:
    from backends.gpus.amd import AmdGpus
    from backends.gpus.amdgpu_sysfs import AmdgpuSysfs
    from backends.gpus.amdsmi_source import AmdsmiSampler, binding_folders

    loaded = (sysfs / "module/amdgpu").exists()
    binding = AmdsmiSampler(binding_folders(os.environ, sys.path) if loaded else ())
    files = AmdgpuSysfs(sysfs, proc=Proc(proc))
    source: GpuSource = AmdGpus(files, binding, Proc(proc))
    return lambda listing: DriverAnswer(source.sample(processes=listing))


def _no_amd(sysfs: Path) -> str:
    drm = sysfs / "class/drm"
    if (sysfs / "module/amdgpu").exists() or next(amd_devices(drm), None):
        return ""
    return f"no amdgpu device under {drm}"


VENDORS = (GpuVendor("nvidia", "NVIDIA", _nvidia), GpuVendor("amd", "AMD", _amd, _no_amd))
"""In the order in which their GPUs are listed."""
