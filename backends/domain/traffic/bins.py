"""Traffic as sums of short stretches: the one form in which it is kept, whoever counted it."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import NamedTuple, TypeVar

from backends.domain.durations import DAY_S, HOUR_S

MINUTES_S, WINDOWS_S, HOURS_S = 6 * HOUR_S, 2 * DAY_S, 56 * DAY_S
"""How long minutes are kept, windows of ten minutes, and hours; by then they have no weight."""

TEN_MINUTES_S = 600

T = TypeVar("T")

SATURDAY = 5

_EPOCH_HOUR = 3 * 24
"""1970 began on a Thursday."""


class Bin(NamedTuple):
    """What finished in one stretch of time that was watched.

    Attributes:
        began_s: seconds since 1970.
        seconds: how long it was watched.
        requests: how many finished; `counted` of them had their tokens counted.
        input_tokens, output_tokens: of the counted ones, all together.
    """

    began_s: float
    seconds: float
    requests: float
    counted: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0


def merged(bins: Sequence[Bin]) -> Bin:
    """Return stretches as one that begins with the earliest; an empty one of none."""
    if len(bins) < 2:
        return bins[0] if bins else Bin(0.0, 0.0, 0.0)
    began, *sums = zip(*bins, strict=True)
    return Bin(min(began), *map(sum, sums))


def in_steps(bins: Iterable[Bin], step_s: float) -> tuple[Bin, ...]:
    """Return stretches added up by steps of the clock, in order of time."""
    found: dict[float, list[Bin]] = {}
    for each in bins:
        found.setdefault(each.began_s // step_s, []).append(each)
    return tuple(merged(found[place]) for place in sorted(found))


def by_identity(function: Callable[..., T]) -> Callable[..., T]:
    """Remember what a function returned for the last few arguments, by which objects they are.

    Thousands of stretches are hashed in longer than most of what is asked of them.
    """
    known: dict[tuple[int, ...], tuple[tuple[object, ...], T]] = {}

    @wraps(function)
    def remembered(*objects: object) -> T:
        which = tuple(map(id, objects))
        if which not in known:
            # Kept beside its answer an object lives, and no other one gets its identity.
            known[which] = objects, function(*objects)
            if len(known) > REMEMBERED:
                del known[next(iter(known))]
        return known[which][1]

    return remembered


REMEMBERED = 8


@by_identity
def kept_with(bins: tuple[Bin, ...], new: Sequence[Bin]) -> tuple[Bin, ...]:
    """Return what is kept of a server's traffic after one more window, given as its minutes.

    Minutes stand alone for six hours, windows of ten minutes for two days, hours for eight weeks.
    """
    if not new:
        return bins
    last = bins[-1].began_s if bins else new[0].began_s
    if last // HOUR_S == new[0].began_s // HOUR_S:
        return (*bins, *new)
    return as_kept((*bins, *new))


def as_kept(bins: Sequence[Bin]) -> tuple[Bin, ...]:
    """Return stretches as they are kept at the hour that the last of them begins."""
    hour_s = bins[-1].began_s // HOUR_S * HOUR_S
    minutes_s, windows_s, hours_s = hour_s - MINUTES_S, hour_s - WINDOWS_S, hour_s - HOURS_S
    return (
        *in_steps((each for each in bins if hours_s <= each.began_s < windows_s), HOUR_S),
        *in_steps((each for each in bins if windows_s <= each.began_s < minutes_s), TEN_MINUTES_S),
        *(each for each in bins if each.began_s >= minutes_s),
    )


def hour_of_week(wall_s: float) -> int:
    """Return the hour of the week in UTC; 0 begins on Monday at midnight."""
    return (int(wall_s // HOUR_S) + _EPOCH_HOUR) % (7 * 24)


def days_seen(bins: Sequence[Bin]) -> float:
    """Return from the first to the last stretch, in days."""
    if not bins:
        return 0.0
    last = bins[-1]
    return (last.began_s + last.seconds - bins[0].began_s) / DAY_S
