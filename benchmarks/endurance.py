"""Eight hours of a host through the real console, as fast as it takes them: `make endurance`.

Every fact of a busy day is made and posted as its sources would: ticks, GPU samples, scrapes, lists
of servers, log lines, and 300 series whose runs are written to a true history. Screens are opened
and left all the while. What counts is the memory that is the process's own (USS), from the first
quarter to the end.
"""

import argparse
import asyncio
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from backends.agent.messages import Snapshot
from backends.domain.ab.facts import RunBegan, RunEnded, SeriesBegan, SeriesEnded, TextArrived
from backends.domain.ab.run import Run, TargetName
from backends.domain.billing.account import Account
from backends.domain.billing.meter import begin_meter
from backends.domain.facts import (
    BecameReady,
    Fact,
    FirstTokenSeen,
    GpusSampled,
    HostTicked,
    LogRead,
    MetricsScraped,
    PhaseBegan,
    ServersSeen,
    Spawned,
    Ticked,
)
from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.server import Owner, ProcessId, Server, ServerState
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.operations.host import Host
from backends.settings.config import Profile, Settings
from console.tui import app
from console.tui.app import InferctlApp

HOURS = 8.0
SERIES = 300
MOST_GROWTH_MB = 8.0
"""From the first quarter to the end."""

MOST_MB = 80.0
MARKS = 16
"""How often the memory is looked at."""

TOGETHER = 64
"""Facts that are posted before the console may draw what they changed."""

BEGAN = Stamp(100_000.0, 1_790_000_000.0)
TARGETS: tuple[tuple[TargetName, str], ...] = (("a", "chat"), ("b", "api"))
KEYS = ("h", "escape", "c", "escape", "g", "escape", "l", "escape", "1", "1", "question_mark")
GIB = 1 << 30


def at(second: float) -> Stamp:
    """Return the instant so many seconds after the begin."""
    return Stamp(BEGAN.mono_s + second, BEGAN.wall_s + second)


def the_start() -> Iterator[Fact]:
    """Yield a start that becomes ready within a minute."""
    argv = ("vllm", "serve", "org/model")
    yield Spawned(
        *(at(0), "start-1", "chat", "org/model", argv, ProcessId(4242, 7), ProcessId(4241, 6)),
        *("127.0.0.1", 9),
    )
    for second, phase in ((4, PhaseName.CONFIGURE), (10, PhaseName.LOAD_WEIGHTS)):
        yield PhaseBegan(at(second), phase)
    yield BecameReady(at(50))
    yield FirstTokenSeen(at(51))


def second_of(number: int, draw: random.Random) -> Iterator[Fact]:
    """Yield what the sources tell of one second."""
    now = at(number)
    yield Ticked(now)
    yield HostTicked(now)
    gpus = tuple(_gpu(index, draw) for index in range(2))
    yield GpusSampled(now, GpuSample(gpus))
    yield MetricsScraped(now, _counters(number, draw), "chat")
    yield LogRead(now, tuple(f"INFO {number} line {line} {'x' * 90}" for line in range(3)))
    if number % 3 == 0:
        chat = Server(
            *("chat", Owner.MANAGED, ServerState.READY, 4242, 4241, 9, "http://127.0.0.1:9"),
        )
        yield ServersSeen(now, (chat,))


def _gpu(index: int, draw: random.Random) -> Gpu:
    used = int(60 * GIB + draw.random() * GIB)
    memory = GpuMemory(80 * GIB, used, GIB, False, "nvml memory v2")
    held = (GpuProcess(4242 + index, "VLLM::Worker", used, "chat"),)
    busy, power, warm = draw.random() * 100, 300 + draw.random() * 300, 50 + draw.random() * 20
    return Gpu(index, f"GPU-{index}", "NVIDIA H100", "nvidia", memory, busy, power, warm, held)


def _counters(number: int, draw: random.Random) -> Counters:
    edges = (0.1, 0.25, 0.5, 1.0, float("inf"))
    requests = float(number * 3)
    counts = tuple(requests * share for share in (0.2, 0.5, 0.8, 0.95, 1.0))
    lengths = Histogram((100.0, 1000.0, float("inf")), (requests / 2, requests, requests), 1.0)
    return Counters(
        process_start_s=BEGAN.wall_s,
        requests_running=float(draw.randrange(9)),
        requests_waiting=float(draw.randrange(2)),
        kv_cache_usage=draw.random(),
        prompt_tokens=requests * 300 + draw.random(),
        generation_tokens=requests * 200 + draw.random(),
        requests_finished=requests,
        ttft=Histogram(edges, counts, requests * 0.3),
        inter_token=Histogram(edges, counts, requests * 0.02),
        request_input_tokens=lengths,
        request_output_tokens=lengths,
    )


