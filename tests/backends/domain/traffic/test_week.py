"""The week that is learnt from recorded hours: its pattern, a change of level, a trend."""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict
from math import exp
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.demand import demand_of
from backends.domain.traffic.week import _slope, estimate, watched_enough

MONDAY_S = 4 * DAY_S
"""The first one of 1970."""


def pattern(at_s: float) -> float:
    """Requests in an hour: more by day, half at weekends."""
    hour, day = at_s // HOUR_S % 24, (at_s - MONDAY_S) // DAY_S % 7
    return (200.0 if 8 <= hour < 20 else 50.0) * (0.5 if day >= 5 else 1.0)


def hours(
    days: float, level: Callable[[float], float] = lambda day: 1.0, seconds: float = 3600.0
) -> tuple[Bin, ...]:
    """Return hours of the pattern, each up to five percent above or below it."""
    draw, found = random.Random(5), []
    for place in range(round(days * 24)):
        at_s = MONDAY_S + place * HOUR_S
        uneven = 1 + draw.uniform(-0.05, 0.05)
        n = pattern(at_s) * level((at_s - MONDAY_S) / DAY_S) * uneven
        found.append(Bin(at_s, seconds, n, n, n * (79 + place % 5), n * (220 + place % 7)))
    return tuple(found)


def test_a_trend_is_found_by_the_middles_of_its_days() -> None:
    days = [(place * DAY_S, exp(0.1 * place), 1.0) for place in range(3)]
    slope, _, middle = _slope(days, 3 * DAY_S, 0.01)
    assert slope == pytest.approx(0.1)
    # The days are 2.5, 1.5 and 0.5 days ago, and a later one counts a little more.
    assert -1.5 < middle < -1.3


def test_hours_that_repeat_are_the_week_to_come() -> None:
    found = estimate(hours(21))
    assert found is not None
    expected = [pattern(MONDAY_S + hour * HOUR_S) / HOUR_S for hour in range(168)]
    assert found.week_rps == pytest.approx(expected, rel=0.06)
    assert found.rate_rps == pytest.approx(sum(expected) / 168, rel=0.02)
    assert (found.level_since_s, found.trend_per_day) == (None, None)
    assert found.input_tokens == pytest.approx(81, rel=0.01)
    assert found.output_tokens == pytest.approx(223, rel=0.01)


@pytest.mark.parametrize("at", [10, 14, 18])
def test_a_change_of_level_ends_what_came_before_it(at: int) -> None:
    found = estimate(hours(21, lambda day: 2.0 if day >= at else 1.0))
    assert found is not None
    assert found.level_since_s == MONDAY_S + at * DAY_S
    mean = sum(pattern(MONDAY_S + hour * HOUR_S) for hour in range(168)) / 168 / HOUR_S
    assert found.rate_rps == pytest.approx(2 * mean, rel=0.12)


def test_growth_is_followed_to_the_middle_of_the_week_to_come() -> None:
    found = estimate(hours(28, lambda day: exp(0.03 * day)))
    assert found is not None
    assert found.trend_per_day == pytest.approx(exp(0.03) - 1, rel=0.06)
    assert found.level_since_s is None
    mean = sum(pattern(MONDAY_S + hour * HOUR_S) for hour in range(168)) / 168 / HOUR_S
    assert found.rate_rps == pytest.approx(mean * exp(0.03 * (28 + 3.5)), rel=0.06)


@pytest.mark.parametrize(
    ("days", "seconds", "enough"),
    [(7, 3600, True), (6.9, 3600, False), (14, 360, True), (14, 359, False), (14, 180, False)],
)
def test_a_week_is_known_by_seven_days_and_half_an_hour_of_each_hour(
    days: float, seconds: float, *, enough: bool
) -> None:
    """Five working days of two weeks, and two of each weekend: four times each hour at least."""
    longer = seconds * 1800 / (4 * 360)
    assert watched_enough(hours(days, seconds=longer if days == 14 else seconds)) is enough


def rounded(value: Any) -> Any:
    """Return a document with nine digits of each number: the tenth differs between machines."""
    if isinstance(value, float):
        return value if not math.isfinite(value) or value == 0 else float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list | tuple) else value


LEVELS: dict[str, tuple[float, Callable[[float], float]]] = {
    "even": (16, lambda day: 1.0),
    "step": (24, lambda day: 1.9 if day >= 15 else 1.0),
    "growth": (30, lambda day: exp(0.02 * day)),
    "a little growth": (12, lambda day: exp(0.004 * day)),
    "nine days": (9, lambda day: exp(0.05 * day)),
    "two days": (2, lambda day: 1.0 + day),
}


@pytest.mark.parametrize("name", LEVELS)
def test_an_estimate_changes_only_on_purpose(name: str, snapshot: SnapshotAssertion) -> None:
    days, level = LEVELS[name]
    found = estimate(hours(days, level))
    assert found is not None
    known = asdict(found)
    week: Iterable[float] = known.pop("week_rps")
    assert rounded({**known, "week_rps": list(week)[::13]}) == snapshot
    demand = demand_of(hours(days, level), "a file")
    assert rounded([asdict(demand.seen), demand.trend_per_day, demand.rate_rps]) == snapshot
