"""From what is measured and configured to the scenario of the decision, each part computed once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from backends.domain.billing.ledger import Served
from backends.domain.billing.recorded_demand import recent_demand, recorded_demand
from backends.domain.decision.exclusion import Exclusion, Slow, over_limit
from backends.domain.decision.measured import (
    HistogramTail,
    LoadTail,
    MeasuredInput,
    NoCapacity,
    NoTail,
    RunsTail,
    StartsMedian,
)
from backends.domain.decision.option import with_api_prices
from backends.domain.decision.scenario import Scenario, supplemented
from backends.domain.facts import MetricsScraped
from backends.domain.reports.sleep import SleepReport
from backends.domain.serving import Histogram
from backends.domain.session import Session
from backends.domain.traffic.demand import NOTHING, Demand, demand_between
from backends.domain.traffic.prompt_lengths import by_tier
from backends.domain.traffic.rates import first_tokens, p99_against
from backends.domain.traffic.shape import learnt_rps
from backends.history.records import FirstTokens
from backends.operations.capacity import Capacity, Carries, carried
from backends.operations.pricing import (
    RankedEndpoint,
    priced_profile,
    ranked,
    server_usd_per_hour,
    tier_limits,
)
from backends.operations.sure_prices import as_sure_as_lengths, as_sure_as_prices
from backends.settings.config import Endpoint, Profile, Settings, TokenPrices

DIGITS = Decimal("0.000001")
"""Rates are known to far fewer digits than a float prints."""


@dataclass(frozen=True, slots=True)
class Starts:
    """The complete starts of one profile as it stands: how many, and the median of their length."""

    server: str
    n: int
    median_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What the history of this host tells a plan; `sleeps` has the newest first."""

    starts: tuple[Starts, ...] = ()
    tails: tuple[FirstTokens, ...] = ()
    sleeps: tuple[SleepReport, ...] = ()

    def tail(self, endpoint: Endpoint) -> FirstTokens | None:
        """Return what is known of an endpoint with its model of today."""
        wanted = (endpoint.name, endpoint.model)
        return next((each for each in self.tails if (each.endpoint, each.model) == wanted), None)


NOTHING_MEASURED = Measured()


@dataclass(frozen=True, slots=True)
class HostScenario:
    """The scenario of this host, and what it was made of.

    Attributes:
        profile: of the watched server; None for one that no profile is of.
        carries: what its server carries of the requests that were seen, within the limits.
        ranked: every endpoint, the cheapest first that is not known to be too slow.
        inputs: what this host has measured, or would have to, with its provenance.
    """

    scenario: Scenario
    traffic: Demand
    profile: Profile | None
    carries: Carries
    ranked: tuple[RankedEndpoint, ...]
    inputs: tuple[MeasuredInput, ...]


def watched_profile(session: Session, settings: Settings) -> Profile | None:
    """Return the profile of the watched server, None for an external one.

    Where none is watched, as by a verb while no server runs, it is the only one that there is.
    """
    if session.life is not None:
        return settings.profile(session.life.server.name)
    return settings.servers[0] if len(settings.servers) == 1 else None


def live_demand(session: Session) -> Demand:
    """Return the traffic of the last minutes, as the watched server's own counters tell it."""
    served = _served(session)
    if session.scraped is None or not session.traffic or served is None:
        return NOTHING
    readings = session.traffic
    if readings[-1] is not session.scraped:
        readings = (*readings, session.scraped)
    return demand_between(readings, served.profile)


def seen_demand(session: Session, live: Demand) -> Demand:
    """Return all that is known of the watched server's traffic: of the week, once one is learnt.

    The last minutes alone tell more only while fewer stretches than they have were recorded.
    """
    served = _served(session)
    found = NOTHING if served is None else recorded_demand(served)
    errors = found.seen.errors
    if found.seen.n > 0 and (errors is None or errors.freedom > 0 or live.seen.n == 0):
        return found
    return live if live.seen.n > 0 else found


def recent_traffic(session: Session, live: Demand) -> Demand:
    """Return the traffic of the last hours of the watched server, which *right now* speaks for."""
    served = _served(session)
    found = NOTHING if served is None else recent_demand(served)
    errors = found.seen.errors
    return found if errors is not None and errors.freedom > 0 else live


def _served(session: Session) -> Served | None:
    return None if session.life is None else session.ledger.of(session.life.server.name)


def recorded(session: Session, settings: Settings) -> Demand:
    """Return the traffic of the watched server in all windows that were ever watched.

    Where no server runs, it is that of the only one that is configured.
    """
    profile = watched_profile(session, settings)
    name = session.life.server.name if session.life else (profile.name if profile else "")
    return recorded_demand(session.ledger.of(name))