def series_at(number: int, second: int, draw: random.Random) -> Iterator[Fact]:
    """Yield a whole A/B of four runs a target."""
    name, runs = f"series-{number}", 4
    yield SeriesBegan(at(second), name, TARGETS, runs, ("org/model", "org/model"), "ab" * 32)
    for index in range(runs):
        for target, _ in TARGETS:
            yield RunBegan(at(second), target, index)
            for piece in range(12):
                yield TextArrived(at(second), target, "some words " * 3, False, piece * 18)
            itl_s = tuple(0.01 + draw.random() / 100 for _ in range(219))
            run = Run(target, index, 0.2 + draw.random() / 10, 0.2, itl_s, 3.0, 300, 220)
            yield RunEnded(at(second), run)
    yield SeriesEnded(at(second), name)


def the_day(hours: float, series: int) -> Iterator[Fact]:
    """Yield all facts in the order in which they come."""
    draw = random.Random(20261130)
    yield from the_start()
    seconds = int(hours * 3600)
    every = max(1, seconds // max(1, series))
    for number in range(60, seconds):
        yield from second_of(number, draw)
        if series and number % every == every // 2:
            yield from series_at(number // every, number, draw)


class EnduranceApp(InferctlApp):
    """The console with the made day as its one source; all else is as it is."""

    CSS_PATH = Path(app.__file__).with_name("inferctl.tcss")

    def __init__(self, folder: Path, hours: float, series: int) -> None:
        settings = Settings(servers=(Profile("chat", "org/model", port=9),))
        self.clock = BEGAN
        host = Host(settings, folder, folder / "history.sqlite", _no_gpus, now=lambda: self.clock)
        super().__init__(host, "chat")
        self.marks: list[tuple[float, float]] = []
        self._hours, self._series = hours, series

    async def begin(self) -> None:
        """Take the account as whoever keeps the record tells it, and then the day."""
        bill = begin_meter("host_boot", BEGAN.wall_s, BEGAN.wall_s)
        self.happened(Snapshot(Account(BEGAN, bill)))
        share_s, next_key_s, keys = self._hours * 3600 / (MARKS + 0.5), 300.0, 0
        mark_s = share_s
        for posted, fact in enumerate(the_day(self._hours, self._series)):
            self.clock = max(self.clock, fact.at, key=lambda each: each.mono_s)
            self.happened(fact)
            passed_s = self.clock.mono_s - BEGAN.mono_s
            if posted % TOGETHER == 0:
                await self._drawn()
            if passed_s >= next_key_s:
                next_key_s += 300.0
                self.simulate_key(KEYS[keys % len(KEYS)])
                keys += 1
            if passed_s >= mark_s:
                mark_s += share_s
                await self._drawn()
                self.marks.append((passed_s / 3600, own_mb()))
                print(f"{passed_s / 3600:5.2f} h  {self.marks[-1][1]:7.1f} MB", flush=True)
        self.exit()

    async def _drawn(self) -> None:
        """Let the console fold what was posted, and draw at least once in a while."""
        while self._message_queue.qsize():  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.sleep(0)


def _no_gpus() -> None:
    raise AssertionError("no source but the day is asked")


def own_mb() -> float:
    """Return the memory that would be free if this process ended, in MB."""
    return float(psutil.Process().memory_full_info().uss) / 1e6


async def played(folder: Path, hours: float, series: int) -> EnduranceApp:
    """Play the day through a console of 120x35 that draws to nowhere."""
    console = EnduranceApp(folder, hours, series)
    async with console.run_test(size=(120, 35)) as pilot:
        await pilot.pause()
        while console.is_running and len(console.marks) < MARKS:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    return console


def main() -> int:
    """Print the memory over the day, and 1 where it grew by more than it may."""
    parser = argparse.ArgumentParser(prog="endurance", description=__doc__)
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--series", type=int, default=SERIES)
    asked = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="endurance-") as folder:
        console = asyncio.run(played(Path(folder), asked.hours, asked.series))
    first, last = console.marks[3][1], console.marks[-1][1]
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{asked.hours:g} h and {asked.series} series in {time.monotonic() - began_s:.0f} s "
        f"({used.ru_utime + used.ru_stime:.0f} s of CPU): {first:.1f} MB after the first quarter, "
        f"{last:.1f} MB at the end, {last - first:+.1f} MB (at most {MOST_GROWTH_MB:+.0f})"
    )
    return int(last - first > MOST_GROWTH_MB or last > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
