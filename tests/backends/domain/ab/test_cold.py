"""When a late first token is a cold start, and what would prevent it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.cold import (
    ColdProbe,
    ColdProbePlan,
    find_cold,
    missing_gap,
    prevention,
    slow_above_s,
)
from backends.domain.prices.cost import NO_PRICES, RequestPrices

WARM = (0.40, 0.41, 0.42, 0.40, 0.43, 0.41)
PLAN = ColdProbePlan((60.0, 300.0, 900.0), rounds=3, warm=5)


def probes(planned_s: float | None, *ttft_s: float, **more: object) -> list[ColdProbe]:
    return [
        ColdProbe(planned_s, planned_s, 1000.0, each, None, input_tokens=20, **more)  # type: ignore[arg-type]
        for each in ttft_s
    ]


@pytest.mark.parametrize(
    ("after_900", "verdict", "cold_after_s"),
    [
        ((12.0, 13.0, 12.5), "cold", 900.0),
        ((12.0, 0.4, 12.5), "cold", 900.0),
        ((12.0, 0.4, 0.41), "unsure", None),
        ((12.0,), "unsure", None),
        ((0.79, 0.4, 0.5), "warm", None),
        ((), "unsure", None),
    ],
)
def test_one_slow_request_is_no_cold_start(
    after_900: tuple[float, ...], verdict: str, cold_after_s: float | None
) -> None:
    seen = [*probes(0, *WARM), *probes(60, 0.4, 0.41, 0.4), *probes(900, *after_900)]
    found = find_cold(seen, PLAN)
    assert found.gaps[-1].verdict == verdict
    assert found.cold_after_s == cold_after_s
    assert (found.gaps[0].verdict, found.gaps[1].verdict) == ("warm", "unsure")


def test_without_a_baseline_nothing_is_said() -> None:
    found = find_cold([*probes(0, 0.4, 0.4), *probes(60, 12.0, 12.0, 12.0)], PLAN)
    assert found.warm is None
    assert found.slow_above_s is None
    assert (found.gaps[0].verdict, found.gaps[0].slow) == ("unsure", None)


def test_a_restless_endpoint_needs_a_longer_wait_to_be_called_slow() -> None:
    assert slow_above_s(WARM) == pytest.approx(2 * 0.41)
    restless = slow_above_s((0.2, 0.3, 0.5, 0.9, 1.2))
    assert restless == pytest.approx(0.9 + 3 * 0.6)
    assert slow_above_s(WARM[:4]) is None


def test_the_warm_up_is_as_rare_as_was_shown_to_be_enough() -> None:
    seen = [*probes(0, *WARM), *probes(60, 0.4, 0.4, 0.4), *probes(300, 9.0, 9.0, 9.0)]
    warm_up = prevention(
        find_cold(seen, PLAN), seen, RequestPrices(Decimal("0.10"), Decimal("0.70"))
    )
    assert warm_up is not None
    assert (warm_up.every_s, warm_up.proven, warm_up.requests_per_day) == (60.0, True, 1440)
    assert warm_up.usd_per_day == (20 * Decimal("0.10") + Decimal("0.70")) / 10**6 * 1440


def test_a_warm_up_that_nothing_has_shown_says_so_and_no_price_is_made_up() -> None:
    seen = [*probes(0, *WARM), *probes(60, 9.0, 9.0, 9.0)]
    warm_up = prevention(find_cold(seen, PLAN), seen, NO_PRICES)
    assert warm_up is not None
    assert (warm_up.every_s, warm_up.proven, warm_up.usd_per_day) == (30.0, False, None)


def test_an_endpoint_that_was_never_cold_needs_none() -> None:
    seen = [*probes(0, *WARM), *probes(60, 0.4, 0.4, 0.4)]
    assert prevention(find_cold(seen, PLAN), seen, RequestPrices(Decimal(1), Decimal(1))) is None
    assert find_cold(seen, PLAN).warm_up_to_s == 60.0


def test_what_was_spent_is_unknown_without_a_price() -> None:
    assert find_cold(probes(0, *WARM), PLAN).spent_usd is None
    priced = probes(0, *WARM, cost_usd="0.00002")
    assert find_cold(priced, PLAN).spent_usd == Decimal("0.00012")


@given(st.lists(st.sampled_from([60.0, 300.0, 900.0]), max_size=12))
def test_no_pause_is_asked_for_more_often_than_planned(measured: list[float]) -> None:
    seen = [each for gap_s in measured for each in probes(gap_s, 0.4)]
    asked: list[float] = []
    while (gap_s := missing_gap(seen, PLAN)) is not None:
        asked.append(gap_s)
        seen += probes(gap_s, 0.4)
    for gap_s in PLAN.gaps_s:
        assert asked.count(gap_s) == max(0, PLAN.rounds - measured.count(gap_s))
