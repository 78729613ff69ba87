"""The slowest first tokens, as far as a server's own histogram tells them."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.domain.facts import MetricsScraped
from backends.domain.money.traffic import grown_histogram, quantile
from backends.domain.serving import Histogram
from backends.domain.streams.statistics import RUNS_FOR_P99

P99 = 0.99
ROUNDING = 1e-12
"""A rank that is whole must not be missed because 0.99 has no exact binary form."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The 99th percentile, in seconds.

    Attributes:
        p99_s: None where the bucket it falls in holds the limit, so that either side may be true.
        low_s: the edges of that bucket, like `high_s`; the last one has no end.
    """

    p99_s: float | None
    low_s: float
    high_s: float


def first_tokens(readings: Sequence[MetricsScraped]) -> Histogram | None:
    """Return the times to first token between the first and the last reading of one server.

    None for fewer than 300 requests, which tell no 99th percentile.
    """
    if not readings:
        return None
    seen = grown_histogram(readings[0].counters.ttft, readings[-1].counters.ttft)
    enough = seen is not None and seen.counts and seen.counts[-1] >= RUNS_FOR_P99
    return seen if enough else None


def newest_first_tokens(readings: Sequence[MetricsScraped]) -> Histogram | None:
    """Return the same over no more of the last readings than hold 300 requests."""
    stretches = (readings[place:] for place in reversed(range(len(readings))))
    return next((seen for each in stretches if (seen := first_tokens(each))), None)


def p99_against(histogram: Histogram, limit_s: float) -> Tail:
    """Return the 99th percentile of a histogram, as far as it tells on which side of a limit it is.

    A histogram knows the edges of its buckets and nothing between them. Beyond the last edge all
    that is known is that edge, which must then be beyond the limit itself.
    """
    low, high = bucket(histogram, P99)
    inside = quantile(histogram, P99)
    if low < limit_s < high or (inside is None and low <= limit_s):
        return Tail(None, low, high)
    return Tail(low if inside is None else inside, low, high)


def bucket(histogram: Histogram, share: float) -> tuple[float, float]:
    """Return the edges between which a quantile lies.

    Raises:
        ValueError: the histogram counts nothing.
    """
    if not histogram.counts or histogram.counts[-1] <= 0:
        raise ValueError("a quantile of no counts")
    rank, low = share * histogram.counts[-1] * (1 - ROUNDING), 0.0
    for edge, count in zip(histogram.edges, histogram.counts, strict=True):
        if count >= rank:
            return low, edge
        low = edge
    return low, float("inf")
