"""From what is measured and configured to the bill and the scenario of the decision."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from backends.domain.billing.ledger import midnight_after
from backends.domain.billing.meter import Spent, Tariff, cost_elsewhere, read_meter
from backends.domain.billing.recorded_demand import recorded_demand
from backends.domain.decision.request_cost import fixed_usd_per_hour, with_api_prices
from backends.domain.decision.scenario import Scenario, supplemented
from backends.domain.decision.verdict import Verdict, decide
from backends.domain.prices.cost import request_prices
from backends.domain.session import Session
from backends.domain.traffic.demand import NOTHING, Demand, demand_between
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.shape import HOURS, HourlyProfile, hours_known, learnt_rps
from backends.domain.traffic.totals import TokenTotals
from backends.operations.capacity import Capacity, Carries, carried
from backends.operations.measured_inputs import (
    NOTHING_MEASURED,
    Input,
    Measured,
    inputs_of,
    too_slow,
    with_inputs,
)
from backends.operations.pricing import server_usd_per_hour
from backends.operations.ranked_endpoints import RankedEndpoint, ranked
from backends.settings.config import Endpoint, Profile, Settings, TokenPrices

BudgetState = Literal["none", "within", "near", "over"]

NEAR_BUDGET = Decimal("0.8")

DIGITS = Decimal("0.000001")
"""Rates are known to far fewer digits than a float prints."""


def watched_profile(session: Session, settings: Settings) -> Profile | None:
    """Return the profile of the watched server, None for a external one.

    Where none is watched, as by a verb while no server runs, it is the only one that there is.
    """
    if session.life is not None:
        return settings.profile(session.life.server.name)
    return settings.servers[0] if len(settings.servers) == 1 else None


def present_usd_per_hour(asked: Scenario) -> Decimal | None:
    """Return what the GPU that is rented costs an hour, with all that hosting costs beside it."""
    gpu = asked.gpu_usd_per_hour
    return None if gpu is None else gpu + fixed_usd_per_hour(asked)


def tariff(session: Session, settings: Settings) -> Tariff:
    """Return how the rented host is billed.

    Its price stands in the profile of the watched server. Where that has none, as a external one,
    it is the one price that the profiles agree on: the bill is the host's, whoever is looked at.
    """
    watched, billing = watched_profile(session, settings), settings.billing
    price = watched.gpu_usd_per_hour if watched else None
    if price is None:
        found = {each.gpu_usd_per_hour for each in settings.servers if each.gpu_usd_per_hour}
        price = found.pop() if len(found) == 1 else None
    return Tariff(
        price,
        gpus=billing.gpus or 1,
        granularity_s=billing.granularity_s or 1,
        minimum_s=billing.min_charge_s,
    )


def spent(session: Session, settings: Settings) -> Spent | None:
    """Return the bill of the rented host so far, None before the meter runs."""
    return None if session.meter is None else read_meter(session.meter, tariff(session, settings))


def spent_today(session: Session, settings: Settings, today: date) -> Decimal | None:
    """Return what the host has cost since midnight UTC, None without a price."""
    rate = tariff(session, settings)
    day = next((each for each in reversed(session.ledger.days) if each.day == today), None)
    if rate.usd_per_hour is None or day is None:
        return None
    parts = [usd for _, _, usd in read_meter(day.meter, rate).parts if usd is not None]
    return sum(parts, Decimal(0))


def budget_state(session: Session, settings: Settings, today: date) -> BudgetState:
    """Return how the day's spending stands to the budget of a day, which begins at midnight UTC.

    It is near where four fifths are spent, or where the day will end over it at this rate.
    """
    budget = settings.billing.budget_usd_per_day
    spent = spent_today(session, settings, today)
    rate = tariff(session, settings)
    if budget is None or spent is None or rate.usd_per_hour is None:
        return "none"
    if spent > budget:
        return "over"
    left_s = midnight_after(today) - session.now.wall_s
    by_midnight = spent + rate.usd_per_hour * rate.gpus * Decimal(repr(max(0.0, left_s))) / 3600
    return "near" if spent >= budget * NEAR_BUDGET or by_midnight > budget else "within"


def elsewhere(session: Session, endpoint: Endpoint) -> Decimal | None:
    """Return what the tokens served so far would have cost at an endpoint, None if unknown."""
    return tokens_at(session.totals, endpoint)


def tokens_at(totals: TokenTotals, endpoint: Endpoint) -> Decimal | None:
    """Return what some tokens would have cost at an endpoint, None if unknown."""
    return cost_elsewhere(totals, request_prices(endpoint.prices))


def recorded(session: Session, settings: Settings) -> Demand:
    """Return the traffic of the watched server in all windows that were ever watched.

    Where no server runs, it is that of the only one that is configured.
    """
    profile = watched_profile(session, settings)
    name = session.life.server.name if session.life else (profile.name if profile else "")
    return recorded_demand(session.ledger.of(name))


def demand(session: Session) -> Demand:
    """Return the traffic of the watched server: of a whole day, once one is learnt."""
    if session.life is None:
        return NOTHING
    live, served = live_demand(session), session.ledger.of(session.life.server.name)
    if learnt_rps(served.profile) is None:
        return live
    asked = recorded_demand(served)
    return replace(asked, seen=replace(asked.seen, dispersion=live.seen.dispersion))


def live_demand(session: Session) -> Demand:
    """Return the traffic of the last minutes, as the watched server's own counters tell it."""
    if session.scraped is None or not session.traffic or session.life is None:
        return NOTHING
    readings = session.traffic
    if readings[-1] is not session.scraped:
        readings = (*readings, session.scraped)
    return demand_between(readings, session.ledger.of(session.life.server.name).profile)