def host_scenario(
    session: Session,
    settings: Settings,
    today: date,
    traffic: Demand,
    *,
    capacities: tuple[Capacity, ...] = (),
    measured: Measured = NOTHING_MEASURED,
    recorded_elsewhere: bool = False,
) -> HostScenario:
    """Return the decision as it stands: today's prices, some traffic, what was measured.

    Traffic that was `recorded_elsewhere`, beside a watched server that nobody configured, is
    planned for the only profile that there is.
    """
    if settings.plan.cached_input_share is not None:  # that of the API, not of the server here
        traffic = replace(traffic, cached_input_share=settings.plan.cached_input_share)
    profile, seen = watched_profile(session, settings), traffic.seen
    if profile is None and recorded_elsewhere and len(settings.servers) == 1:
        profile = settings.servers[0]
    settings = _alternatives(settings, session, profile)
    if not recorded_elsewhere:
        traffic = replace(traffic, prompts=_prompts(session))
        traffic = by_tier(traffic, tier_limits(settings.endpoints))
    endpoints = ranked(settings, traffic, _too_slow(settings, measured))
    tokens = (seen.output_tokens_mean, seen.input_tokens_mean)
    carries = carried(capacities, profile, *tokens, limits=settings.limits)
    inputs = (
        *_starts(settings, profile, measured),
        *_capacity(carries),
        *_gpu_tail(settings, carries, session.traffic),
        *_api_tail(settings, endpoints, measured),
    )
    known: dict[str, Any] = {each.key: each.value for each in inputs if each.value is not None}
    made = _configured(settings, profile, traffic)
    made = replace(made, capacity_rps=carries.rps, today=today, **known)
    made = _priced(made, settings, endpoints, measured)
    made = as_sure_as_lengths(made, traffic.kinds_ends)
    return HostScenario(_by_the_hour(made, traffic), traffic, profile, carries, endpoints, inputs)


def _prompts(session: Session) -> Histogram | None:
    """Return the lengths of the prompts since the watched server began, to the last whole minute.

    What is decided changes no more often than that.
    """
    served = _served(session)
    read = (served.windows.minute if served else None) or session.scraped
    return None if read is None else read.counters.request_input_tokens


def _alternatives(settings: Settings, session: Session, profile: Profile | None) -> Settings:
    """Return the settings with the endpoints that could take the requests of the server."""
    names = {profile.name, profile.model} if profile else set()
    if session.life is not None:
        names |= {session.life.server.name, session.life.server.model or ""}
    could = (each for each in settings.endpoints if not each.serves or names & set(each.serves))
    return replace(settings, endpoints=tuple(could))


def _configured(settings: Settings, profile: Profile | None, traffic: Demand) -> Scenario:
    """Return the traffic with what the configuration says of the GPU, its bill and the limit."""
    seen, priced = traffic.seen, priced_profile(profile, settings)
    return Scenario(
        gpu_usd_per_hour=server_usd_per_hour(priced, settings.billing),
        gpu_price_as_of=priced.gpu_price_as_of if priced else None,
        granularity_s=Decimal(settings.billing.granularity_s or 1),
        minimum_charge_s=Decimal(settings.billing.min_charge_s),
        ttft_slo_s=_decimal(settings.limits.ttft_p99_s),
        input_tokens=None if traffic.kinds else seen.input_tokens_mean,
        output_tokens=None if traffic.kinds else seen.output_tokens_mean,
        token_distribution=traffic.kinds,
        cached_input_share=traffic.cached_input_share,
        rate_rps=traffic.rate_rps,
        observed=seen,
        bursts=traffic.bursts,
    )


def _priced(
    made: Scenario, settings: Settings, endpoints: Sequence[RankedEndpoint], measured: Measured
) -> Scenario:
    """Return a scenario at the prices of the first endpoint and of the plan."""
    prices = endpoints[0].endpoint.prices if endpoints else TokenPrices()
    charged = measured.tail(endpoints[0].endpoint) if endpoints else None
    made = replace(
        with_api_prices(made, prices), api_price_as_of=prices.as_of, api_price_source=prices.source
    )
    return as_sure_as_prices(supplemented(made, settings.plan), prices, charged)


def _by_the_hour(made: Scenario, traffic: Demand) -> Scenario:
    """Return a scenario with the learnt week in the place of one rate, once a week is learnt.

    Hours a day that the plan supposes give way. Of a file and of what an older program learnt the
    hours of one day are known at most.
    """
    if traffic.week_rps:
        return replace(made, rate_rps=None, hours_per_day=None, profile_rps=traffic.week_rps)
    profile = traffic.profile
    rates = learnt_rps(profile) if profile else None
    if rates is None or profile is None or made.observed is None or profile.bins:
        return made
    requests, seconds = sum(profile.requests), sum(profile.seconds)
    errors, n = made.observed.errors, float(made.observed.n)
    if errors is not None and requests > n > 0:
        errors = replace(errors, rate=errors.rate * (n / requests) ** 0.5)
    seen = replace(
        made.observed,
        errors=errors,
        window_s=_decimal(seconds),
        n=_decimal(requests) or Decimal(0),
        tokens_n=made.observed.counted,
    )
    return replace(made, rate_rps=None, hours_per_day=None, profile_rps=rates, observed=seen)


