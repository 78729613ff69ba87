"""How surely a mean is known whose parts hang together: long-run variance from blocks of all sizes.

Requests that come in bursts, or in stretches of long answers, tell less of their mean than their
number suggests. Blocks that are longer than what hangs together are independent again, so that the
variance of their sums grows no more with their length: that is the one to reckon with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_BLOCKS = 5
"""Fewer blocks tell no variance."""

CAUTION = 0.5
"""A coarser scale must exceed a finer one by so many of its standard errors; by simulation."""

HANGS_TOGETHER = 1.75
"""From so many standard errors by which a coarser scale exceeds the finest one, bins are no longer
taken as independent; by simulation. The highest of many scales is high by chance, too."""

BEYOND = 0.8
"""How much of the growth from the scale before is added for the scales beyond; by simulation."""


@dataclass(frozen=True, slots=True)
class LongRun:
    """The variance of one bin's sum as it counts in the long run.

    Attributes:
        freedom: of how many independent blocks it is, less one.
        level: blocks of ``2 ** level`` bins told it.
    """

    variance: float
    freedom: float
    level: int = 0


def long_run(residuals: Sequence[float], fitted: int = 1) -> LongRun | None:
    """Return the long-run variance of equal bins; None for fewer than five.

    Blocks of 1, 2, 4, ... bins give one estimate each. While none exceeds the first by more than
    chance, the bins are independent and the first counts. Else the one does whose lower bound is
    the highest: a coarse scale is believed as far as its few blocks can be.

    Args:
        residuals: of each bin what exceeds the mean, in order of time.
        fitted: how many means were taken off.
    """
    best: tuple[float, LongRun] | None = None
    first, together = LongRun(0.0, 0.0), False
    sums, size, level, before = list(residuals), 1, 0, None
    while len(sums) >= LEAST_BLOCKS:
        n = len(sums)
        freedom = max(1.0, n - max(min(fitted, 2.0), fitted / size))
        variance = sum(each * each for each in sums) / (freedom * size)
        bound = variance * (1 - CAUTION * (2 / freedom) ** 0.5)
        if level == 0:
            first = LongRun(variance, freedom)
        chance = max(0.0, 2 / freedom - 2 / first.freedom) ** 0.5
        together |= variance > first.variance * (1 + HANGS_TOGETHER * chance)
        if best is None or bound > best[0]:
            grown = 0.0 if before is None else max(0.0, variance - before)
            best = bound, LongRun(variance + BEYOND * grown, freedom, level)
        before = variance
        sums = [one + other for one, other in zip(sums[::2], sums[1::2], strict=False)]
        size, level = size * 2, level + 1
    if best is None:
        return None
    return best[1] if together else first


def covariance(one: Sequence[float], other: Sequence[float], level: int) -> float:
    """Return how two series of residuals go together, per bin, in blocks of ``2 ** level`` bins."""
    size = 1 << level
    total, blocks = 0.0, range(0, len(one) - size + 1, size)
    for begin in blocks:
        total += sum(one[begin : begin + size]) * sum(other[begin : begin + size])
    return total / max(1, len(blocks) - 1) / size


def student(z: float, freedom: float) -> float:
    """Return Student's quantile at the probability at which the normal one is `z`.

    Fisher's expansion (Abramowitz and Stegun, 26.7.5), within 1 % from five degrees of freedom on
    at 1.96 and from ten on at 3.
    """
    n = max(1.0, freedom)
    found: float = (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
    return found
