"""Traffic as sums of short stretches: the one form in which it is kept, whoever counted it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from backends.domain.durations import DAY_S, HOUR_S

MINUTES_S, WINDOWS_S, HOURS_S = 6 * HOUR_S, 2 * DAY_S, 56 * DAY_S
"""How long minutes are kept, windows of ten minutes, and hours; by then they have no weight."""

TEN_MINUTES_S = 600

SATURDAY = 5


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


def merged(one: Bin, other: Bin) -> Bin:
    """Return two stretches as one that begins with the earlier."""
    sums = (mine + its for mine, its in zip(one[1:], other[1:], strict=True))
    return Bin(min(one.began_s, other.began_s), *sums)


def in_steps(bins: Iterable[Bin], step_s: float) -> tuple[Bin, ...]:
    """Return stretches added up by steps of the clock, in order of time."""
    found: dict[float, Bin] = {}
    for each in bins:
        place = each.began_s // step_s
        known = found.get(place)
        found[place] = each if known is None else merged(known, each)
    return tuple(found[place] for place in sorted(found))


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


def total(bins: Iterable[Bin]) -> Bin:
    """Return the sums of all stretches."""
    whole = Bin(0.0, 0.0, 0.0)
    for each in bins:
        whole = Bin(0.0, *(mine + its for mine, its in zip(whole[1:], each[1:], strict=True)))
    return whole


def hour_of_week(wall_s: float) -> int:
    """Return the hour of the week in UTC; 0 begins on Monday at midnight."""
    moment = datetime.fromtimestamp(wall_s, UTC)
    return moment.weekday() * 24 + moment.hour


def days_seen(bins: Sequence[Bin]) -> float:
    """Return from the first to the last stretch, in days."""
    if not bins:
        return 0.0
    last = bins[-1]
    return (last.began_s + last.seconds - bins[0].began_s) / DAY_S
