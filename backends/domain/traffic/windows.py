"""Traffic by windows of fixed length: what the profile learns from and the verdict is judged on."""

from dataclasses import dataclass, replace
from typing import Any

from backends.domain.durations import MINUTE_S
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Histogram
from backends.domain.stamp import Stamp
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.demand import bin_between, observed_between
from backends.domain.traffic.rates import COUNTED, grown_histogram, restarted
from backends.domain.traffic.requests import Observed

_HISTOGRAMS = ("ttft", "inter_token", "request_input_tokens", "request_output_tokens")


def cut_out(
    reading: MetricsScraped, before: MetricsScraped, after: MetricsScraped
) -> MetricsScraped:
    """Return an earlier reading as if the stretch from `before` to `after` had not been.

    Its time and its counts are moved up to those that followed, so that differences to later
    readings lack the stretch. Across a restart there are no differences, and nothing is moved.
    """
    old, new = before.counters, after.counters
    if restarted(old, new):
        return reading
    numbers: dict[str, Any] = {
        name: _sum(getattr(reading.counters, name), getattr(old, name), getattr(new, name))
        for name in COUNTED
    }
    histograms: dict[str, Any] = {
        name: _added(getattr(reading.counters, name), getattr(old, name), getattr(new, name))
        for name in _HISTOGRAMS
    }
    at = Stamp(
        reading.at.mono_s + after.at.mono_s - before.at.mono_s,
        reading.at.wall_s + after.at.wall_s - before.at.wall_s,
    )
    counters = replace(reading.counters, **numbers, **histograms)
    return replace(reading, at=at, counters=counters)


def _sum(count: float | None, old: float | None, new: float | None) -> float | None:
    return None if count is None or old is None or new is None else count + new - old


def _added(
    count: Histogram | None, old: Histogram | None, new: Histogram | None
) -> Histogram | None:
    grown = grown_histogram(old, new)
    if count is None or grown is None:
        return None  # what was inferctl's own cannot be told
    counts = tuple(one + more for one, more in zip(count.counts, grown.counts, strict=True))
    return replace(count, counts=counts, sum=count.sum + grown.sum)


WINDOW_S = 600.0
"""Ten minutes, from the full ten minutes of the clock on."""

MOST_S = 1.5 * WINDOW_S
"""What is longer was not watched: nothing is known of when its requests came."""


LEAST_OPEN_S = 60.0
"""Less of a window under way tells nothing of the traffic that goes on."""


@dataclass(frozen=True, slots=True)
class Window:
    """What was served between two readings about ten minutes apart.

    Attributes:
        requests: that finished; None where the server does not count them.
        seen: their tokens; None without a request.
        bins: the same by minutes, as far as it was read as often.
    """

    began_wall_s: float
    seconds: float
    requests: float | None
    seen: Observed | None
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True, slots=True)
class Windows:
    """The window under way, by the reading that opened it and the newest; the one closed last.

    Attributes:
        minute: the reading that opened the minute under way.
        minutes: those of the window that are over.
    """

    opened: MetricsScraped | None = None
    closed: Window | None = None
    latest: MetricsScraped | None = None
    minute: MetricsScraped | None = None
    minutes: tuple[Bin, ...] = ()


def after_reading(
    windows: Windows, read: MetricsScraped, earlier: MetricsScraped | None = None
) -> Windows:
    """Return the windows after one more reading; a restart or a gap begins anew.

    What inferctl itself sent since the `earlier` reading is cut out.
    """
    windows = replace(windows, latest=read)
    if read.own and earlier is not None and windows.opened is not None:
        windows = replace(
            windows,
            opened=cut_out(windows.opened, earlier, read),
            minute=windows.minute and cut_out(windows.minute, earlier, read),
        )
    opened = windows.opened
    seconds = read.at.mono_s - opened.at.mono_s if opened else 0.0
    if opened is None or seconds < 0 or restarted(opened.counters, read.counters):
        return replace(windows, opened=read, minute=read, minutes=())
    windows = _after_minute(windows, read)
    if read.at.wall_s // WINDOW_S == opened.at.wall_s // WINDOW_S:
        return windows
    if seconds > MOST_S:
        return replace(windows, opened=read, minute=read, minutes=())
    return Windows(read, closed_window(opened, read, windows.minutes), read, read)


def _after_minute(windows: Windows, read: MetricsScraped) -> Windows:
    """Return the windows with the minute under way closed, if it is over."""
    began = windows.minute
    if began is None or read.at.wall_s // MINUTE_S == began.at.wall_s // MINUTE_S:
        return windows
    found = bin_between(began, read)
    if found is None:
        return windows
    return replace(windows, minute=read, minutes=(*windows.minutes, found))


def open_window(windows: Windows) -> Window | None:
    """Return what was served so far in the window under way, None where that is too short."""
    opened, latest = windows.opened, windows.latest
    if opened is None or latest is None or latest.at.mono_s - opened.at.mono_s < LEAST_OPEN_S:
        return None
    minutes, minute = windows.minutes, windows.minute
    rest = bin_between(minute, latest) if minute is not None else None
    return closed_window(opened, latest, minutes if rest is None else (*minutes, rest))


def closed_window(
    opened: MetricsScraped, read: MetricsScraped, minutes: tuple[Bin, ...] = ()
) -> Window:
    """Return what was served between two readings, with the minutes between them."""
    before, after = opened.counters.requests_finished, read.counters.requests_finished
    return Window(
        opened.at.wall_s,
        read.at.mono_s - opened.at.mono_s,
        None if before is None or after is None else after - before,
        observed_between(opened, read),
        minutes,
    )
