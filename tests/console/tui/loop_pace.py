"""Measures each iteration of an event loop: what its own thread did and waited for in it.

The collector's time counts as the console's. What was there before the measurement is frozen, as
the console freezes what it has after its first frame, so that the heap of the test runner is left
out. What Textual takes to lay out and paint a screen is measured and left out: a whole screen takes
40 to 70 ms of a busy core in one iteration, which no code of the console can divide; what a key
waits for with it is held by the benchmark of the flood. What the kernel withholds from the loop's
thread is left out because other programs cause it.
"""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen


@dataclass(frozen=True)
class Iteration:
    """One iteration, from the end of its wait for events to its own end.

    Attributes:
        wall_s: how long it took.
        cpu_s: of the loop's thread.
        drawing_s: what of it Textual took to put a screen on the terminal.
        delay_s: how long the kernel let the loop's thread, or whichever thread of this process had
            the interpreter's lock meanwhile, wait for a core that others had.
        slowest: the slowest of its callbacks and how long it took, for whoever looks for a cause.
    """

    wall_s: float
    cpu_s: float
    drawing_s: float
    delay_s: float
    slowest: str

    @property
    def ours_s(self) -> float:
        """Handlers, system calls, waits for locks and disks, and the garbage collector."""
        return max(self.cpu_s, self.wall_s - self.delay_s) - self.drawing_s


@dataclass
class Pace:
    """The iterations of a loop that took longest, and how many there were."""

    count: int = 0
    slow: list[Iteration] = field(default_factory=list)

    @property
    def longest(self) -> Iteration:
        """The iteration with the most of our own."""
        return max(self.slow, key=lambda each: each.ours_s)


class _Delays:
    """Reads how long the threads of this process waited for a core, from the kernel's own count."""

    def __init__(self) -> None:
        self._read_s: dict[int, float] = {}
        self._own = self._opened(threading.get_native_id())
        self._others: dict[int, int] = {}
        self._look_at_s = 0.0

    def read_s(self) -> tuple[float, float]:
        """Return the delay of the calling thread, and of all others together."""
        if time.monotonic() > self._look_at_s:
            self._look_at_s = time.monotonic() + 0.5
            for one in (int(each.name) for each in Path("/proc/self/task").iterdir()):
                if one != threading.get_native_id() and one not in self._others:
                    self._others[one] = self._opened(one)
        others = sum(self._delay_s(each) for each in self._others.values())
        return self._delay_s(self._own), others

    def close(self) -> None:
        for each in (self._own, *self._others.values()):
            os.close(each)

    @staticmethod
    def _opened(thread: int) -> int:
        return os.open(f"/proc/self/task/{thread}/schedstat", os.O_RDONLY)

    def _delay_s(self, descriptor: int) -> float:
        with suppress(ProcessLookupError):  # of a thread that has ended, what it had stays
            self._read_s[descriptor] = int(os.pread(descriptor, 100, 0).split()[1]) / 1e9
        return self._read_s.get(descriptor, 0.0)


class _Watch:
    """Stands around the loop's select, its callbacks and Textual's drawing, and measures."""

    def __init__(self, loop: Any, slow_s: float) -> None:
        self.pace, self._delays = Pace(), _Delays()
        self._slow_s = slow_s
        self._select, self._run_once = loop._selector.select, loop._run_once
        self._run = asyncio.Handle._run
        self._began: tuple[float, float, tuple[float, float]] | None = None
        self._slowest = (0.0, "")
        self._drawing_s, self._draws = 0.0, False

    def select(self, timeout: float | None) -> Any:
        events = self._select(timeout)
        self._began = (time.perf_counter(), time.thread_time(), self._delays.read_s())
        self._slowest, self._drawing_s = (0.0, ""), 0.0
        return events

    def run(self, handle: asyncio.Handle) -> None:
        before_s = time.perf_counter()
        self._run(handle)
        took_s = time.perf_counter() - before_s
        if took_s > self._slowest[0]:
            what = repr(getattr(handle._callback, "__self__", handle))  # type: ignore[attr-defined]
            self._slowest = (took_s, what)

    def drawing(self, draw: Callable[..., None]) -> Callable[..., None]:
        def drawn(*args: Any, **kwargs: Any) -> None:
            if self._draws:
                return draw(*args, **kwargs)
            self._draws, before_s = True, time.thread_time()
            try:
                return draw(*args, **kwargs)
            finally:
                self._draws = False
                self._drawing_s += time.thread_time() - before_s

        return drawn

    def run_once(self) -> None:
        self._run_once()
        if self._began is None:
            return
        began_s, cpu_began_s, delays_began_s = self._began
        self.pace.count += 1
        wall_s, cpu_s = time.perf_counter() - began_s, time.thread_time() - cpu_began_s
        if wall_s < self._slow_s:
            return
        own_s, others_s = self._delays.read_s()
        own_s, others_s = own_s - delays_began_s[0], others_s - delays_began_s[1]
        delay_s = own_s + min(max(0.0, wall_s - cpu_s - own_s), others_s)
        slowest = f"{self._slowest[0]:.3f} {self._slowest[1]}"
        self.pace.slow.append(Iteration(wall_s, cpu_s, self._drawing_s, delay_s, slowest))

    def close(self) -> None:
        self._began = None  # the iteration in which this is called is not over
        self._delays.close()


@contextmanager
def paced(slow_s: float = 0.01) -> Iterator[Pace]:
    """Measure the running loop; iterations below `slow_s` are only counted."""
    loop: Any = asyncio.get_running_loop()
    watch = _Watch(loop, slow_s)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._selector, "select", watch.select)
        patch.setattr(loop, "_run_once", watch.run_once)
        patch.setattr(asyncio.Handle, "_run", lambda handle: watch.run(handle))  # noqa: PLW0108
        for name in ("_compositor_refresh", "_refresh_layout"):
            patch.setattr(Screen, name, watch.drawing(getattr(Screen, name)))
        gc.collect()
        gc.freeze()
        try:
            yield watch.pace
        finally:
            gc.unfreeze()
    watch.close()
