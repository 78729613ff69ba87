"""How late a replay's requests leave, beside a bare asyncio timer with the same plan.

Traffic is written to a file, read and replayed as ``inferctl load --trace`` does, so that 1, 16 and
128 streams are open at once; a process that only waits for the same instants with asyncio's own
timer runs at the same time, and so under the same load::

    python -m benchmarks.replay [--rounds 3] [--streams 1,128] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.domain.ab.load import LoadStep
from backends.domain.ab.run import Spread
from backends.domain.ab.statistics import spread
from backends.operations.load_test import replaying
from backends.prober.client import run_load
from backends.prober.protocol import LoadOrder, Target
from backends.traffic.arrivals import recorded_traffic
from benchmarks.ab import ROOT, truth_server

MS = 1e3
FACTOR, ADDED_MS = 1.5, 1.0
PROGRAMS = {1: ("t20-i1-n16", 0.036), 16: ("t200-i10-n16", 0.36), 128: ("t200-i10-n64", 0.84)}
"""By the number of streams: what the server does, and how long one reply takes it."""

SECONDS = 12.0
INPUT_TOKENS = 400


@dataclass(frozen=True)
class Row:
    """One replay, and the timer beside it; errors in milliseconds."""

    streams: int
    planned: int
    sent: int
    most_streams: int
    median_ms: float
    p99_ms: float
    max_ms: float
    timer_median_ms: float
    timer_p99_ms: float
    timer_max_ms: float

    @property
    def limit_ms(self) -> float:
        """What the replay's p99 may be at most."""
        return FACTOR * self.timer_p99_ms + ADDED_MS


def traffic(path: Path, streams: int, seed: int) -> None:
    """Write requests that come at random, as many as keep so many streams open."""
    source, rate, at_s = random.Random(seed), streams / PROGRAMS[streams][1], 0.0
    with path.open("w") as file:
        for _ in range(max(300, round(rate * SECONDS))):
            row = {"at": at_s, "input_tokens": INPUT_TOKENS, "output_tokens": 16}
            file.write(json.dumps(row) + "\n")
            at_s += source.expovariate(rate)


async def replay(base_url: str, streams: int, path: Path) -> tuple[LoadStep, list[float]]:
    """Replay a file, and let a bare timer follow the same plan; its lateness in seconds."""
    recorded = recorded_traffic((str(path),), {}, 100_000)
    target = Target("a", "truth", base_url, PROGRAMS[streams][0])
    order = replaying(
        LoadOrder(target, "", 16, ttft_limit_s=5.0),
        recorded,
        1.0,
        max_s=None,
        max_requests=len(recorded.arrivals),
    )
    timer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.replay", "--timer", path, cwd=ROOT, stdout=subprocess.PIPE
    )
    step = None
    async with aclosing(run_load(order)) as news:
        async for each in news:
            step = each if step is None and isinstance(each, LoadStep) else step
    late, _ = await timer.communicate()
    assert step is not None
    return step, json.loads(late)


async def bare_timer(path: Path) -> list[float]:
    """Wait for the instants of a file; how late each came, in seconds."""
    plan_s = [each.at_s for each in recorded_traffic((str(path),), {}, 100_000).arrivals]
    loop = asyncio.get_running_loop()
    late: list[float] = []
    done = asyncio.Event()
    began_s = loop.time() + 0.5

    def wake(number: int) -> None:
        late.append(loop.time() - began_s - plan_s[number])
        if number + 1 == len(plan_s):
            done.set()
        else:
            loop.call_at(began_s + plan_s[number + 1], wake, number + 1)

    loop.call_at(began_s, wake, 0)
    await done.wait()
    return late


def rows(streams: Sequence[int], rounds: int) -> Iterator[Row]:
    """Measure one replay after the other."""
    with truth_server() as base_url, tempfile.TemporaryDirectory(prefix="inferctl-bench-") as made:
        for number, seed in ((each, seed) for each in streams for seed in range(rounds)):
            path = Path(made) / "traffic.jsonl"
            traffic(path, number, seed)
            step, late = asyncio.run(replay(base_url, number, path))
            ours, timer = step.sent_late_s, spread(late)
            assert ours is not None
            assert timer is not None
            yield Row(
                number,
                step.planned or 0,
                step.sent or 0,
                step.concurrency,
                *_figures_ms(ours),
                *_figures_ms(timer),
            )


def _figures_ms(found: Spread) -> tuple[float, float, float]:
    assert found.p99 is not None
    return found.median * MS, found.p99 * MS, found.max * MS


HEADING = """\
how late requests left, in ms, beside a bare asyncio timer with the same plan at the same time
streams  planned    sent  at once   median      p99      max    timer      p99      max"""


def main() -> int:
    """Print the table; 1 where a p99 is above what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", default=",".join(map(str, PROGRAMS)))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--timer", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.timer:
        print(json.dumps(asyncio.run(bare_timer(chosen.timer))))
        return 0
    found = []
    if not chosen.json:
        print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores\n{HEADING}")
    began_s = time.monotonic()
    for row in rows([int(each) for each in chosen.streams.split(",")], chosen.rounds):
        found.append(row)
        if not chosen.json:
            kept = "kept" if row.p99_ms <= row.limit_ms else "MISSED"
            print(
                f"{row.streams:7} {row.planned:8} {row.sent:7} {row.most_streams:8}"
                f" {row.median_ms:8.3f} {row.p99_ms:8.3f} {row.max_ms:8.3f}"
                f" {row.timer_median_ms:8.3f} {row.timer_p99_ms:8.3f} {row.timer_max_ms:8.3f}"
                f"  {kept}: limit {row.limit_ms:.3f}",
                flush=True,
            )
    if chosen.json:
        print(json.dumps([asdict(row) for row in found]))
    else:
        print(f"{len(found)} replays in {time.monotonic() - began_s:.0f} s")
    return int(any(row.p99_ms > row.limit_ms for row in found))


if __name__ == "__main__":
    sys.exit(main())
