"""The week to come, as learnt from at least seven days of traffic.

Each hour of a working day and of a weekend has its mean. Older weeks count less, a change of level
ends what came before it, and a trend is followed to the middle of the week to come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log
from operator import mul
from statistics import median

from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.bins import (
    SATURDAY,
    Bin,
    by_identity,
    days_seen,
    hour_of_week,
    in_steps,
)
from backends.domain.traffic.estimate import Estimate, errors_of, of_stretch
from backends.domain.traffic.scales import LEAST_BLOCKS

WEEK_DAYS = 7.0
LEAST_WATCHED_S = 1800.0
"""Every hour of a working day and of a weekend must have been watched this long."""

HALF_LIFE_DAYS = 14.0
"""After two weeks a day counts half."""

HOURS = 24
WEEK_HOURS = 7 * HOURS
CELLS = 2 * HOURS
"""The hours of a working day, and those of a day of the weekend."""

CHANGED = 6.0
"""From so many standard errors on, the days after an instant have another level."""

SURE_TREND, POSSIBLE_TREND = 5.0, 1.5
"""From so many standard errors on a trend is followed, or makes the estimate less sure."""

LEAST_TREND_DAYS = 10
LEAST_BEFORE, MOST_AFTER = 7, 28
"""Days that tell the level before a change, and the oldest change that is looked for."""

CELL_OF_HOUR = tuple(
    hour % HOURS + (HOURS if hour >= SATURDAY * HOURS else 0) for hour in range(WEEK_HOURS)
)


@by_identity
def estimate(bins: tuple[Bin, ...]) -> Estimate | None:
    """Return what all stretches tell, of a week where one is known; None without any time."""
    hours = in_steps(bins, HOUR_S)
    if watched_enough(hours):
        return _of_week(hours)
    return of_stretch(bins)


def watched_enough(hours: Sequence[Bin]) -> bool:
    """Return whether stretches tell of a whole week."""
    if days_seen(hours) < WEEK_DAYS - 1e-6:
        return False
    seconds = [0.0] * CELLS
    for each in hours:
        seconds[CELL_OF_HOUR[hour_of_week(each.began_s)]] += each.seconds
    return min(seconds) >= LEAST_WATCHED_S


@dataclass(slots=True)
class _Cells:
    """Means by hour of a working day and of a weekend."""

    seconds: list[float]
    requests: list[float]
    counted: list[float]
    into: list[float]
    out: list[float]

    def rate(self, cell: int) -> float:
        return self.requests[cell] / self.seconds[cell]

    def tokens(self, cell: int) -> tuple[float, float]:
        n = self.counted[cell]
        return (self.into[cell] / n, self.out[cell] / n) if n else (0.0, 0.0)


def _of_week(hours: Sequence[Bin]) -> Estimate:
    places = [CELL_OF_HOUR[hour_of_week(each.began_s)] for each in hours]
    end_s = hours[-1].began_s
    weights = [0.5 ** ((end_s - each.began_s) / DAY_S / HALF_LIFE_DAYS) for each in hours]
    cells = _cells(hours, places, weights)
    days = _days(hours, places, cells)
    since = _changed_at(days)
    after = [at for at, each in enumerate(hours) if since is None or each.began_s >= since]
    kept = [hours[at] for at in after]
    weights = [weights[at] for at in after]
    places = [places[at] for at in after]
    expected = [
        weight * each.seconds * cells.rate(cell)
        for each, weight, cell in zip(kept, weights, places, strict=True)
    ]
    seen = sum(weight * each.requests for each, weight in zip(kept, weights, strict=True))
    level = seen / sum(expected) if sum(expected) > 0 else 0.0
    lately = [day for day in days if day[1] > 0 and (since is None or day[0] >= since)]
    found = _estimated(kept, places, weights, cells, _levels(kept, lately, level, end_s))
    week = tuple(cells.rate(cell) * level for cell in CELL_OF_HOUR)
    found = replace(found, week_rps=week, rate_rps=sum(week) / WEEK_HOURS, level_since_s=since)
    return _with_trend(found, lately, end_s)


def _levels(
    kept: Sequence[Bin], days: Sequence["_Level"], level: float, end_s: float
) -> list[float]:
    """Return the level of each hour: along the trend where there is one, which is no chance."""
    if len(days) < LEAST_TREND_DAYS:
        return [level] * len(kept)
    slope, error, middle = _slope(days, end_s, 0.0)
    if abs(slope) <= CHANGED * error:  # a trend by chance would hide what is chance
        return [level] * len(kept)
    ages = ((each.began_s - end_s) / DAY_S for each in kept)
    return [level * exp(slope * (age - middle)) for age in ages]


def _cells(hours: Sequence[Bin], places: Sequence[int], weights: Sequence[float]) -> _Cells:
    cells = _Cells(*([0.0] * CELLS for _ in range(5)))
    for each, cell, weight in zip(hours, places, weights, strict=True):
        cells.seconds[cell] += weight * each.seconds
        cells.requests[cell] += weight * each.requests
        cells.counted[cell] += weight * each.counted
        cells.into[cell] += weight * each.input_tokens
        cells.out[cell] += weight * each.output_tokens
    return cells


def _estimated(
    kept: Sequence[Bin],
    places: Sequence[int],
    weights: Sequence[float],
    cells: _Cells,
    levels: Sequence[float],
) -> Estimate:
    rates, into, out = [], [], []
    sums, poisson = [0.0, 0.0, 0.0, 0.0], 0.0
    for each, cell, weight, level in zip(kept, places, weights, levels, strict=True):
        mean_in, mean_out = cells.tokens(cell)
        rates.append(weight * (each.requests - each.seconds * cells.rate(cell) * level))
        into.append(weight * (each.input_tokens - mean_in * each.counted))
        out.append(weight * (each.output_tokens - mean_out * each.counted))
        poisson += weight * weight * each.requests
        for at, value in enumerate(each[2:]):
            sums[at] += weight * value
    requests, counted, in_sum, out_sum = sums
    fitted = min(CELLS, len(kept) // 3)
    errors = (
        errors_of(rates, (into, out), (requests, in_sum, out_sum), fitted, poisson)
        if requests > 0 and len(kept) >= LEAST_BLOCKS
        else None
    )
    return Estimate(
        sum(each.requests for each in kept),
        sum(each.counted for each in kept),
        sum(each.seconds for each in kept),
        0.0,
        in_sum / counted if counted else None,
        out_sum / counted if counted else None,
        errors,
    )


_Level = tuple[float, float, float]
"""When a day began, its requests over those of its hours' means, and the expected number."""


