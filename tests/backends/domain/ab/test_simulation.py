"""The promises of the comparison, kept in simulations; `make statistics` prints the whole table."""

import pytest

from backends.domain.ab.run import TargetName
from tests.backends.domain.ab.simulation import (
    POPULATIONS,
    alarms_under_drift,
    interleaved,
    simulate,
)

# A share of 5 % in so many has a standard error of 0.34 %: a true 7 % or a coverage of 92 % would
# be seen with near certainty, and 5 % or 95 % do not fail by bad luck.
SIMULATIONS = 4000

CASES = [
    ("heavy tail", (8, 8)),
    ("heavy tail", (20, 20)),
    ("heavy tail", (20, 12)),
    ("exponential", (20, 20)),
    ("two modes", (8, 8)),
    ("bell", (40, 40)),
    ("tied, 1 ms", (20, 20)),
]


@pytest.mark.parametrize(("population", "sizes"), CASES)
def test_one_in_twenty_errs_and_no_more(population: str, sizes: tuple[int, int]) -> None:
    found = simulate(POPULATIONS[population], sizes, SIMULATIONS)
    assert found.false_alarms <= 0.06
    assert 0.93 <= found.coverage <= 0.97


def test_a_coarse_clock_costs_power_and_not_truth() -> None:
    # Where most values are tied, the interval ends on its grid and holds more than it has to.
    found = simulate(POPULATIONS["tied, 10 ms"], (20, 20), SIMULATIONS)
    assert found.false_alarms <= 0.06
    assert found.coverage >= 0.93


def test_a_drift_of_the_host_is_no_difference_of_the_lanes() -> None:
    targets: tuple[TargetName, TargetName] = ("a", "b")
    assert alarms_under_drift(interleaved(20), SIMULATIONS) <= 0.06
    assert alarms_under_drift([name for name in targets for _ in range(20)], SIMULATIONS) > 0.15
