"""Bursts inside an hour, and how many GPUs they take."""

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.decision.options import options
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import centre, load_of
from backends.domain.decision.verdict import decide
from backends.domain.traffic.bins import (
    HOURS_S,
    MINUTES_S,
    WINDOWS_S,
    Bin,
    as_kept,
    in_steps,
    merged,
)
from backends.domain.traffic.bursts import bursts_of
from backends.domain.traffic.demand import Demand, demand_of
from backends.domain.traffic.shape import EVEN

BEGAN_S = 1_793_577_600.0


def bins(rate_at: Callable[[float], float], hours: float, step_s: float = 15.0) -> tuple[Bin, ...]:
    draw = random.Random(2)
    found = []
    for place in range(int(hours * 3600 / step_s)):
        mean = rate_at(place * step_s) * step_s
        n = max(0, round(draw.gauss(mean, mean**0.5)))
        found.append(Bin(BEGAN_S + place * step_s, step_s, n, n, n * 80, n * 220))
    return tuple(found)


def scenario(demand: Demand, capacity: str, gpu: str = "1.20") -> Scenario:
    return Scenario(
        gpu_usd_per_hour=Decimal(gpu),
        input_usd_per_mtok=Decimal("0.10"),
        output_usd_per_mtok=Decimal("0.70"),
        capacity_rps=Decimal(capacity),
        input_tokens=demand.seen.input_tokens_mean,
        output_tokens=demand.seen.output_tokens_mean,
        rate_rps=None if demand.week_rps else demand.rate_rps,
        profile_rps=demand.week_rps or None,
        observed=demand.seen,
        bursts=demand.bursts,
    )


def bursty(at_s: float) -> float:
    """Half a minute of nine requests a second in every two and a half minutes, a few between."""
    return 9.0 if at_s % 150 < 30 else 0.9


def test_half_a_minute_of_bursts_needs_gpus_that_the_mean_does_not() -> None:
    demand = demand_of(bins(bursty, 8), "a file")
    asked = scenario(demand, "4")
    load = load_of(asked)
    assert load is not None
    assert float(load.mean_rps) == pytest.approx(2.52, rel=0.05)
    at = {each.name: each for each in options(asked, centre(asked, load))}
    assert at["on_demand"].replicas == 3
    assert decide(replace(asked, bursts=EVEN)).kind is VerdictKind.SELF_HOST_CHEAPER
    assert decide(asked).kind is not VerdictKind.SELF_HOST_CHEAPER


def test_what_exceeds_a_gpu_in_bursts_goes_to_the_api() -> None:
    asked = scenario(demand_of(bins(bursty, 8), "a file"), "4")
    load = load_of(asked)
    assert load is not None
    assert float(load.above(Decimal(4))) == pytest.approx(5 / 5, rel=0.1)


def test_chance_alone_is_no_burst() -> None:
    assert bursts_of(bins(lambda _: 0.8, 6)) == EVEN


def test_bursts_have_mean_one_and_fill_the_time() -> None:
    found = bursts_of(bins(bursty, 4))
    assert float(sum(share for share, _ in found)) == pytest.approx(1)
    assert float(sum(share * factor for share, factor in found)) == pytest.approx(1)


def test_stretches_of_ten_minutes_say_nothing_of_bursts() -> None:
    assert bursts_of(in_steps(bins(bursty, 12), 600)) == EVEN


def test_two_halves_are_the_whole_in_any_order() -> None:
    whole = bins(bursty, 2)
    halves = in_steps((*whole[1::2], *whole[::2]), 60)
    assert halves == in_steps(whole, 60)
    assert merged(halves).requests == merged(whole).requests


def test_two_stretches_are_one_of_both() -> None:
    first, second = Bin(10.0, 5.0, 3.0, 2.0, 80.0, 7.0), Bin(4.0, 6.0, 1.0, 1.0, 9.0, 2.0)
    assert merged([first, second]) == Bin(4.0, 11.0, 4.0, 3.0, 89.0, 9.0)
    assert merged([first]) == first
    assert merged([]) == Bin(0.0, 0.0, 0.0)


def test_the_oldest_hour_is_kept_to_its_first_instant() -> None:
    hour_s = 1_793_577_600.0
    ends = [hour_s - HOURS_S - 1.0, hour_s - HOURS_S, hour_s - WINDOWS_S, hour_s - MINUTES_S]
    kept = as_kept([Bin(at_s, 60.0, 1.0) for at_s in (*ends, hour_s)])
    assert [each.began_s for each in kept] == [*ends[1:], hour_s]
