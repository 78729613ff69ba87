"""A week that was learnt: what the plan, the last hours and everybody who asks say of it."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.billing.account import Account
from backends.domain.billing.ledger import Ledger, Served
from backends.domain.billing.recorded_demand import recorded_demand
from backends.domain.decision.outcome import VerdictKind
from backends.domain.session import Session, advance, watching
from backends.domain.traffic.bins import Bin, as_kept, kept_with
from backends.domain.traffic.shape import HourlyProfile
from backends.operations.capacity import Capacity
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all, decision_document, judged
from tests.backends.domain.journals import at
from tests.console.sessions import DAY, SETTINGS, scrape

MONDAY_S = 1_789_948_800.0
SERVED = Capacity("chat", "org/model", (), Decimal(8), True, 220, "0", 1.0, None, 0.0, 80, 0.5)


def week_of(
    rps: float, weekend: float = 1.0, days: float = 21.0, ends_at: float = 3.0
) -> HourlyProfile:
    """Return what was learnt of days with a peak in the afternoon, up to an hour of the day."""
    bins, place = [], 0
    step_s = 600.0
    began_s = MONDAY_S - days * 86_400 + ends_at * 3600
    while place * step_s < days * 86_400:
        at_s = began_s + place * step_s
        hour = at_s % 86_400 / 3600
        level = rps * (1 + 0.86 * math.cos(2 * math.pi * (hour - 14) / 24))
        if int(at_s // 86_400 + 3) % 7 >= 5:
            level *= weekend
        n = level * step_s * (1 + 0.03 * math.sin(place * 2.4))
        bins.append(Bin(at_s, step_s, n, n, n * 80, n * 220))
        place += 1
    return HourlyProfile(bins=as_kept(bins))


def session(profile: HourlyProfile) -> Session:
    opened = watching(Session(at(200.0)), "chat", "org/model")
    return replace(opened, account=Account(ledger=Ledger((Served("chat", profile=profile),))))


def decided(profile: HourlyProfile, capacity: str = "8") -> Decision:
    limits = replace(SETTINGS, limits=type(SETTINGS.limits)())
    context = Context(limits, capacities=(replace(SERVED, rps=Decimal(capacity)),))
    return decide_all(session(profile), context, DAY)


@pytest.mark.parametrize("hour", [3.0, 9.0, 14.0, 21.0])
def test_the_plan_is_that_of_the_week_at_any_hour(hour: float) -> None:
    """At a mean of 4 req/s one GPU costs $1.88 an hour and the API $2.33, night and day."""
    found = decided(week_of(4.0, ends_at=hour))
    assert found.plan.kind is VerdictKind.SELF_HOST_CHEAPER
    assert float(found.host.traffic.rate_rps or 0) == pytest.approx(4.0, rel=0.02)
    assert found.plan.horizon is not None
    assert found.plan.horizon.week


def test_the_last_hours_speak_for_themselves() -> None:
    night = decided(week_of(4.0, ends_at=3.0))
    assert night.right_now.kind is VerdictKind.API_CHEAPER
    assert night.plan.kind is VerdictKind.SELF_HOST_CHEAPER
    document = decision_document(night)
    assert document["right_now"]["horizon"]["speaks_for"] == "seen"
    assert document["horizon"]["speaks_for"] == "week"


def test_until_a_week_is_seen_the_answer_speaks_for_what_was_seen() -> None:
    found = decided(week_of(4.0, days=6.0))
    assert found.right_now is found.plan
    assert found.plan.horizon is not None
    assert not found.plan.horizon.week
    assert found.plan.horizon.missing_s == pytest.approx(86_400)


def test_weekdays_stand_apart_from_weekends() -> None:
    """Weekdays of three requests a second and idle weekends are no even two."""
    week = decided(week_of(3.0, weekend=0.1), capacity="4")
    hours = week.host.traffic.week_rps
    assert len(hours) == 168
    assert float(sum(hours[:120])) > 20 * float(sum(hours[120:]))
    at = {option.name: option for option in week.plan.options}
    assert at["on_demand"].replicas == 2
    mean = float(at["api"].usd_per_hour or 0) / (80 * 0.1 + 220 * 0.7) / 3600 * 1e6
    assert mean == pytest.approx(3 * (5 + 0.2) / 7, rel=0.02)


def test_old_weeks_age() -> None:
    """Ninety days at 2.5 req/s, then five days at 5: the plan follows."""
    old, new = week_of(2.5, days=56.0, ends_at=0.0).bins, week_of(5.0, days=5.0, ends_at=0.0).bins
    moved = [each._replace(began_s=each.began_s - 5 * 86_400) for each in old]
    profile = HourlyProfile(bins=as_kept([*moved, *new]))
    assert decided(profile, "12").plan.kind is VerdictKind.SELF_HOST_CHEAPER
    assert decided(HourlyProfile(bins=old)).plan.kind is VerdictKind.API_CHEAPER
    assert float(recorded_demand(Served("chat", profile=profile)).rate_rps or 0) == pytest.approx(
        5, rel=0.1
    )


def test_lengths_that_come_in_stretches_are_known_less_surely_than_their_number_says() -> None:
    """Half a day each of short and of long answers: a million requests tell their mean badly."""
    plain = week_of(4.0)
    mixed = [
        each._replace(output_tokens=each.output_tokens * (1.8 if place // 72 % 3 else 0.4))
        for place, each in enumerate(plain.bins)
    ]
    sure, unsure = (
        decided(HourlyProfile(bins=tuple(bins))).plan.crossover.interval
        for bins in (plain.bins, mixed)
    )
    assert unsure is not None
    assert sure is None or (sure.high - sure.low) < (unsure.high - unsure.low) / 20
    assert float(unsure.high / unsure.low) > 1.05


def test_a_redraw_estimates_nothing_anew() -> None:
    watched = Served("chat", profile=week_of(4.0, days=56.0))
    first, again = recorded_demand(watched), recorded_demand(replace(watched, running=1.0))
    assert first.week_rps is again.week_rps


def test_a_plan_for_the_week_is_judged_once_a_day() -> None:
    """A night whose hours speak against the plan turns nothing over."""
    watched = session(week_of(4.0))
    context = Context(SETTINGS, capacities=(SERVED,))
    assert judged(watched, context) == context.shown


def test_windows_are_kept_by_minutes_then_tens_then_hours() -> None:
    bins: tuple[Bin, ...] = ()
    for minute in range(4 * 24 * 60):
        bins = kept_with(bins, (Bin(MONDAY_S + 60 * minute, 60.0, 2.0, 2.0, 160.0, 440.0),))
    assert sum(each.requests for each in bins) == 2 * 4 * 24 * 60
    lengths = {each.seconds for each in bins}
    assert lengths == {60.0, 600.0, 3600.0}
    assert len(bins) < 48 + 6 * 48 + 7 * 60


def test_what_was_learnt_of_one_model_says_nothing_of_the_next() -> None:
    kept = replace(week_of(4.0), model="org/other")
    opened = session(kept)
    assert opened.life is not None
    listed = replace(opened.account, servers=(opened.life.server,))
    watched = advance(replace(opened, account=listed), scrape(210, 5))
    assert watched.ledger.of("chat").profile == HourlyProfile(model="org/model")
    older = replace(week_of(4.0), model="")
    assert advance(session(older), scrape(210, 5)).ledger.of("chat").profile.bins == older.bins


def test_growth_says_when_the_plan_changes() -> None:
    """One per cent a day from 2.3 req/s reaches the break-even of 3.2 in about five weeks."""
    bins = week_of(2.0, days=28.0, ends_at=0.0).bins
    grown = tuple(
        each._replace(
            requests=each.requests * factor,
            counted=each.counted * factor,
            input_tokens=each.input_tokens * factor,
            output_tokens=each.output_tokens * factor,
        )
        for each in bins
        for factor in (1.01 ** ((each.began_s - bins[0].began_s) / 86_400 - 14),)
    )
    found = decided(HourlyProfile(bins=grown), "12")
    assert found.host.traffic.trend_per_day == pytest.approx(0.01, rel=0.1)
    now = float(found.host.traffic.rate_rps or 0)
    assert found.plan.flip is not None
    days = math.log(float(found.plan.flip.value) / now) / math.log(1.01)
    assert found.plan.crosses_in_days == pytest.approx(days, rel=0.1)
    assert "At the current trend that is in" in decision_document(found)["reason"]
    assert decided(week_of(2.0)).plan.crosses_in_days is None