def _starts(
    settings: Settings, profile: Profile | None, measured: Measured
) -> Iterator[MeasuredInput]:
    """Yield how long a start takes, unless the plan says it."""
    server = profile.name if profile else None
    starts = next((each for each in measured.starts if each.server == server), None)
    if starts is None:
        return
    median = _seconds(starts.median_s)
    if settings.plan.cold_start_s is None:
        known_from = StartsMedian(starts.server, starts.n, restart=False)
        yield MeasuredInput("cold_start_s", median, known_from)
    if settings.plan.restart_s is None and settings.plan.billed_when_stopped is False:
        known_from = StartsMedian(starts.server, starts.n, restart=True)
        yield MeasuredInput("restart_s", median, known_from)


def _capacity(carries: Carries) -> Iterator[MeasuredInput]:
    """Yield why what was measured is no capacity of these requests, nothing where it is one."""
    if carries.rps is None:
        yield MeasuredInput("capacity_rps", None, NoCapacity(carries.reason))


def _gpu_tail(
    settings: Settings,
    carries: Carries,
    readings: Sequence[MetricsScraped],
) -> Iterator[MeasuredInput]:
    """Yield the GPU's p99 TTFT against the limit, nothing where there is no limit.

    The server's own histogram tells it where the GPU is not asked for more than it carries: what
    waits in an overloaded queue says nothing of a plan with enough GPUs. Otherwise the measured
    step of load does, at the rate that each GPU is planned to carry.
    """
    limit = settings.limits.ttft_p99_s
    if limit is None:
        return
    seen = first_tokens(readings)
    if seen is not None and carries.rps is not None:
        took_s = readings[-1].at.mono_s - readings[0].at.mono_s
        if seen.counts[-1] <= float(carries.rps) * took_s:
            yield _of_histogram(seen, limit)
            return
    if carries.rps is not None and carries.ttft_p99_s is not None:
        value = _seconds(carries.ttft_p99_s)
        yield MeasuredInput("gpu_ttft_p99_s", value, LoadTail(carries.rps))
        return
    yield MeasuredInput("gpu_ttft_p99_s", None, NoTail())


def _of_histogram(seen: Histogram, limit_s: float) -> MeasuredInput:
    """Return what the bucket that holds the p99 tells: it is over the limit, or within, or open."""
    tail = p99_against(seen, limit_s)
    known_from = HistogramTail(tail.bucket, seen.counts[-1], tail.broken)
    if tail.broken:
        return MeasuredInput("gpu_ttft_p99_above_s", _seconds(tail.bucket.low_s), known_from)
    return MeasuredInput("gpu_ttft_p99_s", None, known_from)


def _api_tail(
    settings: Settings, endpoints: Sequence[RankedEndpoint], measured: Measured
) -> Iterator[MeasuredInput]:
    """Yield the p99 TTFT of the API as A/B runs had it, nothing where there is no limit."""
    if settings.limits.ttft_p99_s is None or not endpoints:
        return
    endpoint = endpoints[0].endpoint
    tail = measured.tail(endpoint)
    if tail is None or tail.p99_s is None:
        runs = 0 if tail is None else tail.runs
        yield MeasuredInput("api_ttft_p99_s", None, RunsTail(endpoint.name, runs))
        return
    day = datetime.fromtimestamp(tail.since_wall_s, UTC).date()
    known_from = RunsTail(endpoint.name, tail.runs, tail.failed, day)
    yield MeasuredInput("api_ttft_p99_s", _seconds(tail.p99_s), known_from)


def _too_slow(settings: Settings, measured: Measured) -> Mapping[str, Exclusion]:
    """Return the endpoints whose measured p99 TTFT breaks the limit, by their names."""
    limit = settings.limits.ttft_p99_s
    if limit is None:
        return {}
    tails = ((each.name, measured.tail(each)) for each in settings.endpoints)
    return {
        name: over_limit(Slow("endpoint", Decimal(f"{tail.p99_s:.3g}"), Decimal(repr(limit))))
        for name, tail in tails
        if tail is not None and tail.p99_s is not None and tail.p99_s > limit
    }


def _seconds(value: float) -> Decimal:
    """Return seconds to the millisecond, below which no start and no tail is known."""
    return Decimal(repr(value)).quantize(Decimal("0.001")).normalize() + 0


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(DIGITS)
