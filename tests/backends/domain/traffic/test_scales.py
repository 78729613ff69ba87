"""How surely a mean is known: by the parts that hang together, and by no more than they do."""

import random
from statistics import median

import pytest

from backends.domain.traffic.estimate import errors_of
from backends.domain.traffic.scales import long_run, student

RUNS, BINS = 200, 500


def _usual_variance(together: int) -> float:
    """Return the median long-run variance of streams that repeat each of their values so often."""
    draw = random.Random(8)
    found = []
    for _ in range(RUNS):
        values = [draw.gauss(0, 1) for _ in range(BINS // together)]
        known = long_run([value for value in values for _ in range(together)])
        assert known is not None
        found.append(known.variance)
    return median(found)


def test_independent_bins_are_not_taken_for_less_sure_by_the_highest_of_many_scales() -> None:
    assert 0.95 < _usual_variance(1) < 1.1


def test_bins_that_hang_together_count_as_the_few_blocks_that_they_are() -> None:
    assert _usual_variance(10) > 0.9 * 10


def test_students_quantile_is_fishers_expansion() -> None:
    """By hand: 1 + 2/4 + 24/96 + 24/384, and the same of two."""
    assert student(1.0, 1.0) == 1.8125
    assert student(2.0, 1.0) == 10.421875
    assert student(1.0, 2.0) == 1 + 2 / 8 + 24 / 384 + 24 / 3072
    assert student(1.0, 0.5) == student(1.0, 1.0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_requests_that_bring_longer_texts_when_there_are_more_are_said_to(sign: float) -> None:
    """Residuals that go together by chance alone count as independent, never as opposed."""
    rates = [sign * each for each in (5.0, -3.0, 2.0, -4.0) * 10]
    tokens = [10.0 * each for each in (5.0, -3.0, 2.0, -4.0) * 10]
    found = errors_of(rates, (tokens, tokens), (40.0, 4000.0, 4000.0), poisson=1.0)
    assert found is not None
    expected = 1.0 if sign > 0 else 0.0
    assert found.rate_correlations == pytest.approx((expected, expected), abs=0.05)
    assert found.tokens_correlation == pytest.approx(1.0, abs=0.05)
