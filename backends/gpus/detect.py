"""All GPUs of this host, of whichever vendor, as one source."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from backends.domain.gpu import GpuSample
from backends.gpus.driver import Driver
from backends.gpus.host_memory import HostMemory
from backends.gpus.proc import Proc
from backends.gpus.source import GpuSource
from backends.gpus.vendors import VENDORS
from backends.host.home import VARIABLE, is_of_a_demo

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

    A host without a GPU is a sample without GPUs and with a reason, not an error. To the processes
    of a demo no host has one.

    Args:
        cpu_server_pids: the processes of servers that compute on the CPU; while there are any, host
            memory is shown as one more GPU.
        sysfs: where sysfs is mounted.
        proc: the process file system.
    """
    if is_of_a_demo(os.environ.get(VARIABLE)):
        return AllGpus((), ("a demo does not show the GPUs of this host",), None)
    proc = proc or Proc()
    host = None if cpu_server_pids is None else HostMemory(cpu_server_pids, proc=proc)
    absent = {vendor.name: vendor.absent(sysfs) for vendor in VENDORS}
    drivers = tuple(
        Driver(vendor, sysfs, proc.root) for vendor in VENDORS if not absent[vendor.name]
    )
    return AllGpus(drivers, tuple(filter(None, absent.values())), host)


class AllGpus:
    """Every vendor's GPUs, then host memory; a driver that hangs holds up no other.

    Args:
        drivers: those that are asked, in the order in which their GPUs are listed.
        absent: why the other vendors' are not.
        host: host memory as one more GPU, where that is shown.
    """

    def __init__(
        self, drivers: Sequence[Driver], absent: Sequence[str], host: GpuSource | None
    ) -> None:
        self._drivers = drivers
        self._absent = absent
        self._host = host

    def sample(self, *, processes: bool) -> GpuSample:
        """Return all GPUs; see `GpuSource`. Never blocks for longer than `ALONE_S`."""
        began_s = time.monotonic()
        awaited = [each for each in self._drivers if not each.is_silent]
        for driver in self._drivers:
            driver.order(processes=processes)
        host = self._host.sample(processes=processes) if self._host else GpuSample(())
        seen = self._answers(awaited, began_s, None)
        if awaited and not host.gpus and not any(each.gpus for each in seen):
            seen = self._answers(awaited, began_s, ALONE_S)
        return self._together(seen, host)

    def close(self) -> None:
        """Let go of all drivers."""
        for driver in self._drivers:
            driver.close()
        if self._host is not None:
            self._host.close()

    def _answers(
        self,
        awaited: Iterable[Driver],
        began_s: float,
        patience_s: float | None,
    ) -> list[GpuSample]:
        def left_s(driver: Driver) -> float:
            if driver not in awaited:
                return 0.0
            usual_s = LATE_S if driver.has_answered else FIRST_S
            return max(0.0, began_s + (patience_s or usual_s) - time.monotonic())

        return [driver.answer(left_s(driver)) for driver in self._drivers]

    def _together(self, seen: Sequence[GpuSample], host: GpuSample) -> GpuSample:
        """Return all as one; beside GPUs, only a driver that is there and shows none is named."""
        gpus = tuple(gpu for sample in (*seen, host) for gpu in sample.gpus)
        without = [
            (driver, sample.reason)
            for driver, sample in zip(self._drivers, seen, strict=True)
            if not sample.gpus
        ]
        if gpus:
            return GpuSample(gpus, " and ".join(why for of, why in without if not of.missing))
        return GpuSample((), " and ".join([*(why for _, why in without), *self._absent]))
