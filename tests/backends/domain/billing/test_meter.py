from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.billing.meter import (
    STOPPED_STILL_COSTS,
    Activity,
    MeterState,
    Tariff,
    activity_of,
    advance_meter,
    api_equivalent_usd,
    begin_meter,
    billed_seconds,
    read_meter,
    shifted,
)
from backends.domain.prices.cost import RequestPrices
from backends.domain.server import ServerState
from backends.domain.traffic.totals import TokenTotals
from backends.wire import plain, typed

RATE = Decimal("1.88")


def meter(*parts: tuple[Activity, float]) -> MeterState:
    state = begin_meter("host_boot", 1000.0, 1000.0)
    for activity, seconds in parts:
        state = advance_meter(state, state.last_s + seconds, activity)
    return state


@pytest.mark.parametrize(
    ("tariff", "exact"),
    [
        (Tariff(RATE), RATE * 661 / 3600),
        (Tariff(RATE, granularity_s=60), RATE * 720 / 3600),
        (Tariff(RATE, granularity_s=3600), RATE),
        (Tariff(RATE, minimum_s=900), RATE / 4),
        (Tariff(RATE, gpus=8, granularity_s=3600), RATE * 8),
    ],
)
def test_661_seconds_at_the_granularity_of_the_provider(tariff: Tariff, exact: Decimal) -> None:
    spent = read_meter(meter(("starting", 61), ("serving", 600)), tariff)
    assert spent.usd == exact
    assert spent.usd is not None
    amounts = [amount for _, _, amount in spent.parts if amount is not None]
    assert spent.rounding_usd is not None
    assert sum(amounts) + spent.rounding_usd == pytest.approx(spent.usd)


def test_by_the_second_661_seconds_are_35_cents() -> None:
    spent = read_meter(meter(("serving", 661)), Tariff(RATE))
    assert spent.usd is not None
    assert round(spent.usd, 3) == Decimal("0.345")


def test_a_cold_start_of_61_seconds_has_its_price() -> None:
    spent = read_meter(meter(("starting", 61)), Tariff(RATE))
    parts = {name: amount for name, _, amount in spent.parts}
    assert parts["starting"] is not None
    assert round(parts["starting"], 4) == Decimal("0.0319")


def test_a_stopped_vllm_still_costs_and_that_is_said() -> None:
    spent = read_meter(meter(("serving", 3600), ("stopped", 3600)), Tariff(RATE))
    assert spent.usd == RATE * 2
    assert spent.note == STOPPED_STILL_COSTS
    assert read_meter(meter(("idle", 1)), Tariff(RATE)).note == ""


def test_time_before_anybody_watched_is_billed_as_unwatched() -> None:
    state = begin_meter("host_boot", 1000.0, 4600.0)
    spent = read_meter(advance_meter(state, 8200.0, "serving"), Tariff(RATE))
    assert spent.usd == RATE * 2
    assert {name: seconds for name, seconds, _ in spent.parts}["unwatched"] == 3600


def test_without_a_price_nothing_is_zero() -> None:
    spent = read_meter(meter(("serving", 661)), Tariff(None))
    assert (spent.usd, spent.usd_per_hour, spent.rounding_usd) == (None, None, None)
    assert all(amount is None for _, _, amount in spent.parts)


def test_a_clock_that_is_set_back_bills_nothing_twice() -> None:
    state = meter(("serving", 100))
    assert advance_meter(state, state.last_s - 50, "serving") == state


def test_it_survives_a_restart() -> None:
    state = meter(("starting", 61.25), ("serving", 600.5))
    assert typed(plain(state), MeterState) == state


@given(
    st.lists(st.tuples(st.sampled_from(get_args(Activity)), st.integers(1, 10_000)), max_size=20)
)
def test_the_parts_tile_the_time(parts: list[tuple[Activity, int]]) -> None:
    spent = read_meter(meter(*parts), Tariff(RATE))
    assert sum(seconds for _, seconds, _ in spent.parts) == pytest.approx(spent.elapsed_s)
    assert spent.elapsed_s == sum(seconds for _, seconds in parts)


@given(st.floats(0, 1e7), st.integers(1, 3600), st.integers(0, 3600))
def test_no_second_is_unbilled(elapsed: float, step: int, least: int) -> None:
    billed = billed_seconds(elapsed, Tariff(RATE, granularity_s=step, minimum_s=least))
    assert float(billed) >= elapsed
    assert billed <= max(Decimal(least), Decimal(repr(elapsed)) + step)


def test_the_same_tokens_elsewhere() -> None:
    prices = RequestPrices(Decimal("0.10"), Decimal("0.70"), Decimal("0.05"))
    totals = TokenTotals(100.0, 8000.0, 4000.0, 22000.0)
    assert api_equivalent_usd(totals, prices) == Decimal("0.0160")
    assert api_equivalent_usd(TokenTotals(), prices) is None


@pytest.mark.parametrize(
    ("state", "running", "activity"),
    [
        (ServerState.STARTING, None, "starting"),
        (ServerState.READY, 3.0, "serving"),
        (ServerState.READY, 0.0, "idle"),
        (ServerState.READY, None, "unwatched"),
        (ServerState.STOPPED, None, "stopped"),
        (ServerState.FAILED, None, "stopped"),
    ],
)
def test_what_a_state_is_for_the_meter(
    state: ServerState, running: float | None, activity: Activity
) -> None:
    assert activity_of(state, running) == activity


@pytest.mark.parametrize("step_s", [10_800.0, -86_400.0])
def test_a_clock_that_is_set_moves_the_dates_and_no_second(step_s: float) -> None:
    before = advance_meter(begin_meter("given", 1000.0, 1000.0), 1600.0, "serving")
    after = shifted(before, step_s)
    assert (after.began_s, after.last_s) == (1000.0 + step_s, 1600.0 + step_s)
    assert (after.dated_s, after.serving_s) == (1000.0, 600.0)
    assert after.earliest_s == min(1000.0, 1000.0 + step_s)


def test_a_rental_is_billed_by_the_second_without_a_minimum_where_nothing_else_is_said() -> None:
    assert Tariff(None) == Tariff(None, gpus=1, granularity_s=1, minimum_s=0)
