"""How surely a mean is known: by the parts that hang together, and by no more than they do."""

import random
from statistics import median

from backends.domain.traffic.scales import long_run

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
