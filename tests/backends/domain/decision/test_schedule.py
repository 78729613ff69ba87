"""GPUs by schedule, held against every schedule there is."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.domain.decision.option import Option
from backends.domain.decision.options import options
from backends.domain.decision.outcome import VerdictKind, priced
from backends.domain.decision.scenario import Scenario, scenario_from
from backends.domain.decision.schedule import _best_runs
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.decision.verdict import decide

USD, START_S = 1.88, 61.0
REQUEST_USD_HOUR = (80 * 0.10 + 220 * 0.70) / 1e6 * 3600


def scenario(profile: list[float], capacity: float, **more: object) -> Scenario:
    return scenario_from(
        {
            "gpu_usd_per_hour": str(USD),
            "input_tokens": 80,
            "output_tokens": 220,
            "input_usd_per_mtok": "0.10",
            "output_usd_per_mtok": "0.70",
            "capacity_rps": str(capacity),
            "profile_rps": [str(rate) for rate in profile],
            "cold_start_s": str(START_S),
            **more,
        }
    )


def found(asked: Scenario) -> dict[str, Option]:
    load = load_of(asked)
    assert load is not None
    return {each.name: each for each in options(asked, centre(asked, load))}


def cheapest(asked: Scenario) -> float:
    load = load_of(asked)
    assert load is not None
    return float(priced(options(asked, centre(asked, load)))[0][0])


def brute_force(blocks: list[float], capacity: float) -> float:
    """Return the least that any schedule costs of a day of four blocks of six hours each."""
    best = 1e9
    for counts in product(range(4), repeat=4):
        hours = sum(counts) * 6
        starts = sum(max(0, now - counts[at - 1]) for at, now in enumerate(counts))
        over = sum(max(0.0, rate - n * capacity) for rate, n in zip(blocks, counts, strict=True))
        usd = USD * (hours * 3600 + starts * START_S) / 86_400 + over / 4 * REQUEST_USD_HOUR
        best = min(best, usd)
    return best


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([0.0, 0.5, 1.5, 2.5, 3.5, 4.5, 6.0, 8.0, 11.0]), min_size=4, max_size=4
    ),
    st.sampled_from([2.0, 4.0, 5.0]),
)
def test_no_schedule_is_cheaper(blocks: list[float], capacity: float) -> None:
    if max(blocks) > 3 * capacity or max(blocks) == 0:
        return
    profile = [rate for rate in blocks for _ in range(6)]
    assert cheapest(scenario(profile, capacity)) == pytest.approx(brute_force(blocks, capacity))


def test_a_gpu_for_the_busy_hours_with_the_api_for_what_exceeds_it() -> None:
    asked = scenario_from(
        {
            "gpu_usd_per_hour": "1.88", "input_tokens": 80, "output_tokens": 220,
            "input_usd_per_mtok": "0.10", "output_usd_per_mtok": "0.70", "capacity_rps": 5,
            "rate_rps": 6, "hours_per_day": 10, "starts_per_day": 1, "cold_start_s": 61,
        }
    )  # fmt: skip
    plan = decide(asked)
    assert plan.kind is VerdictKind.HYBRID_CHEAPER
    assert plan.best is not None
    assert (plan.best.name, plan.best.replicas) == ("scheduled_hybrid", 1)
    assert float(plan.best.usd_per_hour or 0) == pytest.approx(1.0277, abs=1e-4)


def test_weekdays_stand_apart_from_weekends() -> None:
    """Eight requests a second on weekdays and one at weekends: two GPUs in the week alone."""
    week = [8.0] * 120 + [1.0] * 48
    at = found(scenario(week, 6.0, gpu_usd_per_hour="1.00"))
    alone = at["scheduled"]
    hours = (168 + 120 + START_S / 3600) / 168
    assert float(alone.usd_per_hour or 0) == pytest.approx(hours)
    mean = (8 * 120 + 48) / 168
    assert float(at["api"].usd_per_hour or 0) == pytest.approx(mean * REQUEST_USD_HOUR)


def test_a_reserved_base_with_peaks_on_demand() -> None:
    day = [2.0] * 18 + [9.0] * 6
    at = found(scenario(day, 5.0, gpu_usd_per_month="730"))
    usd = 1.0 + USD * (6 * 3600 + START_S) / 86_400
    assert float(at["reserved_and_on_demand"].usd_per_hour or 0) == pytest.approx(usd)
    assert at["reserved_and_on_demand"].replicas == 2


def test_without_the_length_of_a_start_there_is_no_schedule() -> None:
    asked = scenario([2.0] * 12 + [9.0] * 12, 5.0, cold_start_s=None)
    assert not {"scheduled", "scheduled_hybrid"} & found(asked).keys()


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 100), st.integers(5, 100), st.sampled_from([4.0, 6.0]))
def test_within_one_gpus_capacity_more_traffic_never_favours_the_api(
    low: int, high: int, capacity: float
) -> None:
    """The API's price over the cheapest other way's grows with the traffic."""
    ratios = []
    for percent in sorted((low, high)):
        rate = capacity * percent / 100
        at = found(scenario([rate] * 24, capacity))
        others = min(each.usd_per_hour or Decimal(0) for name, each in at.items() if name != "api")
        ratios.append((at["api"].usd_per_hour or Decimal(0)) / others)
    assert ratios[0] <= ratios[1]


@given(
    st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=8), st.integers(0, 12).map(float)
)
def test_the_best_runs_are_those_of_all_ways_to_switch_a_gpu_on_and_off(
    gains: list[float], start: float
) -> None:
    def worth(on: tuple[bool, ...] | list[bool]) -> float:
        begins = sum(now and not on[at - 1] for at, now in enumerate(on))
        return sum(gain for gain, now in zip(gains, on, strict=True) if now) - begins * start

    best = max(worth(on) for on in product((False, True), repeat=len(gains)))
    assert worth(_best_runs(gains, start)) == best
