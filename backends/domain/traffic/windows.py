"""Traffic by windows of fixed length: what the profile learns from and the verdict is judged on."""

from dataclasses import dataclass, replace

from backends.domain.decision.scenario import Observed
from backends.domain.facts import MetricsScraped
from backends.domain.traffic.cut import cut_out
from backends.domain.traffic.observed import observed_between
from backends.domain.traffic.rates import restarted

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
    """

    began_wall_s: float
    seconds: float
    requests: float | None
    seen: Observed | None


@dataclass(frozen=True, slots=True)
class Windows:
    """The window under way, by the reading that opened it and the newest; the one closed last."""

    opened: MetricsScraped | None = None
    closed: Window | None = None
    latest: MetricsScraped | None = None


def after_reading(
    windows: Windows, read: MetricsScraped, earlier: MetricsScraped | None = None
) -> Windows:
    """Return the windows after one more reading; a restart or a gap begins anew.

    What inferctl itself sent since the `earlier` reading is cut out.
    """
    windows = replace(windows, latest=read)
    opened = windows.opened
    if opened is not None and read.own and earlier is not None:
        opened = cut_out(opened, earlier, read)
        windows = replace(windows, opened=opened)
    seconds = read.at.mono_s - opened.at.mono_s if opened else 0.0
    if opened is None or seconds < 0 or restarted(opened.counters, read.counters):
        return replace(windows, opened=read)
    if read.at.wall_s // WINDOW_S == opened.at.wall_s // WINDOW_S:
        return windows
    if seconds > MOST_S:
        return replace(windows, opened=read)
    return Windows(read, closed_window(opened, read), read)


def open_window(windows: Windows) -> Window | None:
    """Return what was served so far in the window under way, None where that is too short."""
    opened, latest = windows.opened, windows.latest
    if opened is None or latest is None or latest.at.mono_s - opened.at.mono_s < LEAST_OPEN_S:
        return None
    return closed_window(opened, latest)


def closed_window(opened: MetricsScraped, read: MetricsScraped) -> Window:
    """Return what was served between two readings."""
    before, after = opened.counters.requests_finished, read.counters.requests_finished
    return Window(
        opened.at.wall_s,
        read.at.mono_s - opened.at.mono_s,
        None if before is None or after is None else after - before,
        observed_between(opened, read),
    )
