"""What really came in the last thirty days, at each way of serving it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from backends.domain.billing.ledger import utc_day
from backends.domain.billing.recorded_demand import recorded_bins
from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.option import Option
from backends.domain.decision.options import options
from backends.domain.decision.outcome import ranked
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.decision.wording import excluded_because, name_of
from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.format import figure, usd
from backends.domain.session import Session
from backends.domain.traffic.bins import Bin, in_steps, merged
from backends.operations.decision import Decision

MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class LastMonth:
    """The last thirty days as they were recorded.

    Attributes:
        hours: how long was watched; the costs are of these hours alone.
        requests: that came in them, inferctl's own left out.
        options: the cheapest first that can be chosen; `usd` has what one came to.
        utilisation: of each day the requests over what one GPU carries; empty without a measured
            capacity.
        break_even_utilisation: from which one GPU costs less than the API; None where not known.
    """

    hours: Decimal
    requests: float
    options: tuple[Option, ...]
    utilisation: tuple[tuple[date, float], ...] = ()
    break_even_utilisation: Decimal | None = None

    def usd(self, option: Option) -> Decimal | None:
        """Return what an option came to over all hours that were watched."""
        return None if option.usd_per_hour is None else option.usd_per_hour * self.hours


def last_month(
    scenario: Scenario, bins: Sequence[Bin], now_s: float, break_even: Decimal | None = None
) -> LastMonth | None:
    """Return the last thirty days at each way of serving; None where nothing was watched.

    Args:
        scenario: prices, capacity and limits of today.
        bins: the traffic as it was recorded, in order of time.
        now_s: seconds since 1970.
        break_even: the utilisation from which one GPU pays.
    """
    hours = in_steps((each for each in bins if each.began_s >= now_s - MONTH_DAYS * DAY_S), HOUR_S)
    whole = merged(hours)
    if whole.seconds <= 0 or whole.counted <= 0:
        return None
    seen = replace(
        scenario,
        rate_rps=None,
        profile_rps=tuple(
            _decimal(each.requests / each.seconds) for each in hours if each.seconds > 0
        ),
        hours_per_day=None,
        starts_per_day=None,
        observed=None,
        token_distribution=(),
        input_tokens=_decimal(whole.input_tokens / whole.counted),
        output_tokens=_decimal(whole.output_tokens / whole.counted),
    )
    load = load_of(seen)
    if load is None:
        return None
    return LastMonth(
        _decimal(whole.seconds) / HOUR_S,
        whole.requests,
        ranked(options(seen, centre(seen, load))),
        _utilisation(hours, scenario.capacity_rps),
        break_even,
    )


def last_month_of(decision: Decision, session: Session, now_s: float) -> LastMonth | None:
    """Return the last thirty days of the server that a decision is about."""
    profile, life = decision.host.profile, session.life
    name = life.server.name if life else (profile.name if profile else "")
    bins = recorded_bins(session.ledger.of(name))
    return last_month(decision.scenario, bins, now_s, decision.plan.crossover.utilisation)


def month_lines(past: LastMonth | None) -> Iterator[str]:
    """Yield what each way of serving would have cost, and how busy a GPU was."""
    if past is None or not past.options:
        return
    yield f"{month_head(past)}:"
    for option in past.options:
        why = excluded_because(option.exclusion, NO_REMEDIES)
        yield f"  {name_of(option)}: {usd(past.usd(option))}{f'  {why}' if why else ''}"
    if busy := busy_days(past):
        yield f"  {busy}"


def month_head(past: LastMonth) -> str:
    """Return what the last month is of, as the beginning of a sentence."""
    return (
        f"{past.requests:,.0f} requests in {figure(past.hours)} h observed in the last "
        f"{MONTH_DAYS} days, at today's prices"
    )


def busy_days(past: LastMonth) -> str:
    """Return how busy one GPU was against where it pays off; empty without a capacity."""
    if not past.utilisation:
        return ""
    shares = [share for _, share in past.utilisation]
    even = past.break_even_utilisation
    pays = "" if even is None else f"; one GPU pays off from {figure(even * 100)} %"
    least, most = f"{min(shares):.1%}", f"{max(shares):.1%}"
    used = least if least == most else f"{least} to {most}"
    return f"Utilisation of one GPU by day: {used}{pays}."


def _utilisation(
    hours: Sequence[Bin], capacity_rps: Decimal | None
) -> tuple[tuple[date, float], ...]:
    if not capacity_rps:
        return ()
    days = (
        (day, merged(tuple(each)))
        for day, each in groupby(hours, lambda hour: utc_day(hour.began_s))
    )
    return tuple(
        (day, each.requests / each.seconds / float(capacity_rps))
        for day, each in days
        if each.seconds
    )


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
