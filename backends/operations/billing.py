"""The bill of a rental or of a period, and what an API would charge for the same tokens."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from backends.domain.billing.ledger import Day, Served, midnight_after, utc_day
from backends.domain.billing.meter import MeterState, Spent, Tariff, read_meter
from backends.domain.billing.shares import Share
from backends.domain.decision.scenario import Scenario
from backends.domain.durations import DAY_S
from backends.domain.session import Session
from backends.domain.traffic.totals import TokenTotals, plus
from backends.history.history import open_history
from backends.operations.host import Host
from backends.operations.meter_store import days_between
from backends.operations.pricing import priced_profile
from backends.operations.rental import ApiEquivalent, Rental, api_equivalent, rental_of, why_unlike
from backends.operations.scenario import watched_profile


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC from a first to a last one, both counted."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Charge:
    """What one server is charged of the rental, by the GPUs that it held.

    Attributes:
        server: its name; `NOBODY` for what no server held, None for what nobody could see.
        share: of the time since the rental began, from 0 to 1.
        spent: by the second; of the time that nobody could see all is unwatched.
    """

    server: str | None
    share: float
    spent: Spent


@dataclass(frozen=True, slots=True)
class Bill:
    """What was spent, and what it bought.

    Attributes:
        rental: the whole of it, with its tariff and the budget of today.
        spent: None where nothing was metered.
        period: the days that are billed; None for the whole rental.
        totals: the tokens that are compared.
        served: the tokens of each server since the rental began; empty for a period.
        charges: what each server is charged of the rental, or of the period.
        days: those of the period, or of the rental as far as they were kept.
        tests_usd: what inferctl's own tests have cost at priced endpoints.
    """

    rental: Rental
    spent: Spent | None
    gpu_price_as_of: date | None
    period: Period | None
    totals: TokenTotals
    served: tuple[Served, ...]
    charges: tuple[Charge, ...]
    api_equivalent: tuple[ApiEquivalent, ...]
    days: tuple[Day, ...]
    tests_usd: Decimal


def bill_of(host: Host, session: Session, period: Period | None = None) -> Bill:
    """Return the bill of the whole rental, or of some days.

    The provider's rounding belongs to a rental as a whole, so that a period is billed by the
    second.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    settings = host.settings
    profile = watched_profile(session, settings)
    priced = priced_profile(profile, settings)
    rental = rental_of(session, settings, profile, utc_day(host.now().wall_s))
    began_s = session.meter.earliest_s if session.meter else host.now().wall_s
    first = period.first if period else utc_day(began_s)
    last = period.last if period else utc_day(host.now().wall_s)
    with closing(open_history(host.history_file)) as history:
        days = _with_live(days_between(history, first, last), session, first, last)
        since_s = midnight_after(first) - DAY_S if period else began_s
        spent_usd = history.tests_usd(since_s, midnight_after(last))
    totals = session.totals if period is None else _all(days)
    return Bill(
        rental,
        rental.spent if period is None else _spent_in(days, rental.tariff) if days else None,
        priced.gpu_price_as_of if priced else None,
        period,
        totals,
        session.ledger.served if period is None else (),
        charges_of(session, rental.tariff) if period is None else charges_in(days, rental.tariff),
        rental.api_equivalent
        if period is None
        else tuple(api_equivalent(totals, endpoint) for endpoint in settings.endpoints),
        days,
        spent_usd,
    )


def charges_of(session: Session, tariff: Tariff) -> tuple[Charge, ...]:
    """Return what each server is charged of the rental; together they are all of its time."""
    meter = session.meter
    return _charges(session.ledger.shares, meter.last_s - meter.began_s if meter else 0.0, tariff)


def charges_in(days: tuple[Day, ...], tariff: Tariff) -> tuple[Charge, ...]:
    """Return what each server is charged of some days; together they are all that was spent."""
    shares = [share for day in days for share in day.shares]
    summed = (
        Share(name, _sum(each.meter for each in shares if each.server == name))
        for name in sorted({each.server for each in shares})
    )
    return _charges(tuple(summed), _sum(day.meter for day in days).last_s, tariff)


