"""Intervals of small samples: known values, and how often they hold the truth."""

import pytest

from backends.domain.study.intervals import of_difference, of_mean, of_median, t_point
from tests.backends.domain.study.worlds import normal_sample

SAMPLES = 2000


@pytest.mark.parametrize(
    ("freedom", "point"),
    # Two-sided 5 % points of Student's t, as any table has them.
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (19, 2.093)],
)
def test_students_points_are_those_of_the_table(freedom: int, point: float) -> None:
    assert t_point(freedom) == pytest.approx(point, rel=0.01)
    assert t_point(freedom + 0.4) <= t_point(freedom)


def test_the_interval_of_three_starts_is_students() -> None:
    found = of_mean([60.8, 61.0, 61.4])
    assert found.value == pytest.approx(61.0667, abs=1e-4)
    assert (found.low, found.high) == pytest.approx((60.308, 61.826), abs=2e-3)


def test_one_sample_has_no_interval() -> None:
    assert of_mean([3.0]).low is None
    assert of_median([1.0, 2.0, 3.0, 4.0, 5.0]).low is None


def test_the_interval_of_twenty_runs_lies_between_the_sixth_and_the_fifteenth() -> None:
    found = of_median([float(value) for value in range(1, 21)])
    assert (found.value, found.low, found.high) == (10.5, 6.0, 15.0)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says(size: int) -> None:
    found = [of_mean(normal_sample(seed, size, 7.0)) for seed in range(SAMPLES)]
    held = sum((each.low or 0) <= 7.0 <= (each.high or 0) for each in found)
    assert 0.935 <= held / SAMPLES <= 0.965


@pytest.mark.parametrize("size", [6, 8, 20, 50])
def test_the_interval_of_a_median_holds_the_truth_at_least_as_often(size: int) -> None:
    found = [of_median(normal_sample(seed, size, 7.0)) for seed in range(SAMPLES)]
    held = sum((each.low or 0) <= 7.0 <= (each.high or 0) for each in found)
    assert held / SAMPLES >= 0.94


@pytest.mark.parametrize("sizes", [(3, 3), (3, 2), (8, 8), (20, 20)])
def test_two_samples_of_one_law_seldom_differ(sizes: tuple[int, int]) -> None:
    alarms = 0
    for seed in range(SAMPLES):
        ours, theirs = normal_sample(seed, sizes[0]), normal_sample(seed + 10**6, sizes[1])
        found = of_difference(ours, theirs)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        alarms += found.low > 0 or found.high < 0
    assert alarms / SAMPLES <= 0.06


def test_a_difference_beyond_the_noise_is_found_and_one_of_single_values_is_not_told() -> None:
    found = of_difference([60.8, 61.0, 61.4], [45.0, 45.3, 44.9])
    assert found is not None
    assert found.high is not None
    assert found.high < 0
    assert of_difference([1.0], [2.0, 3.0]) is None
    same = of_difference([2.0, 2.0], [2.0, 2.0])
    assert same is not None
    assert (same.low, same.high) == (0.0, 0.0)
