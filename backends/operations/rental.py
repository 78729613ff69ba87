"""The rental that is under way: what the host has cost so far, and the same tokens at each API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from backends.domain.billing.ledger import midnight_after
from backends.domain.billing.meter import Spent, Tariff, api_equivalent_usd, read_meter
from backends.domain.durations import HOUR_S
from backends.domain.prices.cost import request_prices
from backends.domain.session import Session
from backends.domain.traffic.demand import cached_share_of
from backends.domain.traffic.requests import RequestKind
from backends.domain.traffic.totals import TokenTotals
from backends.operations.pricing import priced_profile
from backends.settings.config import Endpoint, Profile, Settings

BudgetState = Literal["none", "within", "near", "over"]

NEAR_BUDGET = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class ApiEquivalent:
    """What some tokens would have cost at an endpoint; None with the reason.

    Attributes:
        priced: whether the endpoint has a price.
    """

    endpoint: Endpoint
    usd: Decimal | None
    reason: str = ""
    priced: bool = True


@dataclass(frozen=True, slots=True)
class Rental:
    """What the rented host has cost so far and today, beside the same tokens at each API.

    Attributes:
        began_s: when its bill began, seconds since 1970; None before the meter runs, as `spent`.
        today_usd: since midnight UTC; None without a price.
        budget: how today stands to the budget of a day.
    """

    tariff: Tariff
    began_s: float | None
    spent: Spent | None
    today_usd: Decimal | None
    budget: BudgetState
    api_equivalent: tuple[ApiEquivalent, ...]


MOST_UNLIKE = 0.05
"""The share of the time, or of the tokens, from which on dollars and requests are of two times."""


def why_unlike(spent: Spent, totals: TokenTotals) -> str:
    """Return why nothing is to be divided by the dollars of a rental; empty where it may be.

    They pay for the time that nobody saw and for inferctl's own tests too, and what was served
    then is not among the requests and tokens of the users.
    """
    unseen_s = sum(seconds for name, seconds, _ in spent.parts if name == "unwatched")
    if unseen_s > spent.elapsed_s * MOST_UNLIKE:
        return "much of the billed time was not observed"
    own = (totals.own_input_tokens or 0.0) + (totals.own_output_tokens or 0.0)
    users = (totals.input_tokens or 0.0) + (totals.output_tokens or 0.0)
    if own > (own + users) * MOST_UNLIKE:
        return "much of the traffic came from inferctl's own tests"
    return ""


def rental_of(session: Session, settings: Settings, profile: Profile | None, today: date) -> Rental:
    """Return the bill of the rented host so far.

    Args:
        session: the meter, the days and what was served.
        settings: how the host is billed, the budget, and the endpoints.
        profile: of the watched server, None for one that no profile is of.
        today: the day in UTC.
    """
    tariff, totals = tariff_of(settings, profile), session.totals
    today_usd = _spent_on(today, session, tariff)
    meter = session.meter
    return Rental(
        tariff,
        None if meter is None else meter.began_s,
        None if meter is None else read_meter(meter, tariff),
        today_usd,
        _budget_state(settings.billing.budget_usd_per_day, today_usd, tariff, session, today),
        tuple(api_equivalent(totals, endpoint) for endpoint in settings.endpoints),
    )


def tariff_of(settings: Settings, profile: Profile | None) -> Tariff:
    """Return how the rented host is billed, at the price of `priced_profile`."""
    billing, priced = settings.billing, priced_profile(profile, settings)
    price = priced.gpu_usd_per_hour if priced else None
    return Tariff(
        price,
        gpus=billing.gpus or 1,
        granularity_s=billing.granularity_s or 1,
        minimum_s=billing.min_charge_s,
    )


def _spent_on(today: date, session: Session, tariff: Tariff) -> Decimal | None:
    day = next((each for each in reversed(session.ledger.days) if each.day == today), None)
    if tariff.usd_per_hour is None or day is None:
        return None
    parts = [usd for _, _, usd in read_meter(day.meter, tariff).parts if usd is not None]
    return sum(parts, Decimal(0))


def _budget_state(
    budget: Decimal | None, spent: Decimal | None, tariff: Tariff, session: Session, today: date
) -> BudgetState:
    """Return how the day's spending stands to the budget of a day, which begins at midnight UTC.

    It is near where four fifths are spent, or where the day will end over it at this rate.
    """
    if budget is None or spent is None or tariff.usd_per_hour is None:
        return "none"
    if spent > budget:
        return "over"
    left_s = midnight_after(today) - session.now.wall_s
    hours = Decimal(repr(max(0.0, left_s))) / HOUR_S
    by_midnight = spent + tariff.usd_per_hour * tariff.gpus * hours
    return "near" if spent >= budget * NEAR_BUDGET or by_midnight > budget else "within"


def api_equivalent(
    totals: TokenTotals, endpoint: Endpoint, kinds: Sequence[RequestKind] = ()
) -> ApiEquivalent:
    """Return what some tokens would have cost at an endpoint, or why that is not known.

    Where the `kinds` of the requests are known, each is charged by its own prompts.
    """
    prices = request_prices(endpoint.prices)
    each = prices.cost_of_kinds(kinds, cached_share_of(totals) or Decimal(0))
    usd = api_equivalent_usd(totals, prices)
    if each is not None and totals.requests is not None:
        usd = each * Decimal(repr(totals.requests))
    if usd is not None:
        return ApiEquivalent(endpoint, usd)
    if prices.known:
        return ApiEquivalent(endpoint, None, "no token was counted")
    why = endpoint.prices.reason
    return ApiEquivalent(endpoint, None, f"UNPRICED: {why}" if why else "UNPRICED", priced=False)
