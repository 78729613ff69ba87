"""From the server's counters to rates, totals and the daily profile.

Rates need two readings; a counter that fell, or a server that started anew, ends a window.
"""

from dataclasses import dataclass, replace

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram, Percentiles, Serving

_UNKNOWN = Percentiles(None, None, None)
_COUNTED = (
    "prompt_tokens",
    "cached_prompt_tokens",
    "generation_tokens",
    "requests_finished",
    "prefix_cache_queries",
    "prefix_cache_hits",
)
_SAME_START_S = 1.0
RESTARTED = "The server's counters began anew; rates follow with the next reading."


def serving_at(scraped: MetricsScraped, reason: str = "") -> Serving:
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
        reason=reason,
    )


def serving_between(earlier: MetricsScraped, later: MetricsScraped) -> Serving:
    """Return what the server did between two readings.

    Percentiles are those of the requests of the window alone, interpolated inside the buckets of
    the server's own histograms as Prometheus' ``histogram_quantile`` does.
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
        ttft=percentiles(old.ttft, new.ttft),
        inter_token=percentiles(old.inter_token, new.inter_token),
    )


def restarted(old: Counters, new: Counters) -> bool:
    """Return whether the counters began anew between two readings."""
    starts = (old.process_start_s, new.process_start_s)
    if starts[0] is not None and starts[1] is not None and starts[1] - starts[0] > _SAME_START_S:
        return True
    pairs = ((getattr(old, name), getattr(new, name)) for name in _COUNTED)
    return any(was is not None and now is not None and now < was for was, now in pairs)


def percentiles(old: Histogram | None, new: Histogram | None) -> Percentiles:
    """Return the percentiles of what two readings of a histogram have between them."""
    between = grown_histogram(old, new)
    if between is None:
        return _UNKNOWN
    return Percentiles(*(quantile(between, share) for share in (0.5, 0.9, 0.99)))


def grown_histogram(old: Histogram | None, new: Histogram | None) -> Histogram | None:
    """Return what two readings of a histogram have between them; None if they do not fit."""
    if old is None or new is None or old.edges != new.edges:
        return None
    counts = tuple(now - was for was, now in zip(old.counts, new.counts, strict=True))
    if any(later < earlier for earlier, later in zip((0.0, *counts), counts, strict=False)):
        return None
    return Histogram(new.edges, counts, new.sum - old.sum)


def quantile(histogram: Histogram, share: float) -> float | None:
    """Return a quantile by straight lines inside the buckets; None without counts.

    None too where it falls beyond the last finite edge: all that is known there is a lower bound.
    """
    if not histogram.counts or histogram.counts[-1] <= 0:
        return None
    rank = share * histogram.counts[-1]
    low, below = 0.0, 0.0
    for edge, count in zip(histogram.edges, histogram.counts, strict=True):
        if count >= rank and count > below:
            return (
                None
                if edge == float("inf")
                else low + (edge - low) * (rank - below) / (count - below)
            )
        low, below = edge, count
    return None


@dataclass(frozen=True, slots=True)
class TokenTotals:
    """Requests and tokens since the first reading's server start, across restarts.

    Attributes:
        input_tokens: all of them, the cached ones included; None while no reading told.
        last: the reading that was added last.
    """

    requests: float | None = None
    input_tokens: float | None = None
    cached_input_tokens: float | None = None
    output_tokens: float | None = None
    last: Counters | None = None


def add_reading(totals: TokenTotals, counters: Counters) -> TokenTotals:
    """Return the totals with one more reading; after a restart, all that it counts is new."""
    fresh = totals.last is None or restarted(totals.last, counters)
    old = Counters() if totals.last is None or fresh else totals.last
    # A scrape may lack a series that an earlier one had; what was counted then still stands.
    kept = replace(
        counters,
        **{
            name: getattr(old, name)
            for name in _COUNTED
            if getattr(counters, name) is None and getattr(old, name) is not None
        },
    )
    return TokenTotals(
        _sum(totals.requests, old.requests_finished, counters.requests_finished),
        _sum(totals.input_tokens, old.prompt_tokens, counters.prompt_tokens),
        _sum(totals.cached_input_tokens, old.cached_prompt_tokens, counters.cached_prompt_tokens),
        _sum(totals.output_tokens, old.generation_tokens, counters.generation_tokens),
        kept,
    )


@dataclass(frozen=True, slots=True)
class HourlyProfile:
    """Requests and watched seconds of each hour of the day, midnight first."""

    requests: tuple[float, ...] = (0.0,) * 24
    seconds: tuple[float, ...] = (0.0,) * 24


def learn(profile: HourlyProfile, hour: int, requests: float, seconds: float) -> HourlyProfile:
    """Return the profile with what one window of this hour saw."""

    def added(values: tuple[float, ...], more: float) -> tuple[float, ...]:
        return (*values[:hour], values[hour] + more, *values[hour + 1 :])

    return HourlyProfile(added(profile.requests, requests), added(profile.seconds, seconds))


def profile_rps(profile: HourlyProfile) -> tuple[float | None, ...]:
    """Return the mean rate of each hour, None for an hour that was never watched."""
    pairs = zip(profile.requests, profile.seconds, strict=True)
    return tuple(requests / seconds if seconds > 0 else None for requests, seconds in pairs)


def _grown(was: float | None, now: float | None) -> float | None:
    return None if was is None or now is None or now < was else now - was


def _sum(total: float | None, was: float | None, now: float | None) -> float | None:
    if now is None:
        return total
    return (total or 0.0) + max(0.0, now - (was or 0.0))
