"""From the server's counters to rates and latencies.

Rates need two readings; a counter that fell, or a server that started anew, ends a window.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backends.domain.ab.statistics import RUNS_FOR_P99
from backends.domain.serving import Bucket, Counters, Histogram, Latency, Serving

if TYPE_CHECKING:
    from backends.domain.facts import MetricsScraped

_UNKNOWN = Latency()
ROUNDING = 1e-12
"""A rank that is whole must not be missed because 0.99 has no exact binary form."""
COUNTED = (
    "prompt_tokens",
    "cached_prompt_tokens",
    "generation_tokens",
    "requests_finished",
    "prefix_cache_queries",
    "prefix_cache_hits",
)
_SAME_START_S = 1.0
RESTARTED = "The server's counters were reset; rates follow with the next reading."


def serving_at(scraped: "MetricsScraped", reason: str = "") -> Serving:
    """Return what one reading alone tells: gauges, and no rate."""
    counters = scraped.counters
    return Serving(
        window_s=None,
        requests_running=counters.requests_running,
        requests_waiting=counters.requests_waiting,
        requests_per_s=None,
        input_tokens_per_s=None,
        output_tokens_per_s=None,
        kv_cache_usage=counters.kv_cache_usage,
        prefix_cache_hit_share=None,
        ttft=_UNKNOWN,
        inter_token=_UNKNOWN,
        errors=counters.request_errors,
        reason=reason,
    )


def serving_between(earlier: "MetricsScraped", later: "MetricsScraped") -> Serving:
    """Return what the server did between two readings.

    Latencies are those of the window alone. The server's histograms give their mean exactly, and
    of a percentile the bucket: Prometheus' ``histogram_quantile`` interpolates inside it, which
    gives the same figures for ever where all requests fall into one bucket.
    """
    old, new = earlier.counters, later.counters
    window_s = later.at.mono_s - earlier.at.mono_s
    if window_s <= 0:
        return serving_at(later, "The two readings are not in order; no rate follows from them.")
    if restarted(old, new):
        return serving_at(later, RESTARTED)
    queries = _grown(old.prefix_cache_queries, new.prefix_cache_queries)
    hits = _grown(old.prefix_cache_hits, new.prefix_cache_hits)

    def rate(name: str) -> float | None:
        more = _grown(getattr(old, name), getattr(new, name))
        return None if more is None else more / window_s

    return replace(
        serving_at(later),
        window_s=window_s,
        requests_per_s=rate("requests_finished"),
        input_tokens_per_s=rate("prompt_tokens"),
        output_tokens_per_s=rate("generation_tokens"),
        prefix_cache_hit_share=hits / queries if hits is not None and queries else None,
        ttft=latency(old.ttft, new.ttft),
        inter_token=latency(old.inter_token, new.inter_token),
    )


def restarted(old: Counters, new: Counters) -> bool:
    """Return whether the counters began anew between two readings."""
    if counters_restarted(old.process_start_s, new.process_start_s):
        return True
    pairs = ((getattr(old, name), getattr(new, name)) for name in COUNTED)
    return any(was is not None and now is not None and now < was for was, now in pairs)


def counters_restarted(was_s: float | None, now_s: float | None) -> bool:
    """Return whether a process start time is that of a newer process."""
    return was_s is not None and now_s is not None and now_s - was_s > _SAME_START_S


def latency(old: Histogram | None, new: Histogram | None) -> Latency:
    """Return what two readings of a histogram have between them."""
    between = grown_histogram(old, new)
    if between is None or not between.counts:
        return _UNKNOWN
    n = between.counts[-1]
    if n <= 0:
        return Latency(n=0)
    return Latency(n, between.sum / n, *(bucket(between, share) for share in (0.5, 0.9, 0.99)))


def grown_histogram(old: Histogram | None, new: Histogram | None) -> Histogram | None:
    """Return what two readings of a histogram have between them; None if they do not fit."""
    if old is None or new is None or old.edges != new.edges:
        return None
    counts = tuple(now - was for was, now in zip(old.counts, new.counts, strict=True))
    if any(later < earlier for earlier, later in zip((0.0, *counts), counts, strict=False)):
        return None
    return Histogram(new.edges, counts, new.sum - old.sum)


def bucket(histogram: Histogram, share: float) -> Bucket:
    """Return the bucket in which a quantile lies: where it lies in it no histogram can tell.

    Raises:
        ValueError: the histogram counts nothing.
    """
    if not histogram.counts or histogram.counts[-1] <= 0:
        raise ValueError("a quantile of no counts")
    rank, low = share * histogram.counts[-1] * (1 - ROUNDING), 0.0
    for edge, count in zip(histogram.edges, histogram.counts, strict=True):
        if count >= rank:
            return Bucket(low, None if edge == float("inf") else edge)
        low = edge
    return Bucket(low, None)


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


def first_tokens(readings: "Sequence[MetricsScraped]") -> Histogram | None:
    """Return the times to first token between the first and the last reading of one server.

    None for fewer than 300 requests, which tell no 99th percentile.
    """
    if not readings:
        return None
    seen = grown_histogram(readings[0].counters.ttft, readings[-1].counters.ttft)
    enough = seen is not None and seen.counts and seen.counts[-1] >= RUNS_FOR_P99
    return seen if enough else None


def newest_first_tokens(readings: "Sequence[MetricsScraped]") -> Histogram | None:
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


def _grown(was: float | None, now: float | None) -> float | None:
    return None if was is None or now is None or now < was else now - was
