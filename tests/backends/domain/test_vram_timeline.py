"""Memory over time keeps its peaks in constant room."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.vram_timeline import Timeline, TimelinePoint, with_point

histories = st.lists(
    st.tuples(st.floats(0, 100), st.one_of(st.none(), st.integers(0, 10**12))), max_size=300
)


@given(histories, st.integers(2, 40))
def test_peaks_and_room(history: list[tuple[float, int | None]], capacity: int) -> None:
    at_s = 5000.0
    timeline = Timeline(capacity=capacity)
    for pause_s, used_bytes in history:
        at_s += pause_s
        timeline = with_point(timeline, TimelinePoint(at_s, used_bytes))
        assert len(timeline.points) <= capacity
    known = [used for _, used in history if used is not None]
    kept = [point.used_bytes for point in timeline.points if point.used_bytes is not None]
    assert max(kept, default=None) == max(known, default=None)
    times = [point.at_s for point in timeline.points]
    assert times == sorted(times)


def test_a_stretch_without_figures_stays_a_gap() -> None:
    points = [TimelinePoint(0, 1), TimelinePoint(1, None), TimelinePoint(2, 3)]
    timeline = reduce(with_point, points, Timeline(step_s=1.0))
    assert timeline.points == tuple(points)


def test_thinning_doubles_the_step_and_keeps_the_highest_of_two() -> None:
    points = [TimelinePoint(at, used) for at, used in enumerate([1, 9, 4, 2, 3])]
    timeline = reduce(with_point, points, Timeline(capacity=4, step_s=1.0))
    assert timeline.step_s == 2.0
    assert timeline.points == (TimelinePoint(1, 9), TimelinePoint(2, 4), TimelinePoint(4, 3))
