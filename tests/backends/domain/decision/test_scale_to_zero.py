import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.decision.serverless import scale_to_zero


def simulated(
    rate: float, service: float, timeout: float, cold: float, cycles: int
) -> tuple[float, float, float]:
    """Return billed share, cold starts per second and delayed share of one replica, by playing."""
    rng = random.Random(7)
    clock = billed = 0.0
    delayed = requests = 0
    arrival = rng.expovariate(rate)
    for _ in range(cycles):
        began = arrival
        ready = began + cold
        ends = ready + service + timeout
        requests += 1
        delayed += 1
        arrival += rng.expovariate(rate)
        while arrival < ends:
            requests += 1
            delayed += arrival < ready
            ends = max(ends, max(arrival, ready) + service + timeout)
            arrival += rng.expovariate(rate)
        billed += ends - began
        clock = arrival
    return billed / clock, cycles / clock, delayed / requests


@pytest.mark.parametrize(
    ("rate", "service", "timeout", "cold"),
    [(1 / 600, 5.0, 60.0, 60.0), (1 / 60, 5.0, 30.0, 60.0), (0.05, 2.0, 10.0, 8.0)],
)
def test_a_simulation_agrees(rate: float, service: float, timeout: float, cold: float) -> None:
    exact = scale_to_zero(rate, service, timeout, cold)
    billed, starts, delayed = simulated(rate, service, timeout, cold, 20_000)
    assert float(exact.billed_share) == pytest.approx(billed, rel=0.02)
    assert float(exact.cold_starts_per_s) == pytest.approx(starts, rel=0.02)
    assert float(exact.delayed_share) == pytest.approx(delayed, rel=0.02)


def test_no_traffic_costs_nothing() -> None:
    assert scale_to_zero(0, 5, 60, 60).billed_share == 0


def test_heavy_traffic_never_idles() -> None:
    run = scale_to_zero(1000, 5, 60, 60)
    assert run.billed_share == 1
    assert run.cold_starts_per_s == 0


@given(
    st.floats(0.0001, 5),
    st.floats(0.1, 20),
    st.floats(0, 300),
    st.floats(0, 120),
)
def test_shares_are_shares_and_more_traffic_costs_more(
    rate: float, service: float, timeout: float, cold: float
) -> None:
    run = scale_to_zero(rate, service, timeout, cold)
    more = scale_to_zero(rate * 2, service, timeout, cold)
    assert 0 < run.billed_share <= more.billed_share * (1 + 1e-12)
    assert more.billed_share <= 1 + 1e-12
    assert 0 <= run.delayed_share <= 1 + 1e-12
    least = min(1, run.cold_starts_per_s * (cold + service))
    assert run.billed_share >= least * (1 - 1e-12)
