"""What really came in the last thirty days, at each way of serving it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from backends.domain.billing.ledger import utc_day
from backends.domain.billing.recorded_demand import recorded_bins
from backends.domain.decision.option import Option
from backends.domain.decision.options import options
from backends.domain.decision.outcome import ranked
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.durations import DAY_S, HOUR_S
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
