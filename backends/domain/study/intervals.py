"""Intervals of 95 % for samples as small as a study's: of a mean, of a median, of a difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance

from backends.domain.ab.statistics import CONFIDENCE, hodges_lehmann, quantile
from backends.domain.traffic.scales import student

_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_FEWEST = (12.706, 4.303, 3.182, 2.776)
"""Student's 97.5 % points for one to four degrees of freedom, where the expansion of `student`
errs (Abramowitz and Stegun, table 26.10)."""

FOUR_A_SIDE = 4
"""Runs of each side from which a Hodges-Lehmann interval of 95 % exists."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the two ends of its interval; both ends None where so few runs give none."""

    value: float
    low: float | None = None
    high: float | None = None


def of_mean(values: Sequence[float]) -> Interval:
    """Return the mean with Student's interval; needs two values for it.

    Raises:
        statistics.StatisticsError: there is no value.
    """
    mean = fmean(values)
    if len(values) < 2:
        return Interval(mean)
    half = t_point(len(values) - 1) * math.sqrt(variance(values) / len(values))
    return Interval(mean, mean - half, mean + half)


def of_median(values: Sequence[float]) -> Interval:
    """Return the median with the interval between two order statistics; needs six values for it.

    The ranks are those of the sign test inverted (Hollander, Wolfe and Chicken, Nonparametric
    Statistical Methods, 3.6), whatever the distribution.

    Raises:
        ValueError: there is no value.
    """
    ordered, middle = sorted(values), quantile(values, 0.5)
    rank, below = 0, 0.0
    while below + (chance := math.comb(len(ordered), rank) / 2 ** len(ordered)) <= (
        (1 - CONFIDENCE) / 2
    ):
        below, rank = below + chance, rank + 1
    if rank == 0:
        return Interval(middle)
    return Interval(middle, ordered[rank - 1], ordered[-rank])


def of_difference(ours: Sequence[float], theirs: Sequence[float]) -> Interval | None:
    """Return how much larger `theirs` is; None where too few values tell its interval.

    From four values a side it is the Hodges-Lehmann shift, below that the difference of two means
    with Welch's interval (Biometrika 34, 1947).
    """
    if min(len(ours), len(theirs)) >= FOUR_A_SIDE:
        found = hodges_lehmann(ours, theirs)
        return None if found is None else Interval(found[0], *found[1])
    if min(len(ours), len(theirs)) < 2:
        return None
    shift = fmean(theirs) - fmean(ours)
    parts = [variance(each) / len(each) for each in (ours, theirs)]
    error = sum(parts)
    if error == 0:
        return Interval(shift, shift, shift)
    freedom = error**2 / sum(
        part**2 / (len(each) - 1) for part, each in zip(parts, (ours, theirs), strict=True)
    )
    half = t_point(freedom) * math.sqrt(error)
    return Interval(shift, shift - half, shift + half)


def t_point(freedom: float) -> float:
    """Return Student's 97.5 % point; between whole degrees of freedom that of the lower one."""
    whole = max(1, math.floor(freedom))
    return _FEWEST[whole - 1] if whole <= len(_FEWEST) else student(_Z, freedom)
