"""One vendor's driver from the safe side: asked without ever waiting longer than is worth it.

NVML runs here too, and not in a thread: a thread that is inside a wedged driver keeps its whole
process from ending, and a library that crashes takes its process with it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from backends.domain.format import GIB
from backends.domain.gpu import Gpu, GpuSample
from backends.gpus.child import Child
from backends.gpus.child_io import SAMPLE, SAMPLE_PROCESSES
from backends.gpus.vendors import DriverAnswer, GpuVendor

STALE_S = 3.0
"""Figures that could not be renewed are shown this long, three periods, and are unknown after."""

AGAIN_S = 5.0
LATEST_AGAIN_S = 60.0
"""When a process that crashed is started anew: each time twice as late, until one answers."""

GIVE_UP_S = 60.0
"""A call that takes this long is given up, and tried again in a new process."""

FIGURES = ("busy_percent", "power_w", "temperature_c", "throttled")


class Driver:
    """One vendor's GPUs, sampled in a process of their own; used from one thread at a time.

    Never are there two such processes: where the old one cannot be killed, no new one is started.
    """

    def __init__(
        self,
        vendor: GpuVendor,
        sysfs: Path,
        proc: Path,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vendor = vendor
        self._arguments = (vendor.name, str(sysfs), str(proc))
        self._now = now
        self._child: Child | None = None
        self._ended: Child | None = None
        self._asked_s: float | None = None
        self._again_s = float("-inf")
        self._pause_s = AGAIN_S
        self._last = GpuSample(())
        self._last_s = float("-inf")
        self._silence = ""
        self.missing = False

    @property
    def has_answered(self) -> bool:
        """It has given a sample, good or bad, since it was opened."""
        return self._last_s != float("-inf")

    @property
    def is_silent(self) -> bool:
        """An order was not answered in the time that its caller had for it."""
        return bool(self._silence)

    def order(self, *, processes: bool) -> None:
        """Ask for a sample, unless an answer is still due."""
        now_s = self._now()
        if self._asked_s is not None and now_s - self._asked_s >= GIVE_UP_S:
            self._drop(now_s)
        if self._child is None and self._may_start(now_s):
            self._child = Child("backends.gpus.driver_child", *self._arguments)
        if self._child is not None and self._asked_s is None:
            self._child.write(SAMPLE_PROCESSES if processes else SAMPLE)
            self._asked_s = now_s

    def answer(self, within_s: float) -> GpuSample:
        """Return the sample that was asked for, or what can be said without it.

        A GPU of which nothing is known any more keeps its name and its total, and says why.
        """
        if self._child is not None and self._asked_s is not None:
            line = self._child.line(within_s)
            if line is None:
                self._silence = self._not_answered()
            else:
                self._understand(line)
        if not self._silence or self._now() - self._last_s < STALE_S:
            return self._last
        unknown = tuple(_without_figures(gpu, self._silence) for gpu in self._last.gpus)
        return GpuSample(unknown, "" if unknown else self._silence)

    def close(self) -> None:
        """End the process; it is not waited for where its driver is wedged."""
        if self._child is not None:
            self._child.end()
            self._child, self._asked_s = None, None

    def _may_start(self, now_s: float) -> bool:
        stuck = self._ended is not None and not self._ended.is_gone()
        return not self.missing and not stuck and now_s >= self._again_s

    def _drop(self, again_s: float) -> None:
        self._ended, self._again_s = self._child, again_s
        self.close()

    def _understand(self, line: bytes) -> None:
        assert self._child is not None
        if not line:
            how = self._child.ending()
            self._silence = f"the process that asks {self.vendor.title}'s driver crashed ({how})"
            self._drop(self._now() + self._pause_s)
            self._pause_s = min(2 * self._pause_s, LATEST_AGAIN_S)
            return
        answer = msgspec.json.decode(line, type=DriverAnswer)
        self._asked_s, self._silence, self._pause_s = None, "", AGAIN_S
        self._last, self._last_s = answer.sample, self._now()
        if answer.missing:
            self.missing = True
            self.close()

    def _not_answered(self) -> str:
        assert self._asked_s is not None
        silent_s = self._now() - self._asked_s
        return (
            f"{self.vendor.title}'s driver has not answered for {silent_s:.0f} s "
            "(see `dmesg` for GPU errors; a wedged driver needs a reset or reboot)"
        )


def _without_figures(gpu: Gpu, reason: str) -> Gpu:
    used, told = gpu.memory.used_bytes, reason
    if used is not None:
        told = f"{reason}; {used / GIB:.1f} GiB were used before"
    return replace(
        gpu,
        memory=replace(gpu.memory, used_bytes=None, reserved_bytes=None, reason=told),
        busy_percent=None,
        power_w=None,
        temperature_c=None,
        throttled=None,
        processes=None,
        processes_reason=reason,
        reasons=tuple((name, reason) for name in FIGURES),
    )
