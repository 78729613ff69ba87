"""``make verdict-study``: how often a verdict is wrong, and how soon it is decided."""

import argparse
import random
import sys
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median

from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import load_band, request_band
from backends.domain.decision.verdict import kind_of
from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.bins import Bin, as_kept
from backends.domain.traffic.demand import demand_of
from tests.backends.domain.decision.study.worlds import (
    EVEN_RPS,
    GPU_USD_PER_HOUR,
    SPAN,
    USD_PER_REQUEST,
    Growing,
    Stepped,
    World,
    at_distances,
    simulated,
    week,
)

LOOKS = 15
RATIO = 2**0.5
MOST_WRONG = 0.025
FAILS_ABOVE = 0.037
"""What 1,000 runs of a world with 2.5 % wrong exceed in one of a hundred."""

LEAST_COVERED, MOST_COVERED = 0.917, 0.987
"""What 1,000 runs, with two intervals each, fall short of or exceed in one of a hundred where 93 %
or 98 % of the intervals hold the truth. The first is for worlds that stay as they are, the second
for independent requests: intervals that are too wide are no better known."""

MOST_FLIPS_A_WEEK = 1.0

Z90 = 1.2816
"""The normal quantile of 90 %: the power of the oracle."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How traffic is seen: in which steps, from when at the earliest, until when.

    Attributes:
        anchored: one look is at twice the time of the oracle; else the first is at `first_s`.
    """

    name: str
    step_s: float
    first_s: float
    last_s: float
    anchored: bool = True

    def looks_s(self, oracle_s: float) -> tuple[float, ...]:
        """Return the times of at most fifteen looks, geometric; one at twice the oracle's time."""
        ratio = RATIO if self.anchored else RATIO**0.5
        anchor_s = oracle_s * 2 if self.anchored else self.first_s
        times = [anchor_s * ratio**look for look in range(-LOOKS, LOOKS)]
        found = [each for each in times if self.first_s <= each <= self.last_s * 1.01][:LOOKS]
        if not found or found[0] > self.first_s * ratio:
            found.insert(0, self.first_s)
        steps = dict.fromkeys(round(each / self.step_s) for each in found)
        return tuple(each * self.step_s for each in steps)


LIVE = Setting("live", 60.0, float(HOUR_S), 2 * DAY_S)
FILE = Setting("file", 60.0, float(HOUR_S), float(DAY_S))
LEARNT = Setting("learnt", float(HOUR_S), 7 * DAY_S, 35 * DAY_S, anchored=False)


@dataclass(frozen=True, slots=True)
class Row:
    """What all runs of one world came to."""

    setting: str
    world: World
    runs: int
    decided: int
    wrong: int
    covered: float
    decided_s: float | None
    oracle_s: float
    in_time: float
    flips_a_week: float
    watched_s: float


def scenario_of(bins: Sequence[Bin]) -> Scenario:
    """Return the scenario of some traffic at the study's prices."""
    seen = demand_of(tuple(bins), "simulated")
    return Scenario(
        gpu_usd_per_hour=Decimal(repr(GPU_USD_PER_HOUR)),
        input_usd_per_mtok=Decimal("0.1"),
        output_usd_per_mtok=Decimal("0.7"),
        capacity_rps=Decimal(30),
        input_tokens=seen.seen.input_tokens_mean,
        output_tokens=seen.seen.output_tokens_mean,
        rate_rps=seen.rate_rps,
        profile_rps=seen.week_rps or None,
        observed=seen.seen,
    )


WINNER = {VerdictKind.API_CHEAPER: -1, VerdictKind.SELF_HOST_CHEAPER: 1}


def oracle_s_of(world: World) -> float:
    """Return when one who knows the long-run variance decides in nine of ten runs."""
    distance = abs(1 - 1 / world.factor)
    return world.long_run_s * ((1.96 + Z90) / max(1e-9, distance)) ** 2