def _charges(shares: tuple[Share, ...], elapsed_s: float, tariff: Tariff) -> tuple[Charge, ...]:
    if elapsed_s <= 0:
        return ()
    by_second = replace(tariff, granularity_s=0, minimum_s=0)

    def charge(server: str | None, seconds: float, state: MeterState) -> Charge:
        spent = read_meter(replace(state, began_s=0.0, last_s=seconds), by_second)
        return Charge(server, seconds / elapsed_s, spent)

    unseen_s = max(0.0, elapsed_s - sum(each.charged_s for each in shares))
    unseen = charge(None, unseen_s, MeterState("given", 0.0, 0.0, unwatched_s=unseen_s))
    return (*(charge(each.server, each.charged_s, each.meter) for each in shares), unseen)


@dataclass(frozen=True, slots=True)
class Effective:
    """What was spent over what it served, in US dollars; None where either is not known.

    Attributes:
        reason: why there are no figures; empty where there are.
    """

    per_request: Decimal | None = None
    per_mtok: Decimal | None = None
    per_output_mtok: Decimal | None = None
    reason: str = ""


def effective_usd(bill: Bill) -> Effective:
    """Return what a request and a million tokens came to in US dollars, whatever the time went on.

    Failed requests are none that finished, so that a price per request is one per successful one.
    """
    spent, totals = bill.spent.usd if bill.spent else None, bill.totals
    if bill.spent is None or spent is None or not totals.requests:
        return Effective(reason="no price, or no request counted")
    if unlike := why_unlike(bill.spent, totals):
        return Effective(reason=unlike)
    into, out = totals.input_tokens or 0.0, totals.output_tokens or 0.0

    def each(count: float, unit: int) -> Decimal | None:
        return spent * unit / Decimal(repr(count)) if spent is not None and count else None

    return Effective(each(totals.requests, 1), each(into + out, MTOK), each(out, MTOK))


MTOK = 1_000_000
JOULES_PER_KWH = 3_600_000


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """What the GPUs drew as they told it, and what that costs at the plan's tariff.

    Attributes:
        kwh: None where no GPU reports its power.
        measured_s: the time in which all GPUs did; of the rest of the period nothing is known.
        usd: by `usd_per_kwh` and `pue` of the plan; None where the tariff is not given.
        reason: why one of them is unknown; empty where none is.
    """

    kwh: Decimal | None
    measured_s: float
    usd: Decimal | None
    reason: str = ""


def energy_use(days: tuple[Day, ...], plan: Scenario) -> EnergyUse:
    """Return the energy of some days; rented hardware has it in its price."""
    measured_s = sum(day.energy.seconds for day in days)
    if not measured_s:
        return EnergyUse(None, 0.0, None, "no GPU reports its power")
    kwh = Decimal(repr(sum(day.energy.joules for day in days))) / JOULES_PER_KWH
    if plan.usd_per_kwh is None:
        return EnergyUse(kwh, measured_s, None, "usd_per_kwh in [plan] is not given")
    return EnergyUse(kwh, measured_s, kwh * plan.usd_per_kwh * (plan.pue or 1))


def day_spent(day: Day, tariff: Tariff) -> Spent:
    """Return what one day has cost, by the second."""
    return _spent_in((day,), tariff)


def _spent_in(days: tuple[Day, ...], tariff: Tariff) -> Spent:
    sums = _sum(day.meter for day in days)
    return read_meter(sums, replace(tariff, granularity_s=0, minimum_s=0))


def _sum(states: Iterable[MeterState]) -> MeterState:
    """Return the seconds of each activity together, as one stretch of time."""
    sums = MeterState("given", 0.0, 0.0)
    for one in states:
        sums = replace(
            sums,
            serving_s=sums.serving_s + one.serving_s,
            idle_s=sums.idle_s + one.idle_s,
            starting_s=sums.starting_s + one.starting_s,
            stopped_s=sums.stopped_s + one.stopped_s,
            unwatched_s=sums.unwatched_s + one.unwatched_s,
        )
    whole_s = sums.serving_s + sums.idle_s + sums.starting_s + sums.stopped_s + sums.unwatched_s
    return replace(sums, last_s=whole_s)


def _with_live(kept: tuple[Day, ...], session: Session, first: date, last: date) -> tuple[Day, ...]:
    """Return the days that were kept, those of the session in the place of older states."""
    live = {day.day: day for day in session.ledger.days if first <= day.day <= last}
    found = {day.day: day for day in kept} | live
    return tuple(found[day] for day in sorted(found))


def _all(days: tuple[Day, ...]) -> TokenTotals:
    total = TokenTotals()
    for day in days:
        total = plus(total, day.totals)
    return total
