"""The plan over windows of ten minutes: what is shown changes only after several disagree."""

from dataclasses import replace
from decimal import Decimal

from backends.domain.billing.ledger import utc_day
from backends.domain.decision.hysteresis import Shown, add_regret, fold_window
from backends.domain.decision.scenario import Observed
from backends.domain.session import Session
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.windows import Window
from backends.operations import scenario as economics
from backends.operations.context import Desk

SECONDS_PER_HOUR = 3600


def judged(session: Session, desk: Desk) -> Shown:
    """Return what is shown after the newest window of the watched server's traffic."""
    if session.life is None:
        return desk.shown
    window = session.ledger.of(session.life.server.name).windows.closed
    if window is None or window.began_wall_s <= desk.shown.judged_wall_s:
        return desk.shown
    shown = _after(desk.shown, window, session, desk)
    return replace(shown, judged_wall_s=window.began_wall_s)


def _after(shown: Shown, window: Window, session: Session, desk: Desk) -> Shown:
    """Judge one window by itself, at today's prices."""
    nothing = Observed(n=Decimal(0), window_s=Decimal(repr(window.seconds)))
    asked = Demand(window.seen or nothing, "one window of ten minutes")
    today = utc_day(window.began_wall_s)
    scenario = economics.scenario(
        session, desk.settings, today, desk.capacities, asked, measured=desk.measured
    )
    plan = economics.decided(scenario)
    shown = fold_window(shown, plan.kind, round(window.requests or 0))
    present = economics.present_usd_per_hour(scenario)
    hours = Decimal(repr(window.seconds)) / SECONDS_PER_HOUR
    # What the plan supposes of the day is not of these ten minutes.
    alone = replace(scenario, hours_per_day=None, starts_per_day=None, peak_over_average=None)
    ways = [
        option.usd_per_hour
        for option in economics.decided(alone).options
        if option.usd_per_hour is not None
        and option.name != "on_demand"
        and not option.excluded_because
    ]
    # Too few requests decide nothing, but what they would have cost at the API is known.
    if plan.usd_per_request is not None and scenario.rate_rps is not None:
        ways.append(plan.usd_per_request * scenario.rate_rps * SECONDS_PER_HOUR)
    elif window.requests == 0:
        ways.append(Decimal(0))
    if present is None or not ways:
        return shown
    return add_regret(shown, present, min(ways), hours)
