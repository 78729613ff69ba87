from decimal import Decimal
from fractions import Fraction
from math import exp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.decision.exclusion import (
    NO_REMEDIES,
    Exclusion,
    ExclusionKind,
    Remedies,
    Remedy,
    Unmeasured,
    unpriced,
)
from backends.domain.decision.option import Option, break_even_rps, usd_per_request
from backends.domain.decision.options import options
from backends.domain.decision.outcome import _below, priced
from backends.domain.decision.scenario import Scenario, scenario_from
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.decision.wording import excluded_because
from backends.domain.prices.cost import RequestPrices

MEDIUM: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "input_tokens": 80,
    "output_tokens": 220,
}


def why(option: Option) -> str:
    return excluded_because(option.exclusion, NO_REMEDIES)


def found(**more: Any) -> dict[str, Option]:
    scenario = scenario_from({**MEDIUM, **more})
    load = load_of(scenario)
    assert load is not None
    return {option.name: option for option in options(scenario, centre(scenario, load))}


def cost(option: Option) -> Fraction:
    assert option.usd_per_hour is not None
    return Fraction(option.usd_per_hour).limit_denominator(10**12)


@pytest.mark.parametrize(
    ("more", "exact"),
    [
        ({}, Fraction(162, 10**6)),
        (
            {"cached_input_share": "0.5", "cached_input_usd_per_mtok": "0.05"},
            Fraction(160, 10**6),
        ),
        ({"cached_input_share": "0.5"}, Fraction(162, 10**6)),
        ({"batch_multiplier": "0.5"}, Fraction(81, 10**6)),
        ({"fee_percent": "5.5"}, Fraction(162, 10**6) * Fraction(1055, 1000)),
        ({"usd_per_request": "0.001"}, Fraction(1162, 10**6)),
        (
            {"usd_per_request": "0.001", "batch_multiplier": "0.5", "fee_percent": 10},
            Fraction(1081, 10**6) * Fraction(11, 10),
        ),
    ],
)
def test_the_cost_of_a_request(more: dict[str, Any], exact: Fraction) -> None:
    got = usd_per_request(scenario_from({**MEDIUM, **more}))
    assert got is not None
    assert Fraction(got) == exact


def test_a_missing_price_is_no_price() -> None:
    assert usd_per_request(scenario_from({**MEDIUM, "output_usd_per_mtok": None})) is None
    assert break_even_rps(Decimal("1.88"), Decimal(0)) is None


def test_an_api_may_charge_by_the_request_alone() -> None:
    flat = scenario_from({"usd_per_request": "0.01", "fee_percent": 10})
    assert usd_per_request(flat) == Decimal("0.011")


def test_tokens_that_are_cached_are_among_the_input() -> None:
    prices = RequestPrices(Decimal(1), Decimal(10), Decimal("0.1"))
    assert prices.cost(1_000_000, 0, cached_tokens=1_000_000) == Decimal("0.1")


def test_api_and_on_demand() -> None:
    at = found(rate_rps=4, capacity_rps=25)
    assert cost(at["api"]) == Fraction(3600 * 4 * 162, 10**6)
    assert cost(at["on_demand"]) == Fraction("1.88")


def test_storage_and_operators_are_counted_once() -> None:
    at = found(rate_rps=40, capacity_rps=25, ops_usd_per_month=7300, storage_usd_per_month=730)
    assert cost(at["on_demand"]) == 2 * Fraction("1.88") + 11
    assert at["on_demand"].replicas == 2


def test_peaks_need_replicas() -> None:
    at = found(rate_rps=4, capacity_rps=5, peak_over_average=3)
    assert at["on_demand"].replicas == 3
    assert cost(at["on_demand"]) == Fraction("5.64")
    assert cost(at["api"]) == Fraction("2.3328")


def test_destroyed_when_idle_pays_hours_and_starts() -> None:
    at = found(rate_rps=4, capacity_rps=25, hours_per_day=8, starts_per_day=2, cold_start_s=900)
    assert cost(at["destroyed_when_idle"]) == Fraction("1.88") * Fraction(17, 2) / 24


def test_destroying_is_no_option_for_traffic_without_a_pause() -> None:
    assert "destroyed_when_idle" not in found(rate_rps=4, capacity_rps=25, cold_start_s=60)


def test_destroying_needs_to_know_the_cold_start() -> None:
    option = found(rate_rps=4, capacity_rps=25, hours_per_day=8)["destroyed_when_idle"]
    assert option.usd_per_hour is None
    assert "cold_start_s" in why(option)


def test_a_profile_says_itself_when_the_gpu_may_be_destroyed() -> None:
    at = found(profile_rps=[0] * 8 + [4] * 16, capacity_rps=25, cold_start_s=0)
    assert cost(at["destroyed_when_idle"]) == Fraction("1.88") * Fraction(2, 3)
    assert cost(at["api"]) == Fraction(3600 * 4 * 162, 10**6) * Fraction(2, 3)


