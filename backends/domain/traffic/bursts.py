"""How far the rate of short stretches lies above and below the mean of its hour."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from backends.domain.durations import HOUR_S
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.shape import EVEN, Shares

SHORT_S = 90.0
"""Longer stretches say nothing of bursts."""

LEAST_STRETCHES = 20

UNEVEN = 2.0
"""Variance over mean of the counts from which traffic comes in bursts; chance alone gives 1."""

LATE = 0.01
"""The share of requests that may come too late within a 99th percentile."""

BANDS = (0.03, 0.1, 0.25, 0.5, 0.75, 1.0)
"""Shares of the requests, those of the busiest stretches first, that one band each stands for."""


def bursts_of(bins: Iterable[Bin]) -> Shares:
    """Return which share of an hour has which factor on its rate; one of one where it is even.

    What chance alone does to counts is taken off: capacity is measured under random requests. The
    busiest stretches that hold one request of a hundred count as the next busiest do, because a
    99th percentile lets them be late.
    """
    hours: dict[float, list[Bin]] = {}
    for each in bins:
        if 0 < each.seconds <= SHORT_S:
            hours.setdefault(each.began_s // HOUR_S, []).append(each)
    pairs: list[tuple[float, float]] = []
    for hour in hours.values():
        seconds = sum(each.seconds for each in hour)
        rate = sum(each.requests for each in hour) / seconds
        pairs += [(each.requests, rate * each.seconds) for each in hour if rate > 0]
    expected = sum(mean for _, mean in pairs)
    freedom = len(pairs) - len(hours)
    if len(pairs) < LEAST_STRETCHES or freedom <= 0:
        return EVEN
    squares = sum((seen - mean) ** 2 for seen, mean in pairs)
    dispersion = squares / freedom / (expected / len(pairs))
    if dispersion < UNEVEN:
        return EVEN
    own = (1 - 1 / dispersion) ** 0.5
    factors = [
        (max(0.0, 1 + own * (seen / mean - 1)), mean / expected, seen) for seen, mean in pairs
    ]
    return _bands(sorted(factors, reverse=True))


def _bands(factors: Sequence[tuple[float, float, float]]) -> Shares:
    """Return the factors in bands, of mean one; each is the mean of its own, the first its peak.

    A band ends with its share of the requests, or where the factor falls by a third. The peak is
    one standard error of its count below what was counted: the highest of many counts was high by
    chance, too.

    Args:
        factors: factor, share of the time and count of each stretch, the highest first.
    """
    volume = sum(factor * share for factor, share, _ in factors)
    found: list[list[float]] = []
    seen, peak, place, first = 0.0, 0.0, -1, 0.0
    for factor, share, count in factors:
        if seen <= LATE * volume:
            peak = factor * (1 - count**-0.5) if count > 1 else factor
        capped = min(factor, peak)
        band = next((at for at, most in enumerate(BANDS) if seen <= most * volume), len(BANDS))
        if band != place or capped < first * 2 / 3:
            found.append([0.0, 0.0])
            place, first = band, capped
        seen += factor * share
        found[-1][0] += share
        found[-1][1] += capped * share
    kept = [(share, sums / share) for share, sums in found]
    kept[0] = (kept[0][0], max(kept[0][1], peak))
    rest = sum(share * factor for share, factor in kept[1:])
    # The mean stays one: what the cap took from the peaks goes to the rest, in proportion.
    scale = (1 - kept[0][0] * kept[0][1]) / rest if rest > 0 else 1.0
    scaled = [kept[0], *((share, factor * scale) for share, factor in kept[1:])]
    return tuple((_decimal(share), _decimal(factor)) for share, factor in scaled)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
