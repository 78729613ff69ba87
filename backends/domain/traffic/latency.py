"""The slowest first tokens, as far as a server's own histogram tells them."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.domain.ab.statistics import RUNS_FOR_P99
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Bucket, Histogram
from backends.domain.traffic.rates import bucket, grown_histogram

P99 = 0.99


@dataclass(frozen=True, slots=True)
class Tail:
    """The bucket that holds the 99th percentile, against a limit.

    Attributes:
        broken: whether it is over the limit; None where the bucket holds the limit, so that
            either may be true.
    """

    bucket: Bucket
    broken: bool | None


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

    A histogram knows the edges of its buckets and nothing between them.

    Raises:
        ValueError: the histogram counts nothing.
    """
    found = bucket(histogram, P99)
    if found.low_s >= limit_s:
        return Tail(found, broken=True)
    kept = found.high_s is not None and found.high_s <= limit_s
    return Tail(found, broken=False if kept else None)