def test_reserved_is_spread_over_the_month() -> None:
    at = found(rate_rps=4, capacity_rps=25, gpu_usd_per_month="1095")
    assert cost(at["reserved"]) == Fraction(3, 2)


def test_provisioned_units_hold_the_peak() -> None:
    at = found(rate_rps=4, provisioned_unit_usd_per_hour=2, provisioned_unit_tokens_per_s=400)
    assert cost(at["provisioned_throughput"]) == 6
    assert at["provisioned_throughput"].replicas == 3


def test_owned_hardware_pays_purchase_and_electricity() -> None:
    at = found(
        rate_rps=4,
        capacity_rps=25,
        owned_usd=26280,
        owned_life_months=36,
        power_kw="0.8",
        usd_per_kwh="0.15",
        pue="1.5",
    )
    assert cost(at["owned"]) == 1 + Fraction("0.18")


def test_owned_hardware_without_electricity_is_not_priced() -> None:
    at = found(rate_rps=4, capacity_rps=25, owned_usd=26280, owned_life_months=36)
    assert at["owned"].usd_per_hour is None
    assert at["owned"].exclusion == unpriced("power_kw")


def test_keeping_a_replica_warm_costs_as_much_as_it_idles() -> None:
    at = found(
        rate_rps="0.1",
        capacity_rps=25,
        serverless_usd_per_second="0.001",
        warm_usd_per_second="0.0005",
        service_s=2,
        idle_timeout_s=30,
        cold_start_s=60,
        keep_warm=1,
    )
    busy = 1 - exp(-0.2)
    warm = 3600 * (busy * 0.001 + (1 - busy) * 0.0005)
    assert float(cost(at["serverless_gpu_kept_warm"])) == pytest.approx(warm)


def test_warm_replicas_cost_between_bursts_too() -> None:
    quiet = {
        "rate_rps": 0,
        "capacity_rps": 25,
        "serverless_usd_per_second": "0.001",
        "service_s": 2,
        "idle_timeout_s": 30,
        "cold_start_s": 60,
        "keep_warm": 2,
    }
    assert cost(found(**quiet)["serverless_gpu_kept_warm"]) == Fraction("7.2")
    assert cost(found(**quiet, peak_over_average=4)["serverless_gpu_kept_warm"]) == Fraction("7.2")


def test_cold_starts_break_a_limit_on_the_99th_percentile() -> None:
    cold = {
        "rate_rps": "0.016666667",
        "capacity_rps": 25,
        "serverless_usd_per_second": "0.0005",
        "service_s": 5,
        "idle_timeout_s": 60,
        "cold_start_s": 60,
        "ttft_slo_s": 1,
    }
    assert why(found(**cold)["serverless_gpu"]).startswith("SLO_EXCLUDES: 51 %")
    assert why(found(**{**cold, "ttft_slo_s": 60})["serverless_gpu"]) == ""


def test_batch_prices_keep_no_limit() -> None:
    at = found(rate_rps=4, batch_multiplier="0.5", ttft_slo_s=1)
    assert why(at["api"]).startswith("SLO_EXCLUDES")


def test_unknown_capacity_names_the_command_that_measures_it() -> None:
    unknown = found(rate_rps=4)["on_demand"].exclusion
    assert unknown == Exclusion(ExclusionKind.CAPACITY_UNKNOWN, Unmeasured(Decimal(4)))
    assert excluded_because(unknown, NO_REMEDIES).endswith("is not measured")
    load = Remedies(measure=Remedy("measure it"))
    assert excluded_because(unknown, load).endswith("is not measured; run: measure it")


def test_more_gpus_than_there_are() -> None:
    at = found(rate_rps=40, capacity_rps=10, max_replicas=2)
    assert why(at["on_demand"]).startswith("OVER_CAPACITY: the peak of 40 req/s needs 4")


def test_a_hybrid_overflows_to_the_api() -> None:
    at = found(output_tokens=30, rate_rps=30, capacity_rps=25)
    api = Fraction(29, 10**6) * 3600
    assert cost(at["hybrid"]) == Fraction("1.88") + 5 * api
    assert cost(at["api"]) == 30 * api
    assert cost(at["on_demand"]) == Fraction("3.76")


