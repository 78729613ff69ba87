"""Figures of a study at the last value on one side of each rule, and the first on the other."""

from dataclasses import replace
from decimal import Decimal
from math import sqrt

import pytest

from backends.domain.prices.cost import NO_PRICES
from backends.domain.study.compare import _judge
from backends.domain.study.figure import Figure, figure_of_mean
from backends.domain.study.figures import figures
from backends.domain.study.intervals import Interval, of_difference, of_mean, of_median, t_point
from backends.domain.study.markdown import study_markdown
from backends.domain.study.money_figures import _rate
from backends.domain.study.pictures import crossovers_svg, memory_svg
from backends.domain.study.study import Study
from backends.domain.study.wording import shown
from tests.backends.domain.study.worlds import world

LONG = 5.0


def rate(value: float, low: float | None = None, high: float | None = None) -> Figure:
    return Figure("crossover", "crossover", "req/s", value, low, high)


@pytest.mark.parametrize(
    ("other", "change"),
    [
        (rate(2.5, 2.0, 3.0), "inside the noise"),
        (rate(2.5, 2.01, 3.0), "beyond the noise"),
        (rate(0.5, 0.0, 1.0), "inside the noise"),
        (rate(0.5, 0.0, 0.99), "beyond the noise"),
        (rate(1.5, 9.0, 9.0), "the same"),
        (rate(2.5, 2.0), "noise not known"),
    ],
)
def test_two_intervals_that_touch_are_inside_the_noise(other: Figure, change: str) -> None:
    assert _judge(rate(1.5, 1.0, 2.0), other) == (None, change)


@pytest.mark.parametrize("turned", [False, True])
def test_a_shift_whose_interval_ends_at_nothing_is_inside_the_noise(*, turned: bool) -> None:
    same = replace(rate(1.0), samples=(1.0,) * 10)
    half = replace(rate(1.5), samples=(1.0,) * 5 + (2.0,) * 5)
    shift, change = _judge(half, same) if turned else _judge(same, half)
    assert shift is not None
    assert 0.0 in {shift.low, shift.high}
    assert change == "inside the noise"


def test_from_four_values_a_side_a_difference_is_of_all_pairs_and_below_of_two_means() -> None:
    four = of_difference([1.0, 2.0, 3.0, 4.0], [11.0, 12.0, 13.0, 14.0])
    assert four == Interval(10.0, 7.0, 13.0)
    three = of_difference([1.0, 2.0, 3.0], [11.0, 12.0, 13.0])
    assert three is not None
    # variances of one, four degrees of freedom
    assert three.value == 10.0
    assert three.high == pytest.approx(10 + 2.776 * sqrt(2 / 3), rel=1e-3)
    assert of_difference([1.0, 2.0], [11.0]) is None
    assert of_difference([1.0, 2.0], [11.0, 12.0]) is not None


def test_two_values_have_a_mean_with_an_interval() -> None:
    found = of_mean([1.0, 3.0])
    assert found.value == 2.0
    assert (found.low, found.high) == pytest.approx((2 - 12.706, 2 + 12.706), rel=1e-3)


def test_six_values_are_the_fewest_of_which_the_ends_bound_the_median() -> None:
    assert of_median([1.0, 2.0, 3.0, 4.0, 5.0, 9.0]) == Interval(3.5, 1.0, 9.0)
    assert of_median([1.0, 2.0, 3.0, 4.0, 5.0]) == Interval(3.0)


def test_a_mean_of_what_is_never_negative_has_no_end_below_nothing() -> None:
    assert figure_of_mean("k", "t", "s", [0.0, 10.0]).low == 0.0
    assert figure_of_mean("k", "t", "s", [-1.0, 10.0]).low != 0.0


def test_students_points_are_of_one_degree_of_freedom_at_least() -> None:
    assert t_point(0.5) == t_point(1.0)
    assert t_point(4.9) == t_point(4.0)


@pytest.mark.parametrize(("usd", "rps"), [(0.001, 1.0), (0.0, None), (-0.1, None)])
def test_what_costs_nothing_has_no_crossover(usd: float, rps: float | None) -> None:
    assert _rate(Decimal("3.6"), usd) == rps


def known(study: Study) -> dict[str, Figure]:
    return {each.key: each for each in figures(study)}


def test_a_capacity_is_bounded_by_the_next_rate_that_broke_and_priced_where_tokens_came() -> None:
    study, _ = world(1)
    assert study.load is not None
    best = study.load.ended.best
    assert best is not None
    high = known(study)["capacity.rps"].high
    assert high == min(
        each.planned_rps for each in study.load.ended.steps if each.broke and each.planned_rps > 0
    )
    silent = replace(best, output_tokens_per_s=0.0)
    ended = replace(study.load.ended, best=silent)
    quiet = replace(study, load=replace(study.load, ended=ended))
    assert "cost.server_usd_per_output_mtok" in known(study)
    assert "cost.server_usd_per_output_mtok" not in known(quiet)


@pytest.mark.parametrize(("lasted_s", "said"), [(599.9, "| 599.9 s |"), (600.0, "| 10:00 |")])
def test_ten_minutes_of_a_step_are_a_clock(lasted_s: float, said: str) -> None:
    study, _ = world(1)
    steps = (
        replace(study.steps[0], ended_wall_s=study.steps[0].began_wall_s + lasted_s),
        *study.steps[1:],
    )
    assert said in study_markdown(replace(study, steps=steps))


@pytest.mark.parametrize(("value", "said"), [(LONG, f"{LONG:.1f} s"), (0.5, "500 ms")])
def test_long_times_are_seconds_and_short_ones_latencies(value: float, said: str) -> None:
    assert shown(value, "s") == said
    assert shown(-value, "s") == f"-{said}"


def test_memory_that_is_all_used_leaves_nothing_to_name() -> None:
    parts = (("weights", 68.0), ("KV cache", 12.0))
    assert "not used by these" not in memory_svg(parts, 80.0)
    assert "not used by these 0.5" in memory_svg(parts, 80.5)


def test_a_crossover_at_nothing_has_no_place_on_a_logarithmic_axis() -> None:
    assert "<circle" not in crossovers_svg([("short", rate(0.0))], 25.0)
    assert "<circle" in crossovers_svg([("short", rate(0.1))], 25.0)


def test_an_endpoint_without_prices_is_unpriced_in_the_setting() -> None:
    study, _ = world(1)
    unpriced = replace(study, endpoint=replace(study.endpoint, prices=NO_PRICES))
    assert "| the endpoint | UNPRICED |" in study_markdown(unpriced)
    assert "| the endpoint | UNPRICED |" not in study_markdown(study)