def _truth_rps(world: World, look_s: float) -> float:
    """Return the mean rate over the week that follows."""
    if not world.shape:
        return EVEN_RPS * world.factor
    span = range(int(look_s), int(look_s + 7 * DAY_S), HOUR_S)
    shape = sum(world.shape(at + HOUR_S / 2) for at in span) / len(span)
    return EVEN_RPS * world.factor * shape


def _covered(asked: Scenario, truth_rps: float) -> int:
    """Return how many of the two intervals hold what is true."""
    band, price, mean = load_band(asked), request_band(asked), float(asked.rate_rps or 0)
    held = float(band.low) * mean <= truth_rps <= float(band.high) * mean
    priced = price is not None and float(price.low) <= USD_PER_REQUEST <= float(price.high)
    return held + priced


def row_of(job: tuple[Setting, World, int]) -> Row:
    """Return what runs of one world come to."""
    setting, world, runs = job
    draw = random.Random(zlib.crc32(f"{setting.name}{world.name}{world.factor}".encode()))
    far = replace(world, factor=0.8 if world.factor <= 1 else 1.2)
    looks = setting.looks_s(oracle_s_of(far))
    oracle_s = max(looks[0], oracle_s_of(world))
    decided, wrong, covered, flips, times = 0, 0, 0, 0, []
    for _ in range(runs):
        made = list(simulated(world, setting.step_s, looks[-1], draw))
        shown, was_wrong, first_s = 0, False, None
        for look_s in looks:
            bins: Sequence[Bin] = made[: round(look_s / setting.step_s)]
            if setting is not FILE:
                bins = as_kept(bins)
            asked = scenario_of(bins)
            side = WINNER.get(kind_of(asked), 0)
            truth = _truth_rps(world, look_s)
            right = 1 if truth > EVEN_RPS else -1
            if side:
                first_s = look_s if first_s is None else first_s
                was_wrong |= side != right
                flips += shown not in {0, side}
                shown = side
        covered += _covered(asked, truth)
        decided += first_s is not None
        wrong += was_wrong
        times.append(float("inf") if first_s is None else first_s)
    middle = median(times)
    decided_s = None if middle == float("inf") else middle
    in_time = sum(each <= 2.01 * oracle_s for each in times) / runs
    a_week = flips / runs / (max(DAY_S, looks[-1] - looks[0]) / 7 / DAY_S)
    figures = (covered / runs / 2, decided_s, oracle_s, in_time, a_week, looks[-1])
    return Row(setting.name, world, runs, decided, wrong, *figures)


def worlds(setting: Setting) -> tuple[World, ...]:
    """Return the worlds that are seen in one way."""
    if setting is LEARNT:
        return (
            *at_distances(World("poisson")),
            *at_distances(World("week profile", shape=week)),
            *at_distances(World("week, on-off 1 h", shape=week, on_off_s=HOUR_S / 2)),
            *at_distances(World("on-off 1 h", on_off_s=HOUR_S / 2)),
            *at_distances(World("on-off 4 h", on_off_s=2 * HOUR_S)),
            *at_distances(World("heavy tail", pareto=True)),
            *at_distances(World("length regimes 4 h", regime_s=2 * HOUR_S)),
            World("growth 1 %/day", shape=Growing(0.01, 21)),
            World("growth 2 %/day", shape=Growing(0.02, 21)),
            World("decline 1 %/day", shape=Growing(-0.01, 21)),
        )
    if setting is FILE:
        return (
            *at_distances(World("poisson")),
            *at_distances(World("on-off 2 min", on_off_s=60)),
            *at_distances(World("length regimes 2 min", regime_s=60)),
        )
    return (
        *at_distances(World("poisson")),
        *at_distances(World("on-off 20 s", on_off_s=10)),
        *at_distances(World("on-off 2 min", on_off_s=60)),
        *at_distances(World("on-off 10 min", on_off_s=300)),
        *at_distances(World("heavy tail", pareto=True)),
        *at_distances(World("length regimes 2 min", regime_s=60)),
    )