def brute_force(scenario: Scenario, rates: list[Decimal], most: int | None = None) -> Fraction:
    """Return the least cost of any number of replicas with the API for the rest.

    The rates are bursts at their peak with nothing between, as the load takes them.
    """
    month = scenario.gpu_usd_per_month
    contracts = [Fraction(scenario.gpu_usd_per_hour or 0)]
    contracts += [] if month is None else [Fraction(month) / 730]
    gpu, capacity = min(contracts), Fraction(scenario.capacity_rps or 0)
    fixed = Fraction(scenario.ops_usd_per_month or 0) / 730
    api = Fraction(usd_per_request(scenario) or 0) * 3600
    peak = Fraction(scenario.peak_over_average or 1)
    enough = int(max(Fraction(rate) for rate in rates) * peak / capacity) + 1
    costs = []
    for n in range((enough if most is None else min(most, enough)) + 1):
        over = [max(Fraction(0), Fraction(r) * peak - n * capacity) / peak for r in rates]
        costs.append(n * gpu + (fixed if n else 0) + api * sum(over) / len(rates))
    return min(costs)


@given(
    st.lists(st.decimals("0", "40", places=1), min_size=24, max_size=24),
    st.decimals("0.5", "15", places=1),
    st.decimals("1", "4", places=1),
    st.one_of(st.none(), st.integers(0, 6)),
    st.one_of(st.none(), st.decimals("200", "3000", places=0)),
)
def test_the_rule_for_replicas_agrees_with_trying_all(
    rates: list[Decimal],
    capacity: Decimal,
    peak: Decimal,
    most: int | None,
    month: Decimal | None,
) -> None:
    data = {**MEDIUM, "profile_rps": rates, "capacity_rps": capacity, "gpu_usd_per_month": month}
    more = {"peak_over_average": peak, "max_replicas": most, "ops_usd_per_month": most}
    scenario = scenario_from({**data, **more})
    load = load_of(scenario)
    assert load is not None
    usable = priced(options(scenario, centre(scenario, load)))
    assert float(usable[0][0]) == pytest.approx(float(brute_force(scenario, rates, most)), abs=1e-9)


KNOWN: dict[str, Any] = {
    **MEDIUM,
    "capacity_rps": 5,
    "gpu_usd_per_month": "1200",
    "hours_per_day": 9,
    "cold_start_s": 60,
    "idle_timeout_s": 60,
    "service_s": 4,
    "serverless_usd_per_second": "0.0008",
    "provisioned_unit_usd_per_hour": "1.5",
    "provisioned_unit_tokens_per_s": 500,
    "billed_when_stopped": False,
    "restart_s": 61,
    "granularity_s": 60,
    "warm_usd_per_second": "0.0004",
    "keep_warm": 2,
    "owned_usd": "30000",
    "owned_life_months": 36,
    "power_kw": "0.7",
    "usd_per_kwh": "0.15",
}
PRICES = [
    "owned_usd",
    "usd_per_kwh",
    "gpu_usd_per_hour",
    "gpu_usd_per_month",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "serverless_usd_per_second",
    "provisioned_unit_usd_per_hour",
]


def total(name: str, data: dict[str, Any]) -> Decimal:
    scenario = scenario_from(data)
    load = load_of(scenario)
    assert load is not None
    by_name = {option.name: option for option in options(scenario, centre(scenario, load))}
    if name not in by_name:
        # Without overflow the hybrid is the GPUs alone or the API alone, whichever is cheaper.
        assert name == "hybrid"
        costs = [by_name[each].usd_per_hour for each in ("api", "on_demand", "reserved", "owned")]
        return min(cost for cost in costs if cost is not None)
    amount = by_name[name].usd_per_hour
    assert amount is not None
    return amount


NAMES = [
    "api",
    "on_demand",
    "reserved",
    "owned",
    "destroyed_when_idle",
    "stopped_when_idle",
    "serverless_gpu",
    "serverless_gpu_kept_warm",
    "provisioned_throughput",
    "hybrid",
]


@given(
    st.sampled_from(NAMES),
    st.sampled_from(PRICES),
    st.decimals("0.1", "30", places=1),
    st.decimals("1", "3", places=1),
)
def test_a_dearer_price_makes_nothing_cheaper(
    name: str, price: str, rate: Decimal, times: Decimal
) -> None:
    base = {**KNOWN, "rate_rps": rate}
    assert total(name, base) <= total(name, {**base, price: Decimal(base[price]) * times})


@given(
    st.sampled_from(NAMES),
    st.decimals("0.1", "30", places=1),
    st.decimals("1", "3", places=1),
)
def test_more_traffic_makes_nothing_cheaper(name: str, rate: Decimal, times: Decimal) -> None:
    more = {**KNOWN, "rate_rps": rate * times}
    # What differs by less is taken as a tie.
    assert total(name, {**KNOWN, "rate_rps": rate}) <= total(name, more) * (1 + Decimal("1e-12"))


def test_a_batch_price_that_is_the_full_price_breaks_no_limit() -> None:
    at = found(rate_rps=4, batch_multiplier="1", ttft_slo_s=1)
    assert at["api"].exclusion is None


def test_costs_within_a_tie_are_equal() -> None:
    tie = Decimal("1e-12")
    assert not _below(1 - tie, Decimal(1))
    assert _below(1 - 2 * tie, Decimal(1))
