"""A stretch in which inferctl itself sent requests, cut out of what a server counted.

Tests are no demand: a load that looks for the capacity would pass for the traffic that is judged.
"""

from dataclasses import replace
from typing import Any

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Histogram
from backends.domain.stamp import Stamp
from backends.domain.traffic.rates import COUNTED, grown_histogram, restarted

_HISTOGRAMS = ("ttft", "inter_token", "request_input_tokens", "request_output_tokens")


def cut_out(
    reading: MetricsScraped, before: MetricsScraped, after: MetricsScraped
) -> MetricsScraped:
    """Return an earlier reading as if the stretch from `before` to `after` had not been.

    Its time and its counts are moved up to those that followed, so that differences to later
    readings lack the stretch. Across a restart there are no differences, and nothing is moved.
    """
    old, new = before.counters, after.counters
    if restarted(old, new):
        return reading
    numbers: dict[str, Any] = {
        name: _sum(getattr(reading.counters, name), getattr(old, name), getattr(new, name))
        for name in COUNTED
    }
    histograms: dict[str, Any] = {
        name: _added(getattr(reading.counters, name), getattr(old, name), getattr(new, name))
        for name in _HISTOGRAMS
    }
    at = Stamp(
        reading.at.mono_s + after.at.mono_s - before.at.mono_s,
        reading.at.wall_s + after.at.wall_s - before.at.wall_s,
    )
    counters = replace(reading.counters, **numbers, **histograms)
    return replace(reading, at=at, counters=counters)


def _sum(count: float | None, old: float | None, new: float | None) -> float | None:
    return None if count is None or old is None or new is None else count + new - old


def _added(
    count: Histogram | None, old: Histogram | None, new: Histogram | None
) -> Histogram | None:
    grown = grown_histogram(old, new)
    if count is None or grown is None:
        return None  # what was inferctl's own cannot be told
    counts = tuple(one + more for one, more in zip(count.counts, grown.counts, strict=True))
    return replace(count, counts=counts, sum=count.sum + grown.sum)
