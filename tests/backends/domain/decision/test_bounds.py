"""The last figure on one side of each limit of the decision, and the first on the other.

In this world a GPU costs $3.60 an hour and a request $0.001, so that both cost the same at one
request a second.
"""

from dataclasses import replace
from decimal import Decimal
from math import exp
from typing import Any

import pytest

from backends.domain.decision.answer import days_to_cross
from backends.domain.decision.break_even import (
    crossover,
    needed_capacity_rps,
    never_crosses,
    segments,
)
from backends.domain.decision.comparability import unlike_sides
from backends.domain.decision.curves import cost_curves
from backends.domain.decision.exclusion import Exclusion
from backends.domain.decision.flip import Flip, needed_for
from backends.domain.decision.hysteresis import (
    ShownPlan,
    fold_window,
    hours_until_worth_moving,
    worth_moving,
)
from backends.domain.decision.option import Option
from backends.domain.decision.options import billed_share, options
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind, now_verdict
from backends.domain.decision.scenario import BadScenario, Scenario, scenario_from
from backends.domain.decision.serverless import scale_to_zero
from backends.domain.decision.uncertainty import centre, load_of, points
from backends.domain.decision.verdict import decide, too_few_seen
from backends.domain.traffic.estimate import unknown_errors
from backends.domain.traffic.requests import Observed

EVEN: dict[str, Any] = {"gpu_usd_per_hour": "3.6", "usd_per_request": "0.001"}
HALF_AND_HALF = ["0.5"] * 12 + ["1.5"] * 12


def world(**more: Any) -> Scenario:
    return scenario_from({**EVEN, **more})


def found(scenario: Scenario) -> dict[str, Option]:
    load = load_of(scenario)
    assert load is not None
    return {each.name: each for each in options(scenario, centre(scenario, load))}


def excluded(name: str, **more: Any) -> Exclusion | None:
    return found(world(rate_rps=1, **more))[name].exclusion


# where a GPU pays


@pytest.mark.parametrize(("capacity", "never"), [("1", False), ("0.999", True)])
def test_a_gpu_that_carries_just_the_break_even_rate_crosses(capacity: str, *, never: bool) -> None:
    assert never_crosses(world(capacity_rps=capacity)) is never
    assert crossover(world(capacity_rps=capacity)).feasible is not never


def test_of_two_that_cost_nothing_neither_is_never_cheaper() -> None:
    free = Scenario(usd_per_request=Decimal(0), capacity_rps=Decimal(1))
    assert not never_crosses(replace(free, gpu_usd_per_hour=Decimal(0)))
    assert never_crosses(replace(free, gpu_usd_per_hour=Decimal("0.01")))


@pytest.mark.parametrize(("usd_per_s", "feasible"), [("0.001", True), ("0.00099", False)])
def test_a_gpu_by_the_second_that_costs_as_much_around_the_clock_can_be_beaten(
    usd_per_s: str, *, feasible: bool
) -> None:
    both = scenario_from({"gpu_usd_per_hour": "3.6", "serverless_usd_per_second": usd_per_s})
    assert crossover(both).feasible is feasible


@pytest.mark.parametrize(
    ("rate", "needed"),
    [
        ({"rate_rps": 1}, "1"),
        ({"profile_rps": HALF_AND_HALF}, "1"),  # a mean of just the break-even rate
    ],
)
def test_a_load_of_the_break_even_rate_needs_a_gpu_that_carries_it(
    rate: dict[str, Any], needed: str
) -> None:
    assert needed_capacity_rps(world(capacity_rps="0.5", **rate)) == Decimal(needed)


@pytest.mark.parametrize(("capacity", "counts"), [("1", []), ("1.01", [1, 2, 3])])
def test_a_gpu_that_carries_no_more_than_breaks_even_has_no_rates_of_its_own(
    capacity: str, counts: list[int]
) -> None:
    assert [each.replicas for each in segments(world(capacity_rps=capacity))] == counts


def test_a_curve_of_the_gpu_ends_with_what_it_carries() -> None:
    asked = world(capacity_rps=2, max_replicas=1, rate_rps="0.5")
    curves = cost_curves(asked, decide(asked))
    # 48 steps up to 1.6 times the most that matters: the thirtieth is that
    assert [rps for rps, _ in curves.self_hosted][-1] == 2.0
    assert len(curves.self_hosted) == 31
    assert [rps for rps, _ in curves.serverless][-1] == pytest.approx(3.2)


