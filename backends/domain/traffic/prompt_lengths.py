"""Prompts by the tiers of a price, from a histogram of their lengths."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from math import inf, nextafter

from backends.domain.serving import Histogram
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.requests import RequestKind

_Kinds = tuple[RequestKind, ...]


def by_tier(demand: Demand, limits: Sequence[float]) -> Demand:
    """Return traffic with its prompts by the tiers of a price, where its source has lengths.

    A bucket of the histogram that a limit divides leaves open how many prompts exceed the limit:
    `kinds_ends` has the fewest and the most, `kinds` as many as an evenly filled bucket has. How
    output goes together with input no histogram tells; it is taken as alike for all prompts.

    Args:
        demand: requests with the means of their tokens, and the lengths of their prompts.
        limits: prompt lengths from which prices change, in order.
    """
    into, out = demand.seen.input_tokens_mean, demand.seen.output_tokens_mean
    if demand.kinds or not limits or into is None or out is None:
        return demand
    prompts = demand.prompts
    if prompts is None or not prompts.counts or prompts.counts[-1] <= 0:
        return replace(demand, kinds_ends=_of_the_mean(into, out, limits[0]))
    fewest, even, most = (_kinds(prompts, limits, share, into, out) for share in (0.0, None, 1.0))
    return replace(demand, kinds=even, kinds_ends=(fewest, most) if fewest != most else ())


def _of_the_mean(into: Decimal, out: Decimal, limit: float) -> tuple[_Kinds, _Kinds]:
    """Return the cheapest and the dearest prompts of one mean: at most their share of a limit.

    No more than mean over limit of anything can exceed that limit (Markov).
    """
    long = Decimal(repr(nextafter(limit, inf)))
    share = min(Decimal(1), into / long)
    alike = (RequestKind(Decimal(1), into, out),)
    if share in {0, 1}:
        return alike, alike
    return alike, (RequestKind(1 - share, Decimal(0), out), RequestKind(share, long, out))


def _kinds(
    prompts: Histogram, limits: Sequence[float], above: float | None, into: Decimal, out: Decimal
) -> _Kinds:
    """Return the requests of each tier that has any, with the mean of all of them.

    Args:
        prompts: their lengths.
        limits: of the tiers.
        above: the share of a divided bucket that exceeds the limit; None for an even one.
        into: mean input tokens of all of them.
        out: mean output tokens, alike in all tiers.
    """
    ends = (0.0, *limits, inf)
    counts, tokens = [0.0] * (len(limits) + 1), [0.0] * (len(limits) + 1)
    low, below = 0.0, 0.0
    for edge, count in zip(prompts.edges, prompts.counts, strict=True):
        high = low if edge == inf else edge
        for tier, share in _shares(low, high, ends, above):
            n = (count - below) * share
            counts[tier] += n
            tokens[tier] += n * (max(low, ends[tier]) + min(high, ends[tier + 1])) / 2
        low, below = high, count
    scale = float(into) * sum(counts) / sum(tokens) if sum(tokens) else 0.0
    found = []
    for n, each, (least, most) in zip(counts, tokens, pairwise(ends), strict=True):
        if n > 0:
            mean = min(most, max(nextafter(least, inf), each / n * scale))
            found.append(RequestKind(Decimal(repr(n)), Decimal(repr(mean)), out))
    return tuple(found)


def _shares(
    low: float, high: float, ends: Sequence[float], above: float | None
) -> list[tuple[int, float]]:
    """Return which share of a bucket from `low` to `high` belongs to which tier."""
    parts = [
        (tier, min(high, end) - max(low, begin))
        for tier, (begin, end) in enumerate(pairwise(ends))
        if min(high, end) > max(low, begin)
    ]
    if len(parts) < 2 or above is None:
        whole = sum(width for _, width in parts)
        if not parts:  # the bucket without an end: all of it is at least as long as its beginning
            return [(sum(limit <= low for limit in ends[1:]), 1.0)]
        return [(tier, width / whole) for tier, width in parts]
    return [(parts[-1 if above else 0][0], 1.0)]
