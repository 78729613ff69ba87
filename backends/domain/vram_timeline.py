"""A GPU's memory over time, in constant room and without losing a peak."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """How much was used at `at_s` on the monotonic clock; None while the driver did not say."""

    at_s: float
    used_bytes: int | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Memory over time in at most `capacity` points, however long it runs.

    Each point is the highest of its stretch of `step_s`; when the room is full the step doubles
    and neighbours join, so that no maximum is ever lost. `begin_s` is the first stretch's start.
    """

    capacity: int = 240
    step_s: float = 0.25
    begin_s: float = 0.0
    points: tuple[TimelinePoint, ...] = ()


def with_point(timeline: Timeline, point: TimelinePoint) -> Timeline:
    """Return the timeline with one more point, not earlier than those before."""
    if not timeline.points:
        return replace(timeline, begin_s=point.at_s, points=(point,))
    grown = replace(timeline, points=_joined(timeline, (*timeline.points, point)))
    while len(grown.points) > grown.capacity:
        wider = replace(grown, step_s=grown.step_s * 2)
        grown = replace(wider, points=_joined(wider, wider.points))
    return grown


def _joined(timeline: Timeline, points: tuple[TimelinePoint, ...]) -> tuple[TimelinePoint, ...]:
    joined: dict[int, TimelinePoint] = {}
    for point in points:
        stretch = int((point.at_s - timeline.begin_s) / timeline.step_s)
        joined[stretch] = _higher(joined.get(stretch), point)
    return tuple(joined.values())


def _higher(one: TimelinePoint | None, other: TimelinePoint) -> TimelinePoint:
    if one is None or one.used_bytes is None:
        return other
    if other.used_bytes is None or other.used_bytes <= one.used_bytes:
        return one
    return other