def scenario(
    session: Session,
    settings: Settings,
    today: date,
    capacities: tuple[Capacity, ...] = (),
    traffic: Demand | None = None,
    *,
    measured: Measured = NOTHING_MEASURED,
) -> Scenario:
    """Return the decision as it stands: today's prices, the traffic seen, what was measured.

    Args:
        session: the watched server.
        settings: prices and limits, and what the plan says.
        today: tells which prices are stale.
        capacities: what was measured under load.
        traffic: what another source tells; by default the server's own counters.
        measured: what the history tells of starts and endpoints.
    """
    profile = watched_profile(session, settings)
    asked = traffic or demand(session)
    seen, ranked = asked.seen, ranked_endpoints_of(settings, asked, measured)
    prices = ranked[0].endpoint.prices if ranked else TokenPrices()
    carries = carries_of(settings, profile, capacities, seen)
    found = inputs_of(
        settings,
        profile,
        carries=carries,
        readings=session.traffic,
        ranked=ranked,
        measured=measured,
    )
    made = Scenario(
        gpu_usd_per_hour=server_usd_per_hour(profile, settings.billing),
        input_tokens=seen.input_tokens_mean,
        output_tokens=seen.output_tokens_mean,
        cached_input_share=asked.cached_input_share,
        rate_rps=seen.n / seen.window_s if seen.window_s else None,
        capacity_rps=carries.rps,
        ttft_slo_s=_decimal(settings.limits.ttft_p99_s),
        gpu_price_as_of=profile.gpu_price_as_of if profile else None,
        api_price_as_of=prices.as_of,
        api_price_source=prices.source,
        today=today,
        observed=seen,
        granularity_s=Decimal(settings.billing.granularity_s or 1),
        minimum_charge_s=Decimal(settings.billing.min_charge_s),
    )
    made = supplemented(with_inputs(with_api_prices(made, prices), found), settings.plan)
    return _by_the_hour(made, asked.profile)


def inputs(
    session: Session,
    settings: Settings,
    capacities: tuple[Capacity, ...],
    asked: Demand,
    measured: Measured,
) -> tuple[Input, ...]:
    """Return the inputs that this host has measured, or would have to, with their provenance."""
    profile, seen = watched_profile(session, settings), asked.seen
    carries = carries_of(settings, profile, capacities, seen)
    ranked = ranked_endpoints_of(settings, asked, measured)
    return inputs_of(
        settings,
        profile,
        carries=carries,
        readings=session.traffic,
        ranked=ranked,
        measured=measured,
    )


def carries_of(
    settings: Settings, profile: Profile | None, capacities: tuple[Capacity, ...], seen: Observed
) -> Carries:
    """Return what a profile's server carries of the requests that were seen, within the limits."""
    tokens = (seen.output_tokens_mean, seen.input_tokens_mean)
    return carried(capacities, profile, *tokens, limits=settings.limits)


def ranked_endpoints_of(
    settings: Settings, asked: Demand, measured: Measured
) -> tuple[RankedEndpoint, ...]:
    """Return every endpoint, the cheapest first that is not known to be too slow."""
    slow = too_slow(settings, measured)
    return ranked(settings, asked.seen, asked.cached_input_share, slow)


def _by_the_hour(made: Scenario, profile: HourlyProfile | None) -> Scenario:
    """Return a scenario with the learnt day in the place of one rate, once a day is learnt.

    How surely the rate is known then follows from everything that was watched. Hours a day that
    the plan supposes give way, too.
    """
    rates = learnt_rps(profile) if profile else None
    if rates is None or profile is None or made.observed is None:
        return made
    requests, seconds = sum(profile.requests), sum(profile.seconds)
    seen = replace(
        made.observed,
        window_s=_decimal(seconds),
        n=_decimal(requests) or Decimal(0),
        tokens_n=made.observed.counted,
    )
    return replace(made, rate_rps=None, hours_per_day=None, profile_rps=rates, observed=seen)


def profile_sentence(asked: Demand) -> str:
    """Return whether the plan uses the hours of the day, as a sentence."""
    if asked.profile is None:
        return ""
    known = hours_known(asked.profile)
    if known < HOURS:
        return (
            f"The rate is taken as even over the day: {known} of {HOURS} hours were watched for "
            "half an hour, all are needed for the day's profile."
        )
    watched = sum(asked.profile.seconds) / 3600
    return f"The rate follows the hours of the day (UTC), learnt over {watched:.0f} watched hours."


def observed(session: Session) -> Observed:
    """Return the requests of the watched window; none of them where too little was read."""
    return live_demand(session).seen


def verdict(
    session: Session,
    settings: Settings,
    today: date,
    capacities: tuple[Capacity, ...] = (),
    traffic: Demand | None = None,
) -> Verdict:
    """Return the plan: should this traffic live on this GPU."""
    return decided(scenario(session, settings, today, capacities, traffic))


@lru_cache(maxsize=64)
def decided(asked: Scenario) -> Verdict:
    """Decide once for each scenario; the screen asks at every redraw."""
    return decide(asked)


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(DIGITS)
