"""From what is measured and configured to the bill and the verdict."""

from datetime import date
from decimal import Decimal

from backends.domain.money.meter import Spent, Tariff, cost_elsewhere, read_meter
from backends.domain.money.request_cost import Tokens
from backends.domain.money.scenario import Observed, Scenario
from backends.domain.money.verdict import Verdict, decide
from backends.domain.session import Session
from backends.settings.config import Endpoint, Profile, Settings

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


def scenario(session: Session, settings: Settings, today: date) -> Scenario:
    """Return the decision as it stands: today's prices, the traffic seen, the capacity measured."""
    profile, endpoint = watched_profile(session, settings), rival(settings)
    prices = endpoint.prices if endpoint else None
    totals = session.totals
    requests = totals.requests or 0.0
    window_s, seen = traffic_window(session)
    return Scenario(
        gpu_usd_per_hour=profile.gpu_usd_per_hour if profile else None,
        input_tokens=_mean(totals.input_tokens, requests),
        output_tokens=_mean(totals.output_tokens, requests),
        input_usd_per_mtok=prices.input_usd_per_mtok if prices else None,
        output_usd_per_mtok=prices.output_usd_per_mtok if prices else None,
        cached_input_usd_per_mtok=prices.cached_input_usd_per_mtok if prices else None,
        usd_per_request=prices.usd_per_request if prices else None,
        fee_percent=prices.fee_percent if prices else None,
        rate_rps=_decimal(seen / window_s if window_s else None),
        ttft_slo_s=_decimal(settings.limits.ttft_p99_s),
        gpu_price_as_of=profile.gpu_price_as_of if profile else None,
        api_price_as_of=prices.as_of if prices else None,
        today=today,
        observed=Observed(n=Decimal(int(requests)), window_s=_decimal(window_s or None)),
    )


def verdict(session: Session, settings: Settings, today: date) -> Verdict:
    """Return the plan: should this traffic live on this GPU."""
    return decide(scenario(session, settings, today))


def traffic_window(session: Session) -> tuple[float, float]:
    """Return how many seconds of traffic were watched, and the requests that finished in them."""
    if len(session.traffic) < 2:
        return 0.0, 0.0
    (first_s, first), (last_s, last) = session.traffic[0], session.traffic[-1]
    return last_s - first_s, last - first


def _mean(total: float | None, requests: float) -> Decimal | None:
    return _decimal(total / requests) if total is not None and requests > 0 else None


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(DIGITS)