def _days(hours: Sequence[Bin], places: Sequence[int], cells: _Cells) -> list[_Level]:
    """Return the level of each day that was watched for half of its usual requests."""
    sums: dict[float, list[float]] = {}
    for each, cell in zip(hours, places, strict=True):
        day = sums.setdefault(each.began_s // DAY_S, [0.0, 0.0])
        day[0] += each.requests
        day[1] += each.seconds * cells.rate(cell)
    usual = median(expected for _, expected in sums.values())
    return [
        (day * DAY_S, seen / expected, expected)
        for day, (seen, expected) in sorted(sums.items())
        if expected >= usual / 2 and expected > 0
    ]


def _changed_at(days: Sequence[_Level]) -> float | None:
    """Return since when the level of the last days holds; None where it always did.

    The days after an instant are held against the line through those before it, so that growth is
    no change. The noise of a day is told by the differences of neighbouring days, which a step
    leaves alone.
    """
    if len(days) < LEAST_TREND_DAYS:
        return None
    logs = [log(max(level, 1e-3)) for _, level, _ in days]
    noise = max(
        median(abs(later - earlier) for earlier, later in pairwise(logs)) / 0.954,
        (1 / median(expected for _, _, expected in days)) ** 0.5,
    )
    best: tuple[float, float] | None = None
    for at in range(max(LEAST_BEFORE, len(days) - MOST_AFTER), len(days) - 1):
        before, after = logs[max(0, at - MOST_AFTER) : at], logs[at:]
        n, m = len(before), len(after)
        mean = sum(before) / n
        spread = n * (n * n - 1) / 12
        slope = sum((place - (n - 1) / 2) * each for place, each in enumerate(before)) / spread
        ahead = (n + m) / 2
        error = noise * (1 / m + 1 / n + ahead * ahead / spread) ** 0.5
        score = abs(sum(after) / m - mean - slope * ahead) / error
        if score > CHANGED and (best is None or score > best[0]):
            best = score, days[at][0]
    return None if best is None else best[1]


def _with_trend(found: Estimate, days: Sequence[_Level], end_s: float) -> Estimate:
    """Return the estimate at the middle of the week to come, where a trend is sure.

    The trend is a share each day. One that may be there makes the estimate less sure by half of
    what it would move it.
    """
    if len(days) < LEAST_TREND_DAYS or found.errors is None:
        return found
    slope, error, middle = _slope(days, end_s, found.errors.rate)
    ahead = WEEK_DAYS / 2 - middle
    errors = found.errors
    if abs(slope) > SURE_TREND * error:
        factor = exp(slope * ahead)
        errors = replace(errors, rate=(errors.rate**2 + (error * ahead) ** 2) ** 0.5)
        return replace(
            found,
            rate_rps=found.rate_rps * factor,
            week_rps=tuple(rate * factor for rate in found.week_rps),
            errors=errors,
            trend_per_day=exp(slope) - 1,
        )
    if abs(slope) > POSSIBLE_TREND * error:
        errors = replace(errors, rate=(errors.rate**2 + (slope * ahead / 2) ** 2) ** 0.5)
    return replace(found, errors=errors)


def _slope(days: Sequence[_Level], end_s: float, least: float) -> tuple[float, float, float]:
    """Return by which share the level grows each day, its error, and the mean age of the days.

    A weighted line through the logarithms; a day is at least as uncertain as the whole.
    """
    ages = [(day[0] - end_s) / DAY_S + 0.5 for day in days]
    logs = [log(day[1]) for day in days]
    weights = [0.5 ** (-age / HALF_LIFE_DAYS) for age in ages]
    whole = sum(weights)
    middle = sum(map(mul, weights, ages)) / whole
    mean = sum(map(mul, weights, logs)) / whole
    off = [weight * (age - middle) for weight, age in zip(weights, ages, strict=True)]
    spread = sum(each * (age - middle) for each, age in zip(off, ages, strict=True))
    slope = sum(map(mul, off, logs)) / spread
    left = [each - mean - slope * (age - middle) for each, age in zip(logs, ages, strict=True)]
    of_day = max((sum(each * each for each in left) / (len(days) - 2)) ** 0.5, least)
    return slope, of_day * sum(each * each for each in off) ** 0.5 / spread, middle
