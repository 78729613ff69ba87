"""From what is measured and configured to the bill and the verdict."""

from datetime import date
from decimal import Decimal
from functools import lru_cache

from backends.domain.money.meter import Spent, Tariff, cost_elsewhere, read_meter
from backends.domain.money.observed import observed_between
from backends.domain.money.request_cost import Tokens
from backends.domain.money.scenario import Observed, Scenario
from backends.domain.money.verdict import Verdict, decide
from backends.domain.session import Session
from backends.settings.config import Endpoint, Profile, Settings, TokenPrices
from console.capacity import Capacity, carried

DIGITS = Decimal("0.000001")
"""Rates are known to far fewer digits than a float prints."""


def watched_profile(session: Session, settings: Settings) -> Profile | None:
    """Return the profile of the watched server, None for a foreign one."""
    return settings.profile(session.life.server.name) if session.life else None


def rival(settings: Settings) -> Endpoint | None:
    """Return the endpoint that the GPU is compared with: the first that has a price."""
    priced = [endpoint for endpoint in settings.endpoints if tokens_price(endpoint) is not None]
    return next(iter(priced or settings.endpoints), None)


def tokens_price(endpoint: Endpoint) -> Tokens | None:
    """Return what an endpoint charges, None unless both token prices are known."""
    prices = endpoint.prices
    if prices.input_usd_per_mtok is None or prices.output_usd_per_mtok is None:
        return None
    return Tokens(
        input=prices.input_usd_per_mtok,
        output=prices.output_usd_per_mtok,
        cached_input=prices.cached_input_usd_per_mtok,
        per_request=prices.usd_per_request or Decimal(0),
        fee=(prices.fee_percent or Decimal(0)) / 100,
    )


def spent(session: Session, settings: Settings) -> Spent | None:
    """Return the bill of the rented host so far, None before the meter runs."""
    if session.meter is None:
        return None
    profile = watched_profile(session, settings)
    billing = settings.billing
    tariff = Tariff(
        profile.gpu_usd_per_hour if profile else None,
        granularity_s=billing.granularity_s,
        minimum_s=billing.min_charge_s,
    )
    return read_meter(session.meter, tariff)


def elsewhere(session: Session, endpoint: Endpoint) -> Decimal | None:
    """Return what the tokens served so far would have cost at an endpoint, None if unknown."""
    prices = tokens_price(endpoint)
    return cost_elsewhere(session.totals, prices) if prices else None


def scenario(
    session: Session, settings: Settings, today: date, capacities: tuple[Capacity, ...] = ()
) -> Scenario:
    """Return the decision as it stands: today's prices, the traffic seen, the capacity measured."""
    profile, endpoint = watched_profile(session, settings), rival(settings)
    prices = endpoint.prices if endpoint else TokenPrices()
    seen = observed(session)
    return Scenario(
        gpu_usd_per_hour=profile.gpu_usd_per_hour if profile else None,
        input_tokens=seen.input_tokens_mean,
        output_tokens=seen.output_tokens_mean,
        input_usd_per_mtok=prices.input_usd_per_mtok,
        output_usd_per_mtok=prices.output_usd_per_mtok,
        cached_input_usd_per_mtok=prices.cached_input_usd_per_mtok,
        usd_per_request=prices.usd_per_request,
        fee_percent=prices.fee_percent,
        tiers=prices.tiers,
        rate_rps=seen.n / seen.window_s if seen.window_s else None,
        capacity_rps=carried(
            capacities, profile, seen.output_tokens_mean, seen.input_tokens_mean
        ).rps,
        ttft_slo_s=_decimal(settings.limits.ttft_p99_s),
        gpu_price_as_of=profile.gpu_price_as_of if profile else None,
        api_price_as_of=prices.as_of,
        api_price_source=prices.source,
        today=today,
        observed=seen,
    )


def observed(session: Session) -> Observed:
    """Return the requests of the watched window; none of them where too little was read."""
    if session.scraped is None or not session.traffic:
        return Observed(n=Decimal(0))
    return observed_between(session.traffic[0], session.scraped) or Observed(n=Decimal(0))


def verdict(
    session: Session, settings: Settings, today: date, capacities: tuple[Capacity, ...] = ()
) -> Verdict:
    """Return the plan: should this traffic live on this GPU."""
    return _decided(scenario(session, settings, today, capacities))


@lru_cache(maxsize=64)
def _decided(asked: Scenario) -> Verdict:
    """Decide once for each scenario; the screen asks at every redraw."""
    return decide(asked)


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(DIGITS)
