"""What the GPUs drew is kept by day, as far as each of them told it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce

import pytest

from backends.domain.billing.account import Account, AccountFact, account_after, power_of
from backends.domain.billing.ledger import Day, Energy
from backends.domain.billing.meter import MeterState, begin_meter
from backends.domain.decision.scenario import Scenario, scenario_from
from backends.domain.facts import GpusSampled, HostTicked
from backends.domain.gpu import Gpu, GpuSample
from backends.domain.stamp import Stamp
from backends.operations.billing import energy_use
from console.cli.cost_energy import energy_document, energy_line
from tests.backends.domain.billing.test_shares import card

MIDNIGHT_S = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
PLAN = scenario_from({"usd_per_kwh": "0.30", "pue": "1.5"})


def drawing(index: int, power_w: float | None) -> Gpu:
    return replace(card(index), power_w=power_w)


def at(after_midnight_s: float) -> Stamp:
    return Stamp(1e6 + after_midnight_s, MIDNIGHT_S + after_midnight_s)


def sampled(after_midnight_s: float, *watts: float | None) -> GpusSampled:
    cards = tuple(drawing(index, each) for index, each in enumerate(watts))
    return GpusSampled(at(after_midnight_s), GpuSample(cards))


def days_after(*facts: AccountFact) -> dict[date, Energy]:
    began_s = MIDNIGHT_S - 7200
    account = Account(at=at(-600), meter=begin_meter("given", began_s, began_s))
    account = reduce(account_after, facts, account)
    return {day.day: day.energy for day in account.ledger.days}


def test_watts_hold_until_the_next_sample_and_are_split_at_midnight() -> None:
    found = days_after(sampled(-20, 300.0, 100.0), sampled(10, 50.0, 50.0), HostTicked(at(30)))
    assert found[date(2026, 11, 23)] == Energy(400.0 * 20, 20.0)
    assert found[date(2026, 11, 24)] == Energy(400.0 * 10 + 100.0 * 20, 30.0)


def test_time_without_watts_is_not_measured_rather_than_zero() -> None:
    found = days_after(sampled(0, 300.0, None), HostTicked(at(30)), HostTicked(at(50)))
    assert all(each == Energy() for each in found.values())
    old = days_after(sampled(0, 300.0), HostTicked(at(30)), HostTicked(at(600)))
    assert sum(each.seconds for each in old.values()) == 30


def test_slices_of_a_card_draw_its_power_once() -> None:
    assert power_of(GpuSample((drawing(0, 300.0), drawing(0, 300.0), drawing(1, 40.0)))) == 340.0
    assert power_of(GpuSample(())) is None


def day(joules: float, seconds: float) -> Day:
    return Day(date(2026, 11, 23), MeterState("given", 0, 0), energy=Energy(joules, seconds))


def test_a_period_costs_what_was_measured_at_the_tariff_of_the_plan() -> None:
    used = energy_use((day(3.6e6, 3600), day(7.2e6, 7200)), PLAN)
    assert (used.kwh, used.measured_s) == (Decimal(3), 10_800)
    assert used.usd == Decimal("1.35")
    assert energy_line(used, PLAN) == (
        "energy: 3 kWh measured in 3 h, $1.35 at $0.30 a kWh, PUE 1.5"
    )


@pytest.mark.parametrize(
    ("days", "plan", "kwh", "reason"),
    [
        ((), PLAN, None, "no GPU reports its power"),
        ((day(3.6e6, 60),), Scenario(), 1.0, "usd_per_kwh in [plan] is not given"),
    ],
)
def test_what_is_unknown_stays_unknown(
    days: tuple[Day, ...], plan: Scenario, kwh: float | None, reason: str
) -> None:
    told = energy_document(energy_use(days, plan))
    assert (told["kwh"], told["usd"], told["reason"]) == (kwh, None, reason)
