"""Sampling over time: cadence, a driver that hangs, and the end."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from backends.domain.gpu import GpuSample
from backends.domain.stamp import Stamp
from backends.gpus.nvml import NvmlGpus
from backends.gpus.proc import Proc
from backends.gpus.watch import watch_gpus
from tests.backends.gpus.nvml_stub import GIB, H200, Driver, Libraries


class Time:
    """A clock that moves only by sleeping, and what was slept."""

    def __init__(self) -> None:
        self.at_s = 100.0
        self.slept_s: list[float] = []

    def now(self) -> Stamp:
        return Stamp(self.at_s, self.at_s)

    async def sleep(self, pause_s: float) -> None:
        self.slept_s.append(round(pause_s, 3))
        self.at_s += pause_s


class Recorder:
    """A source that notes how it was asked."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.threads: set[str] = set()
        self.closed = threading.Event()
        self.before: Callable[[], None] = lambda: None

    def sample(self, *, processes: bool) -> GpuSample:
        self.asked.append(processes)
        self.threads.add(threading.current_thread().name)
        self.before()
        return GpuSample((), f"sample {len(self.asked)}")

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.closed.set()


async def take(count: int, watching: AsyncIterator[Any]) -> list[Any]:
    facts = []
    async for fact in watching:
        facts.append(fact)
        if len(facts) == count:
            break
    return facts


async def test_one_sample_each_second_and_the_processes_every_third() -> None:
    time, source = Time(), Recorder()
    async with aclosing(watch_gpus(source, now=time.now, sleep=time.sleep)) as watching:
        facts = await take(7, watching)
    assert [fact.at.mono_s for fact in facts] == [100, 101, 102, 103, 104, 105, 106]
    assert [fact.sample.reason for fact in facts] == [f"sample {n}" for n in range(1, 8)]
    assert source.asked == [True, False, False, True, False, False, True]


async def test_the_cadence_changes_live() -> None:
    time, source, period_s = Time(), Recorder(), [0.25]
    async with aclosing(
        watch_gpus(source, every_s=lambda: period_s[0], now=time.now, sleep=time.sleep)
    ) as watching:
        await take(3, watching)
        period_s[0] = 1.0
        await take(3, watching)
    assert time.slept_s == [0.25, 0.25, 1.0, 1.0, 1.0]


async def test_the_time_of_a_slow_sample_is_taken_off_the_pause() -> None:
    time, source = Time(), Recorder()

    def slow() -> None:
        time.at_s += 0.4

    source.before = slow
    async with aclosing(watch_gpus(source, now=time.now, sleep=time.sleep)) as watching:
        await take(3, watching)
    assert time.slept_s == [0.6, 0.6]


async def test_all_calls_and_the_close_come_from_one_other_thread() -> None:
    time, source = Time(), Recorder()
    async with aclosing(watch_gpus(source, now=time.now, sleep=time.sleep)) as watching:
        await take(3, watching)
    assert await asyncio.to_thread(source.closed.wait, 10)
    assert source.threads == {"gpus"}


async def test_a_bug_of_the_source_is_raised_and_not_hidden() -> None:
    source = Recorder()

    def broken() -> None:
        raise ZeroDivisionError("a bug")

    source.before = broken
    with pytest.raises(ZeroDivisionError):
        await take(1, watch_gpus(source))


async def test_a_sample_that_takes_long_is_awaited_while_the_loop_goes_on(
    nvml_driver: Driver, made_proc: Callable[..., Proc]
) -> None:
    nvml_driver.put({"delay_ms.nvmlDeviceGetMemoryInfo_v2": 700})
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    watching = watch_gpus(
        NvmlGpus(proc=made_proc()), every_s=lambda: 0.0, processes_every_s=lambda: 9
    )
    async with aclosing(watching):
        seen = await anext(watching)
        assert seen.sample.gpus[0].memory.used_bytes == 60 * GIB
        assert ticks >= 5
        nvml_driver.put({"delay_ms.nvmlDeviceGetMemoryInfo_v2": None, "0.used": 61 * GIB})
        again = await anext(watching)
        assert again.sample.gpus[0].memory.used_bytes == 61 * GIB
    ticking.cancel()


async def test_ending_the_watch_does_not_wait_for_a_hung_driver() -> None:
    source, released, asked = Recorder(), threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        assert_released(released)

    source.before = hang
    watching = watch_gpus(source)
    waiting = asyncio.ensure_future(anext(watching))
    assert await asyncio.to_thread(asked.wait, 10)
    waiting.cancel()
    await asyncio.wait([waiting], timeout=5)
    await asyncio.wait_for(watching.aclose(), 5)
    assert not source.closed.is_set()
    released.set()
    assert await asyncio.to_thread(source.closed.wait, 10)


def assert_released(released: threading.Event) -> None:
    assert released.wait(30)


LEAVE = """
import asyncio
from contextlib import aclosing
from backends.gpus.nvml import NvmlGpus
from backends.gpus.watch import watch_gpus

async def main():
    async with aclosing(watch_gpus(NvmlGpus())) as watching:
        try:
            await asyncio.wait_for(anext(watching), 0.5)
        except TimeoutError:
            print("it hangs")

asyncio.run(main())
"""


def test_the_program_can_end_while_a_driver_call_hangs(
    nvml_libraries: Libraries, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    driver = Driver(state)
    driver.put({**H200, "delay_ms.nvmlInitWithFlags": 600_000})
    environment = {
        **os.environ,
        "NVML_STUB": str(state),
        "LD_LIBRARY_PATH": str(nvml_libraries.current.parent),
    }
    order = [sys.executable, "-c", LEAVE]
    done = subprocess.run(
        order, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "it hangs\n"
