"""The traffic that a decision is about, wherever it was read: how much, of which tokens, when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from backends.domain.decision.scenario import Observed
from backends.domain.facts import MetricsScraped
from backends.domain.traffic.observed import dispersion_of, observed_between
from backends.domain.traffic.profile import HourlyProfile, learn
from backends.domain.traffic.totals import TokenTotals

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Demand:
    """Traffic as it was seen.

    Attributes:
        seen: requests and their tokens; ``n`` is 0 where none was seen.
        cached_input_share: of the input tokens, 0 to 1; None where it is not counted.
        profile: by hour of the day in UTC, None where the source has none.
        source: where it was read, as the end of a sentence.
        totals: all requests and tokens of the stretch.
        replicas: how many servers served it, None where the source does not tell.
    """

    seen: Observed
    source: str
    cached_input_share: Decimal | None = None
    profile: HourlyProfile | None = None
    totals: TokenTotals = field(default_factory=TokenTotals)
    replicas: int | None = None


NOTHING = Demand(Observed(n=Decimal(0)), "no server's counters")


def demand_between(readings: Sequence[MetricsScraped], profile: HourlyProfile) -> Demand:
    """Return the traffic from the first to the last of some readings of one server.

    The readings between tell how unevenly the requests came.
    """
    if len(readings) < 2:
        return NOTHING
    first, last = readings[0], readings[-1]
    seen = observed_between(first, last, dispersion_of(_steps(readings)))
    if seen is None or seen.window_s is None:
        return NOTHING
    source = f"the server's counters over the last {seen.window_s:.0f} s"
    return Demand(seen, source, _cached_share(first, last), profile)


def cached_share_of(totals: TokenTotals) -> Decimal | None:
    """Return which share of the input came from the cache, None where it was not counted."""
    if not totals.input_tokens or totals.cached_input_tokens is None:
        return None
    share = Decimal(repr(totals.cached_input_tokens)) / Decimal(repr(totals.input_tokens))
    return min(Decimal(1), max(Decimal(0), share))


def spread_over_hours(profile: HourlyProfile, from_s: float, to_s: float) -> HourlyProfile:
    """Return a profile that has also watched a stretch of time in which no request came."""
    while from_s < to_s:
        until_s = min(to_s, (from_s // HOUR_S + 1) * HOUR_S)
        profile = learn(profile, hour_of(from_s), 0.0, until_s - from_s)
        from_s = until_s
    return profile


def hour_of(wall_s: float) -> int:
    """Return the hour of the day in UTC."""
    return datetime.fromtimestamp(wall_s, UTC).hour


def _steps(readings: Sequence[MetricsScraped]) -> list[int]:
    counts = [each.counters.requests_finished for each in readings]
    pairs = pairwise(counts)
    return [round(new - old) for old, new in pairs if old is not None and new is not None]


def _cached_share(first: MetricsScraped, last: MetricsScraped) -> Decimal | None:
    old, new = first.counters, last.counters
    cached = (old.cached_prompt_tokens, new.cached_prompt_tokens)
    whole = (old.prompt_tokens, new.prompt_tokens)
    if None in cached or None in whole:
        return None
    grown = TokenTotals(
        input_tokens=(whole[1] or 0.0) - (whole[0] or 0.0),
        cached_input_tokens=(cached[1] or 0.0) - (cached[0] or 0.0),
    )
    return cached_share_of(grown)
