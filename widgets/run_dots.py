"""Every run of a lane as a dot on an axis that all lanes share, its quartiles and its median."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from backends.domain.ab.run import LaneName, Spread
from widgets import bars
from widgets import format as fmt
from widgets.lane_pane import label
from widgets.text import UNKNOWN, Part, arrange, line, spread, styled


@dataclass(frozen=True, slots=True)
class LaneRuns:
    """The figure of every run of one lane, in seconds, and its spread; `past` where recorded."""

    lane: LaneName
    values_s: tuple[float, ...] = ()
    spread: Spread | None = None
    past: bool = False


def dot_lines(
    lanes: Sequence[LaneRuns], width: int, height: int, note: Sequence[Part]
) -> list[Content]:
    """Return one row of dots for each lane; with a line left, the axis and a note at its end."""
    values = [value for lane in lanes for value in lane.values_s]
    if not values or height <= 0:
        return []
    first, last = _ends(values)
    figures = [_spread(lane, max(10, width // 2 - 4)) for lane in lanes]
    side = max(text.cell_length for text in figures)
    names = [label(lane.lane, past=lane.past) for lane in lanes]
    edge = max(map(len, names)) + 1
    room = max(4, width - edge - 1 - side)
    rows = [
        line((name.ljust(edge), "bold"), _dots(lane, first, last, room), " ", text)
        for name, lane, text in zip(names, lanes, figures, strict=True)
    ]
    if height > len(rows):
        axis = styled(" " * edge + _axis(first, last, room), "$foreground-muted")
        rows.append(spread(axis, arrange(note, side), width))
    return rows[:height]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or high * 0.1 or 0.001
    return max(0.0, low - margin), high + margin


def _dots(lane: LaneRuns, first: float, last: float, width: int) -> Content:
    counts = Counter(bars.column(value, first, last, width) for value in lane.values_s)
    row = [(" ", "")] * width
    if lane.spread is not None:
        low = bars.column(lane.spread.p25, first, last, width)
        high = bars.column(lane.spread.p75, first, last, width)
        row[low : high + 1] = [("─", "$foreground-muted")] * (high + 1 - low)
    for at, count in counts.items():
        style = "$foreground-muted" if lane.past else "$text-primary"
        row[at] = (_dot(count, past=lane.past), style)
    if lane.spread is not None:
        row[bars.column(lane.spread.median, first, last, width)] = ("│", "bold $text-accent")
    return line(*row)


def _dot(count: int, *, past: bool) -> str:
    if count < 3:
        return ("◦○" if past else "·●")[count - 1]
    return str(count) if count < 10 else "+"


def _spread(lane: LaneRuns, width: int) -> Content:
    if lane.spread is None:
        return styled(UNKNOWN, "$foreground-muted")
    median = fmt.milliseconds(lane.spread.median)
    if len(lane.values_s) == 1:
        return arrange([Part.of(0, f"one run {median}", median, style="bold")], width)
    (low, high), unit = fmt.latencies(lane.spread.p25, lane.spread.p75)
    parts = [
        Part.of(0, f"median {median}", median, style="bold", droppable=False),
        Part.of(1, f"IQR {low} to {high} {unit}", style="$foreground-muted"),
    ]
    return arrange(parts, width)


def _axis(first: float, last: float, width: int) -> str:
    low, high = fmt.milliseconds(first), fmt.milliseconds(last)
    gap = width - len(low) - len(high)
    return low + " " * gap + high if gap >= 2 else low[:width]
