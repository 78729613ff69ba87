"""The view of a server's figures over time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from backends.domain import format as fmt
from backends.domain.time_series import DAY, FIGURES, TEN_MINUTES, YEAR
from widgets import bars
from widgets.series_panel import SeriesLine, SeriesView

RANGES: tuple[tuple[str, float, float], ...] = (
    ("10 minutes", 600.0, TEN_MINUTES.step_s),
    ("hour", 3600.0, DAY.step_s),
    ("6 hours", 6 * 3600.0, DAY.step_s),
    ("24 hours", 24 * 3600.0, DAY.step_s),
    ("7 days", 7 * 86400.0, YEAR.step_s),
    ("30 days", 30 * 86400.0, YEAR.step_s),
)
"""What can be shown: its name, its span in seconds, and the step in which it is recorded."""


def _dollars(usd: float) -> str:
    return f"{usd:,.4f}" if usd < 10 else f"{usd:,.2f}"


@dataclass(frozen=True, slots=True)
class Shown:
    """How one figure is shown.

    Attributes:
        unit: what its values are divided by.
        top: the top of its scale, None for a round value above all that is shown.
        adds_up: it only grows, so that its mean says nothing.
    """

    figure: str
    words: str
    in_words: Callable[[float], str] = fmt.figure
    unit: float = 1.0
    top: float | None = None
    adds_up: bool = False


SHOWN = (
    Shown("output_tokens_per_s", "output tok/s"),
    Shown("requests_per_s", "requests/s"),
    Shown("requests_running", "running"),
    Shown("requests_waiting", "queue"),
    Shown("kv_cache_share", "KV cache", fmt.percent, top=1.0),
    Shown("vram_used_bytes", "VRAM GiB", unit=fmt.GIB),
    Shown("usd", "spent $", _dollars, adds_up=True),
)


def series_view(
    server: str, place: int, rows: Sequence[Sequence[float | None]], now_wall_s: float
) -> SeriesView:
    """Return what was recorded of a server over a range; `rows` begin with seconds since 1970."""
    name, span_s, _ = RANGES[place]
    shown = [row for row in rows if row[0] is not None and row[0] >= now_wall_s - span_s]
    drawn = (_line(shown, now_wall_s, each) for each in SHOWN)
    lines = tuple(each for each in drawn if each is not None)
    reason = f"nothing was recorded of {server} in the last {name}"
    return SeriesView(span_s, f"The last {name}", lines, reason)


def _line(
    rows: Sequence[Sequence[float | None]], now_wall_s: float, of: Shown
) -> SeriesLine | None:
    at = 1 + FIGURES.index(of.figure)
    points = tuple(
        ((row[0] or 0.0) - now_wall_s, value / of.unit)
        for row in rows
        if (value := row[at]) is not None
    )
    if not points:
        return None
    values = [value for _, value in points]
    # One that ends at a round value above all of them moves less than one that follows them.
    top = of.top or bars.step(max(values), 1)
    more: tuple[str, ...]
    if of.adds_up:
        more = (f"{of.in_words(values[-1] - values[0])} in this range",)
    else:
        more = (f"mean {of.in_words(fmean(values))}", f"highest {of.in_words(max(values))}")
    return SeriesLine(
        of.words, points, top, of.in_words(top), (f"now {of.in_words(values[-1])}", *more)
    )
