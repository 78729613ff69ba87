"""All GPUs of this host, of whichever vendor, as one source."""

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from backends.domain.gpu import GpuSample
from backends.gpus.amd import AmdGpus
from backends.gpus.amdgpu_sysfs import AmdgpuSysfs
from backends.gpus.amdsmi_source import AmdsmiSampler, binding_folders
from backends.gpus.host_memory import HostMemory
from backends.gpus.nvml import NvmlGpus
from backends.gpus.proc import Proc
from backends.gpus.source import GpuSource


def open_gpus(
    *,
    cpu_server_pids: Callable[[], Iterable[int]] | None = None,
    sysfs: Path = Path("/sys"),
    proc: Proc | None = None,
    now: Callable[[], float] = time.monotonic,
) -> GpuSource:
    """Return the source of all GPUs; it speaks to no driver before its first sample.

    A host without a GPU is a sample without GPUs and with a reason, not an error.

    Args:
        cpu_server_pids: the processes of servers that compute on the CPU; while there are any, host
            memory is shown as one more GPU.
        sysfs: where sysfs is mounted.
        proc: the process file system.
        now: the monotonic clock, in seconds.
    """
    host = None if cpu_server_pids is None else HostMemory(cpu_server_pids, proc=proc)
    proc = proc or Proc()
    loaded = (sysfs / "module/amdgpu").exists()
    binding = AmdsmiSampler(binding_folders(os.environ, sys.path) if loaded else ())
    amd = AmdGpus(AmdgpuSysfs(sysfs, now=now, proc=proc), binding, proc, now=now)
    return AllGpus(NvmlGpus(now=now, proc=proc), amd, host)


class AllGpus:
    """NVIDIA's, then AMD's, then host memory."""

    def __init__(self, nvidia: NvmlGpus, amd: GpuSource, host: GpuSource | None) -> None:
        self._nvidia = nvidia
        self._amd = amd
        self._host = host

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all GPUs; see `GpuSource`."""
        nvidia = self._nvidia.sample(processes=processes)
        amd = self._amd.sample(processes=processes)
        host = self._host.sample(processes=processes) if self._host else GpuSample(())
        gpus = (*nvidia.gpus, *amd.gpus, *host.gpus)
        if nvidia.gpus or (gpus and self._nvidia.missing):
            return GpuSample(gpus)
        if amd.gpus:
            return GpuSample(gpus, nvidia.reason)
        return GpuSample(gpus, f"{nvidia.reason} and {amd.reason}")

    def close(self) -> None:
        """Let go of all drivers."""
        self._nvidia.close()
        self._amd.close()
        if self._host:
            self._host.close()