STEP_DAY = 28
STEPS = ((0.75, 1.3), (1.3, 0.75), (0.5, 2.0), (0.9, 1.15))
"""Levels over the break-even rate before and after a step."""


def days_to_follow(job: tuple[World, int]) -> list[int | None]:
    """Return for each run in how many days after a step the verdict is that of the new level."""
    world, runs = job
    assert isinstance(world.shape, Stepped)
    draw = random.Random(zlib.crc32(f"{world.name}{world.shape}".encode()))
    right = 1 if world.shape.after > 1 else -1
    found: list[int | None] = []
    for _ in range(runs):
        made = list(simulated(world, LEARNT.step_s, (STEP_DAY + 21) * DAY_S, draw))
        hours = ((day, as_kept(made[: 24 * (STEP_DAY + day)])) for day in range(1, 22))
        sides = ((day, WINNER.get(kind_of(scenario_of(each)), 0)) for day, each in hours)
        found.append(next((day for day, side in sides if side == right), None))
    return found


def main() -> int:
    """Print one line for each world; 1 where one is wrong too often."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--worlds", default="", help="only those whose setting or name has this")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    jobs = [
        (setting, world, arguments.runs)
        for setting in (LIVE, FILE, LEARNT)
        for world in worlds(setting)
        if arguments.worlds in f"{setting.name} {world.name}"
    ]
    steps = [
        (World(name, shape=Stepped(*levels, STEP_DAY), on_off_s=on_off_s), arguments.runs // 20)
        for name, on_off_s in (("step", 0.0), ("step, on-off 1 h", HOUR_S / 2))
        for levels in STEPS
        if arguments.worlds in name
    ]
    print(HEAD)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        failed = [_told(row) for row in pool.map(row_of, jobs)]
        for (world, _), days in zip(steps, pool.map(days_to_follow, steps), strict=True):
            _tell_step(world, days)
    return 1 if any(failed) else 0


HEAD = (
    f"{'seen':7}{'world':24}{'x even':>7}{'decided':>9}{'wrong':>8}{'covered':>9}"
    f"{'median h':>10}{'oracle h':>10}{'in twice':>10}{'flips/w':>9}"
)


def _told(row: Row) -> bool:
    """Print what a world came to, and return whether it fails in anything that is measured."""
    wrong = row.wrong / row.runs
    took = "never" if row.decided_s is None else f"{row.decided_s / HOUR_S:.1f}"
    oracle = f"{row.oracle_s / HOUR_S:.1f}" if row.oracle_s < DAY_S * 3650 else "moves"
    far = row.world.factor in {SPAN[0], SPAN[-1]} and 2 * row.oracle_s <= row.watched_s
    stationary = not isinstance(row.world.shape, Growing)
    faults = [
        *(["WRONG"] if wrong > FAILS_ABOVE else []),
        *(["SILENT"] if far and row.in_time < 0.5 else []),
        *(["NARROW"] if stationary and row.covered < LEAST_COVERED else []),
        *(["WIDE"] if row.world.name == "poisson" and row.covered > MOST_COVERED else []),
        *(["FLIPS"] if stationary and row.flips_a_week > MOST_FLIPS_A_WEEK else []),
    ]
    print(
        f"{row.setting:7}{row.world.name:24}{row.world.factor:7.2f}"
        f"{row.decided / row.runs:9.1%}{wrong:8.1%}{row.covered:9.1%}{took:>10}"
        f"{oracle:>10}{row.in_time:10.1%}{row.flips_a_week:9.2f}  {' '.join(faults)}".rstrip(),
        flush=True,
    )
    return bool(faults)


def _tell_step(world: World, days: Sequence[int | None]) -> None:
    assert isinstance(world.shape, Stepped)
    known = sorted(22 if each is None else each for each in days)
    name = f"{world.name}, {world.shape.before:g} to {world.shape.after:g}"
    at = [known[int(share * (len(known) - 1))] for share in (0.5, 0.9)]
    print(f"{name:40}days until the verdict follows: median {at[0]}, 90 % {at[1]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