# what would change a verdict


@pytest.mark.parametrize(
    ("value", "trend", "days"),
    [("0.4", 1.0, None), ("0.8", 1.0, 1.0), ("0.2", -1.0, None), ("0", -0.5, None)],
)
def test_a_rate_that_is_at_its_flip_takes_no_days_to_it(
    value: str, trend: float, days: float | None
) -> None:
    flip = Flip("rate_rps", Decimal(value), Decimal("0.4"))
    assert days_to_cross(flip, trend) == days


@pytest.mark.parametrize(("n", "flip"), [(30, None), (29, Flip("observed.n", Decimal(30), None))])
def test_thirty_requests_are_enough_and_of_fewer_it_is_said_how_many(
    n: int, flip: Flip | None
) -> None:
    asked = replace(world(), observed=Observed(Decimal(n)))
    wanted = None if flip is None else replace(flip, now=Decimal(n))
    assert needed_for(asked, VerdictKind.INSUFFICIENT_DATA, 30) == wanted
    assert too_few_seen(asked) == (None if flip is None else n)


def test_a_gpu_busy_for_as_long_as_decides_is_no_longer_than_that() -> None:
    asked = scenario_from(
        {
            "gpu_usd_per_hour": "1.8",
            "serverless_usd_per_second": "0.001",
            "hours_per_day": 12,
        }
    )
    got = decide(asked).flip
    assert got is not None
    assert (got.value, got.now, got.to) == (Decimal(12), Decimal(12), "SELF_HOST_CHEAPER")


@pytest.mark.parametrize(("requests", "shown"), [(30, VerdictKind.API_CHEAPER), (29, None)])
def test_a_window_of_thirty_requests_decides(requests: int, shown: VerdictKind | None) -> None:
    assert fold_window(ShownPlan(), VerdictKind.API_CHEAPER, requests).kind is shown


def test_moving_pays_once_regret_is_what_it_costs_and_never_between_equals() -> None:
    plan = ShownPlan(VerdictKind.API_CHEAPER, regret_usd=Decimal(10))
    assert worth_moving(plan, Decimal(10))
    assert not worth_moving(plan, Decimal("10.01"))
    assert hours_until_worth_moving(Decimal(2), Decimal(2), Decimal(10)) is None
    assert hours_until_worth_moving(Decimal(2), Decimal(1), Decimal(10)) == 10


# what is excluded


@pytest.mark.parametrize(
    ("more", "name", "allowed"),
    [
        ({"ttft_slo_s": 1, "gpu_ttft_p99_s": 1}, "on_demand", True),
        ({"ttft_slo_s": 1, "gpu_ttft_p99_s": "1.01"}, "on_demand", False),
        ({"ttft_slo_s": 1, "gpu_ttft_p99_above_s": 1}, "on_demand", False),
        ({"ttft_slo_s": 1, "gpu_ttft_p99_above_s": "0.99"}, "on_demand", True),
        ({"ttft_slo_s": 1, "api_ttft_p99_s": 1}, "api", True),
        ({"ttft_slo_s": 1, "api_ttft_p99_s": "1.01"}, "api", False),
        ({"ttft_slo_s": 1, "batch_multiplier": 1}, "api", True),
        ({"ttft_slo_s": 1, "batch_multiplier": "0.99"}, "api", False),
        ({"ttft_slo_s": 1, "batch_multiplier": "0.5", "batch_share": 1}, "api", False),
        ({"ttft_slo_s": 1, "batch_multiplier": "0.5", "batch_share": "0.99"}, "api", True),
        ({"max_replicas": 1}, "on_demand", True),
        ({"max_replicas": 1, "capacity_rps": "0.99"}, "on_demand", False),
    ],
)
def test_an_option_at_its_limit_is_allowed_and_beyond_it_excluded(
    more: dict[str, Any], name: str, *, allowed: bool
) -> None:
    assert (excluded(name, **{"capacity_rps": 1, **more}) is None) is allowed


BY_THE_SECOND = {
    "serverless_usd_per_second": "0.001",
    "service_s": 1,
    "idle_timeout_s": 0,
    "cold_start_s": 2,
}


@pytest.mark.parametrize(
    ("more", "allowed"),
    [({"ttft_slo_s": 2}, True), ({"ttft_slo_s": "1.99"}, False), ({}, True)],
)
def test_a_cold_start_of_just_the_limit_keeps_it(more: dict[str, Any], *, allowed: bool) -> None:
    assert (excluded("serverless_gpu", **BY_THE_SECOND, **more) is None) is allowed


