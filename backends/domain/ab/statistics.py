"""Order statistics and the comparison of two small samples; standard library only."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from backends.domain.ab.run import Spread

RUNS_FOR_P95 = 60
RUNS_FOR_P99 = 300
LARGEST_EXACT = 30
CONFIDENCE = 0.95
POWER = 0.8
MOST_RUNS = 10_000
BISECTIONS = 40

_Z_CONFIDENCE = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_Z_POWER = NormalDist().inv_cdf(POWER)


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile by linear interpolation between order statistics.

    Hyndman and Fan (1996) definition 7, which is also NumPy's and R's default.

    Raises:
        ValueError: there is no value.
    """
    if not values:
        raise ValueError("a quantile of no values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(values: Sequence[float]) -> Spread | None:
    """Return the order statistics of a sample, None for none; tails only where it is long enough.

    A sample of 20 says nothing of its 95th percentile: in over a third of such samples even the
    largest value is below the true one (0.95 to the power of 20).
    """
    if not values:
        return None
    return Spread(
        median=quantile(values, 0.5),
        p25=quantile(values, 0.25),
        p75=quantile(values, 0.75),
        min=min(values),
        max=max(values),
        p95=quantile(values, 0.95) if len(values) >= RUNS_FOR_P95 else None,
        p99=quantile(values, 0.99) if len(values) >= RUNS_FOR_P99 else None,
    )


def share_at_least(kept: int, of: int) -> float:
    """Return the share that at least is kept in the long run, 95 % sure.

    The lower bound of Clopper and Pearson (1934), one-sided: the share at which as few misses as
    were seen come only once in twenty times. Ten of ten show no more than 74 %.
    """
    if not kept:
        return 0.0
    low, high = 0.0, kept / of
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        rare = _at_most(of - kept, of, 1 - middle) < 1 - CONFIDENCE
        low, high = (middle, high) if rare else (low, middle)
    return low


def _at_most(hits: int, of: int, chance: float) -> float:
    """The binomial distribution's lower tail; in logarithms, for its factors are huge."""
    log_yes, log_no = math.log(chance), math.log1p(-chance)
    return math.fsum(
        math.exp(
            math.lgamma(of + 1)
            - math.lgamma(hit + 1)
            - math.lgamma(of - hit + 1)
            + hit * log_yes
            + (of - hit) * log_no
        )
        for hit in range(hits + 1)
    )


def mann_whitney_p(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of the Mann-Whitney U test.

    Exact for up to 30 values a side without ties; otherwise the normal approximation with
    correction for ties and for continuity. 1.0 when either side is empty.
    """
    n, m = len(a), len(b)
    if not n or not m:
        return 1.0
    u, tie_term = _u_statistic(a, b)
    if not tie_term and max(n, m) <= LARGEST_EXACT:
        below = _cumulative(n, m)
        return min(1.0, 2 * below[int(min(u, n * m - u))])
    total = n + m
    variance = n * m / 12 * (total + 1 - tie_term / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return min(1.0, 2 * (1 - NormalDist().cdf(z)))


def hodges_lehmann(
    a: Sequence[float], b: Sequence[float]
) -> tuple[float, tuple[float, float]] | None:
    """Return the Hodges-Lehmann shift of b minus a and its 95 % interval.

    The shift is the median of all differences of a value of b and one of a; the interval is the
    Mann-Whitney test inverted, so it leaves zero out exactly where that test rejects (Hollander,
    Wolfe and Chicken, Nonparametric Statistical Methods, 4.2 and 4.3). None when so few runs can
    not give 95 % at all: fewer than four a side.
    """
    rank = _interval_rank(len(a), len(b))
    if rank is None:
        return None
    differences = sorted(y - x for x in a for y in b)
    return quantile(differences, 0.5), (differences[rank - 1], differences[-rank])


def smallest_detectable(interval: tuple[float, float]) -> float:
    """Return the shift that samples with such an interval would find four times out of five.

    The half-width of the inverted test's interval estimates z(97.5 %) standard errors of the shift
    (Hollander, Wolfe and Chicken, 4.3); a test of 5 % finds a shift of z(97.5 %) + z(80 %) of them
    with a power of 80 %.
    """
    low, high = interval
    return (high - low) / 2 * (_Z_CONFIDENCE + _Z_POWER) / _Z_CONFIDENCE


def more_runs_to_settle(shift: float, detectable: float, runs: int) -> int | None:
    """Return how many more runs a target would show this shift with a power of 80 %.

    What can be detected shrinks with the square root of the number of runs. 0 when these runs
    suffice, None when more than 10,000 would be needed, as for a shift of zero.
    """
    if not shift or runs * (detectable / shift) ** 2 > MOST_RUNS:
        return None
    return max(0, math.ceil(runs * (detectable / shift) ** 2) - runs)


def _u_statistic(a: Sequence[float], b: Sequence[float]) -> tuple[float, int]:
    """How often b exceeds a, ties counting half, and the sum of t^3 - t over tied groups."""
    labelled = sorted([(x, 0) for x in a] + [(y, 1) for y in b])
    starts = [0]
    starts += [i + 1 for i, (x, y) in enumerate(pairwise(labelled)) if x[0] != y[0]]
    u, tie_term, a_before = 0.0, 0, 0
    for start, stop in pairwise([*starts, len(labelled)]):
        from_b = sum(label for _, label in labelled[start:stop])
        from_a = stop - start - from_b
        u += from_b * (a_before + from_a / 2)
        a_before += from_a
        tie_term += (stop - start) ** 3 - (stop - start)
    return u, tie_term


@lru_cache(maxsize=32)
def _cumulative(n: int, m: int) -> tuple[float, ...]:
    """P(U <= u) for u = 0 .. n*m where both samples come from one distribution.

    The number of orders with each U are the coefficients of the Gaussian binomial coefficient,
    the product over i = 1 .. n of (1 - q^(m+i)) / (1 - q^i).
    """
    size = n * m
    ways = [1] + [0] * size
    for i in range(1, n + 1):
        for power in range(size, m + i - 1, -1):
            ways[power] -= ways[power - m - i]
        for power in range(i, size + 1):
            ways[power] += ways[power - i]
    total, so_far, below = math.comb(n + m, n), 0, []
    for count in ways:
        so_far += count
        below.append(so_far / total)
    return tuple(below)


def _interval_rank(n: int, m: int) -> int | None:
    """Which smallest and largest difference bound the 95 % interval, counted from 1."""
    if not n or not m:
        return None
    if max(n, m) <= LARGEST_EXACT:
        rank = sum(1 for p in _cumulative(n, m) if 2 * p <= 1 - CONFIDENCE)
    else:
        deviation = math.sqrt(n * m * (n + m + 1) / 12)
        rank = math.floor(n * m / 2 - 0.5 - _Z_CONFIDENCE * deviation) + 1
    return rank if rank >= 1 else None
