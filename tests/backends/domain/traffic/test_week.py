"""The trend of a week of traffic."""

from math import exp

import pytest

from backends.domain.durations import DAY_S
from backends.domain.traffic.week import _slope


def test_a_trend_is_found_by_the_middles_of_its_days() -> None:
    days = [(place * DAY_S, exp(0.1 * place), 1.0) for place in range(3)]
    slope, _, middle = _slope(days, 3 * DAY_S, 0.01)
    assert slope == pytest.approx(0.1)
    # The days are 2.5, 1.5 and 0.5 days ago, and a later one counts a little more.
    assert -1.5 < middle < -1.3