@pytest.mark.parametrize(("service_s", "allowed"), [(1, True), ("1.01", False)])
def test_a_replica_that_is_busy_all_the_time_is_one_without_a_known_capacity(
    service_s: object, *, allowed: bool
) -> None:
    more = {**BY_THE_SECOND, "service_s": service_s}
    assert (excluded("serverless_gpu", **more) is None) is allowed


@pytest.mark.parametrize(("warm", "allowed"), [(2, True), (1, False)])
def test_as_many_warm_replicas_as_the_load_takes_are_enough(warm: int, *, allowed: bool) -> None:
    more = {**BY_THE_SECOND, "capacity_rps": "0.5", "ttft_slo_s": 3, "keep_warm": warm}
    assert (excluded("serverless_gpu_kept_warm", **more) is None) is allowed


def test_beyond_an_exponent_of_700_a_replica_is_never_idle() -> None:
    at = scale_to_zero(700.0, 1.0, 0.0, 1.0)
    assert at.cold_starts_per_s > 0
    beyond = scale_to_zero(700.1, 1.0, 0.0, 1.0)
    assert (beyond.billed_share, beyond.cold_starts_per_s) == (1.0, 0.0)


@pytest.mark.parametrize(("rate", "kind"), [(2, NowKind.KEEP_ON_GPU), (3, NowKind.SPILL_TO_API)])
def test_a_rate_that_the_replicas_just_carry_stays_on_them(rate: int, kind: NowKind) -> None:
    assert now_verdict(world(rate_rps=rate, capacity_rps=1), ready=True, replicas=2).kind is kind


@pytest.mark.parametrize(("tokens", "alike"), [(102, True), (98, True), (103, False), (97, False)])
def test_prompts_that_are_two_percent_apart_are_the_same(tokens: int, *, alike: bool) -> None:
    asked = world(input_tokens=100, output_tokens=10, api_input_tokens=tokens)
    assert (unlike_sides(asked) is None) is alike


# how sure it is


@pytest.mark.parametrize(("freedom", "kind"), [(0.0, "INSUFFICIENT_DATA"), (5.0, "API_CHEAPER")])
def test_errors_without_a_degree_of_freedom_tell_nothing(freedom: float, kind: str) -> None:
    errors = replace(unknown_errors(100.0), rate=0.01, freedom=freedom)
    seen = Observed(Decimal(100), window_s=Decimal(1000), errors=errors)
    asked = replace(world(capacity_rps=5), observed=seen)
    assert decide(asked).kind == kind


def test_one_price_is_nothing_to_compare_and_two_are() -> None:
    one = scenario_from({"gpu_usd_per_hour": "3.6", "rate_rps": 2, "capacity_rps": 5})
    assert decide(one).kind is VerdictKind.UNPRICED
    two = scenario_from({**EVEN, "rate_rps": 2, "capacity_rps": 5})
    assert decide(two).kind is VerdictKind.SELF_HOST_CHEAPER


@pytest.mark.parametrize(
    ("usd", "months"),
    [
        ("720", 10.0),  # $0.10 an hour of power against $0.2 at the API: $72 a month of 720 hours
        ("0", None),
    ],
)
def test_hardware_has_paid_off_once_what_it_saves_is_its_price(
    usd: str, months: float | None
) -> None:
    asked = scenario_from(
        {
            "owned_usd": "720",
            "owned_life_months": 36,
            "power_kw": 1,
            "usd_per_kwh": "0.1",
            "hours_per_month": 720,
            "usd_per_request": "0.001" if usd != "0" else "0.0005",
            "rate_rps": Decimal("0.2") / Decimal("3.6"),
            "capacity_rps": 1,
        }
    )
    got = decide(asked).payback_months
    assert got == (None if months is None else pytest.approx(months))


# what a scenario may hold


@pytest.mark.parametrize(("covariance", "fits"), [("6", True), ("-6", True), ("6.1", False)])
def test_a_covariance_is_at_most_the_product_of_the_deviations(
    covariance: str, *, fits: bool
) -> None:
    seen = {"n": 100, "input_tokens_sd": 2, "output_tokens_sd": 3, "covariance": covariance}
    if fits:
        assert world(observed=seen).observed is not None
        return
    with pytest.raises(BadScenario, match="cannot be"):
        world(observed=seen)


