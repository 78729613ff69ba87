"""Sampling over time, in a thread of its own, so that nothing else waits for a slow sample.

How long a sample may take, and what is shown of a driver that hangs, is decided in `driver`.
"""

import asyncio
import queue
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from backends.domain.facts import GpusSampled
from backends.domain.gpu import GpuSample
from backends.domain.stamp import Stamp
from backends.gpus.source import PROCESSES_PERIOD_S, GpuSource

PERIOD_S = 1.0
"""How often GPUs are sampled; 0.25 s is fit while a server loads, when only memory is renewed.

Polling everything at 40 Hz was seen to hold NVIDIA's global lock two thirds of the time, which
slows the very requests that are measured.
"""


def _stamp() -> Stamp:
    return Stamp(time.monotonic(), time.time())


async def watch_gpus(
    source: GpuSource,
    *,
    every_s: Callable[[], float] = lambda: PERIOD_S,
    processes_every_s: Callable[[], float] = lambda: PROCESSES_PERIOD_S,
    now: Callable[[], Stamp] = _stamp,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[GpusSampled, None]:
    """Yield a sample each period.

    The two periods are read again each time, so that they may change while it runs. A sample that
    takes longer than a period is awaited. The source is closed when the generator ends, by the
    thread that used it, and by nobody if that thread hangs.

    Raises:
        Exception: whatever the source raises, which is a bug of the source.
    """
    thread = _SamplingThread(source)
    list_at_s = float("-inf")
    try:
        while True:
            began_s = now().mono_s
            listing = began_s >= list_at_s
            if listing:
                list_at_s = began_s + processes_every_s()
            sample = await thread.ask(processes=listing)
            yield GpusSampled(now(), sample)
            await sleep(max(0.0, every_s() - (now().mono_s - began_s)))
    finally:
        thread.end()


class _SamplingThread:
    """One daemon thread that makes all calls; a pool's thread would be waited for at exit."""

    def __init__(self, source: GpuSource) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._orders: queue.SimpleQueue[tuple[bool, asyncio.Future[GpuSample]] | None] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, name="gpus", daemon=True).start()

    def ask(self, *, processes: bool) -> asyncio.Future[GpuSample]:
        answer = self._loop.create_future()
        self._orders.put((processes, answer))
        return answer

    def end(self) -> None:
        self._orders.put(None)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            processes, answer = order
            try:
                sample = self._source.sample(processes=processes)
            except Exception as error:
                # Not swallowed: it is raised where the answer is awaited.
                self._hand_over(answer, error)
            else:
                self._hand_over(answer, sample)
        self._source.close()

    def _hand_over(self, answer: asyncio.Future[GpuSample], result: object) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, answer, result)
        except RuntimeError:
            # The loop is closed: nobody waits for this late answer any more.
            return


def _settle(answer: asyncio.Future[GpuSample], result: object) -> None:
    if answer.done():
        return
    if isinstance(result, BaseException):
        answer.set_exception(result)
    elif isinstance(result, GpuSample):
        answer.set_result(result)
