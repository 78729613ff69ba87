"""The stretches of a series tile the time that was watched and hold all of its requests."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.traffic.series import TrafficSeries, stretches


def series(step_s: float, finest_s: float, counts: list[int], from_s: float) -> TrafficSeries:
    first = int(from_s // step_s)
    kept = [(first + place, float(n)) for place, n in enumerate(counts) if n]
    requests = tuple(n for _, n in kept)
    return TrafficSeries(
        step_s=step_s,
        finest_s=finest_s,
        from_s=from_s,
        to_s=(first + len(counts)) * step_s,
        places=tuple(place for place, _ in kept),
        requests=requests,
        input_tokens=tuple(80 * n for n in requests),
        output_tokens=tuple(220 * n for n in requests),
        cached_input_tokens=None,
    )


@given(
    st.sampled_from([(60.0, 60.0), (60.0, 3600.0), (3600.0, 86400.0), (1.0, 1.0)]),
    st.lists(st.integers(0, 50), min_size=1, max_size=200),
    st.integers(0, 10_000),
)
def test_they_tile_the_time_and_lose_nothing(
    lengths: tuple[float, float], counts: list[int], offset: int
) -> None:
    step_s, finest_s = lengths
    whole = series(step_s, finest_s, counts, 1_790_000_000 // step_s * step_s + offset % step_s)
    found = list(stretches(whole))
    assert found[0][0] == whole.from_s
    assert sum(each[1] for each in found) == pytest.approx(whole.to_s - whole.from_s)
    for sooner, later in pairwise(found):
        assert sooner[0] + sooner[1] == pytest.approx(later[0])
    assert sum(each[2] for each in found) == sum(whole.requests)
    assert sum(each[5] for each in found) == sum(whole.output_tokens)
    assert max(each[1] for each in found) <= max(step_s, finest_s)


def test_days_that_were_spread_over_hours_are_days_again() -> None:
    whole = series(3600.0, 86400.0, [1] * 48, 1_790_000_000 // 86400 * 86400.0)
    assert [each[1:3] for each in stretches(whole)] == [(86400.0, 24.0)] * 2


def test_steps_as_long_as_the_finest_begin_with_the_clock() -> None:
    found = list(stretches(series(60.0, 60.0, [1, 2, 3], 90.0)))
    assert [each[:2] for each in found] == [(90.0, 30.0), (120.0, 60.0), (180.0, 60.0)]
    assert [each[2] for each in found] == [1.0, 2.0, 3.0]