LIMITS: list[tuple[str, str, str]] = [
    ("peak_over_average", "1", "0.99"),
    ("pue", "1", "0.99"),
    ("hours_per_month", "672", "671"),
    ("hours_per_month", "744", "745"),
    ("cached_input_share", "1", "1.01"),
    ("batch_share", "1", "1.01"),
    ("hours_per_day", "24", "24.1"),
    ("gpu_price_spread_percent", "99", "99.1"),
    ("api_price_spread_percent", "99", "99.1"),
    ("granularity_s", "0.1", "0"),
]


@pytest.mark.parametrize(("key", "last", "beyond"), LIMITS)
def test_the_last_figure_that_a_key_may_be(key: str, last: str, beyond: str) -> None:
    assert getattr(world(**{key: last}), key) == Decimal(last)
    with pytest.raises(BadScenario):
        world(**{key: beyond})


def test_the_points_of_what_is_uncertain_lie_on_all_sides_of_the_centre() -> None:
    errors = replace(unknown_errors(100.0), rate=0.1, input_tokens=0.1, output_tokens=0.0)
    errors = replace(
        errors,
        freedom=1e9,
        tokens_freedom=1e9,
        rate_correlations=(0.0, 0.0),
        tokens_correlation=0.0,
    )
    seen = Observed(
        Decimal(100),
        input_tokens_mean=Decimal(1000),
        output_tokens_mean=Decimal(0),
        window_s=Decimal(100),
        errors=errors,
    )
    prices = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "0"}
    asked = replace(
        scenario_from({"gpu_usd_per_hour": "3.6", "gpu_price_spread_percent": 10, **prices}),
        observed=seen,
    )
    load = load_of(asked)
    assert load is not None
    middle, *around = points(asked, load)
    assert middle.usd_per_request == Decimal("0.001")
    costs = [float(each.usd_per_request or 0) for each in around]
    rates = [float(each.load.mean_rps) for each in around]
    # A tenth, at a quantile of 2.75, on each side of the price and of the rate.
    assert (min(costs), max(costs)) == pytest.approx((0.000725, 0.001275), rel=1e-6)
    assert (min(rates), max(rates)) == pytest.approx((0.725, 1.275), rel=1e-6)
    assert {each.gpu_factor for each in around} == {Decimal("0.9"), Decimal("1.1")}
    # Both at their worst at once is rarer than each alone: the corner of the box is cut off.
    dear = [rate for cost, rate in zip(costs, rates, strict=True) if cost > 0.00127]
    assert dear == pytest.approx([1.0] * len(dear))


@pytest.mark.parametrize(
    ("kept", "beyond", "share"),
    [
        (1, 1, 1),  # two replicas hold the level, and one of them comes for all of its time
        (2, 0, 2),
        (3, 0, 2),
    ],
)
def test_warm_replicas_cost_one_price_and_busy_ones_another(
    kept: int, beyond: int, share: int
) -> None:
    more = {
        **BY_THE_SECOND,
        "capacity_rps": "0.5",
        "keep_warm": kept,
        "warm_usd_per_second": "0.0005",
    }
    busy = share * (1 - exp(-0.5))
    usd = found(world(rate_rps=1, **more))["serverless_gpu_kept_warm"].usd_per_hour
    assert usd is not None
    assert float(usd) == pytest.approx(
        3600 * ((busy + beyond) * 0.001 + (kept - busy) * 0.0005), rel=1e-9
    )


@pytest.mark.parametrize(
    ("start_s", "more", "share"),
    [
        (0, {}, "0.5"),
        (21_600, {}, "0.75"),
        (21_600, {"idle_timeout_s": 10_800}, "0.875"),
        (43_200, {}, "1"),
        (50_000, {}, "1"),
        (1, {"granularity_s": 21_600}, "0.75"),
        (0, {"granularity_s": 21_600}, "0.5"),
        (0, {"minimum_charge_s": 64_800}, "0.75"),
    ],
)
def test_the_share_of_a_day_that_a_rental_of_half_of_it_is_billed(
    start_s: int, more: dict[str, Any], share: str
) -> None:
    asked = world(rate_rps=1, hours_per_day=12, **more)
    load = load_of(asked)
    assert load is not None
    assert billed_share(asked, centre(asked, load), Decimal(start_s)) == Decimal(share)
