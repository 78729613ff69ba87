"""All GPUs of this host, of whichever vendor, as one source."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from backends.domain.gpu import GpuSample
from backends.gpus.amdgpu_sysfs import amd_devices
from backends.gpus.driver import Driver
from backends.gpus.host_memory import HostMemory
from backends.gpus.proc import Proc
from backends.gpus.source import GpuSource

LATE_S = 0.5
"""How long one vendor may hold up the others; eight GPUs answer within a tenth of that."""

FIRST_S = 2.0
"""How long it may hold them up the first time, when its process starts and finds its GPUs."""

ALONE_S = 8.0
"""How long the first answers are waited for where there is nothing else to show.

A driver without persistence mode takes about a second for each GPU to wake it.
"""


def open_gpus(
    *,
    cpu_server_pids: Callable[[], Iterable[int]] | None = None,
    sysfs: Path = Path("/sys"),
    proc: Proc | None = None,
) -> GpuSource:
    """Return the source of all GPUs; it speaks to no driver before its first sample.

    A host without a GPU is a sample without GPUs and with a reason, not an error.

    Args:
        cpu_server_pids: the processes of servers that compute on the CPU; while there are any, host
            memory is shown as one more GPU.
        sysfs: where sysfs is mounted.
        proc: the process file system.
    """
    proc = proc or Proc()
    host = None if cpu_server_pids is None else HostMemory(cpu_server_pids, proc=proc)
    drm = sysfs / "class/drm"
    amd = None
    if (sysfs / "module/amdgpu").exists() or next(amd_devices(drm), None):
        amd = Driver("amd", str(sysfs), str(proc.root))
    return AllGpus(Driver("nvidia", str(proc.root)), amd or f"no amdgpu device under {drm}", host)


class AllGpus:
    """NVIDIA's, then AMD's, then host memory; a driver that hangs holds up no other."""

    def __init__(self, nvidia: Driver, amd: Driver | str, host: GpuSource | None) -> None:
        """Take the drivers; in place of AMD's, the sentence that says why there is none."""
        self._nvidia = nvidia
        self._amd = amd
        self._host = host

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all GPUs; see `GpuSource`. Never blocks for longer than `ALONE_S`."""
        began_s = time.monotonic()
        drivers = [each for each in (self._nvidia, self._amd) if isinstance(each, Driver)]
        awaited = [each for each in drivers if not each.is_silent]
        for driver in drivers:
            driver.order(processes=processes)
        host = self._host.sample(processes=processes) if self._host else GpuSample(())
        seen = self._answers(drivers, awaited, began_s, None)
        if awaited and not host.gpus and not any(each.gpus for each in seen):
            seen = self._answers(drivers, awaited, began_s, ALONE_S)
        if isinstance(self._amd, str):
            seen.append(GpuSample((), self._amd))
        return self._together(seen[0], seen[1], host)

    def close(self) -> None:
        """Let go of all drivers."""
        for each in (self._nvidia, self._amd, self._host):
            if each is not None and not isinstance(each, str):
                each.close()

    def _answers(
        self,
        drivers: Iterable[Driver],
        awaited: Iterable[Driver],
        began_s: float,
        patience_s: float | None,
    ) -> list[GpuSample]:
        def left_s(driver: Driver) -> float:
            if driver not in awaited:
                return 0.0
            usual_s = LATE_S if driver.has_answered else FIRST_S
            return max(0.0, began_s + (patience_s or usual_s) - time.monotonic())

        return [driver.answer(left_s(driver)) for driver in drivers]

    def _together(self, nvidia: GpuSample, amd: GpuSample, host: GpuSample) -> GpuSample:
        gpus = (*nvidia.gpus, *amd.gpus, *host.gpus)
        if nvidia.gpus or (gpus and self._nvidia.missing):
            return GpuSample(gpus)
        return GpuSample(gpus, nvidia.reason if amd.gpus else f"{nvidia.reason} and {amd.reason}")
