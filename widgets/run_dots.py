"""Every run of a target as a dot on an axis that all share, its quartiles and its median."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.ab.run import Spread, TargetName
from backends.domain.format import UNKNOWN
from widgets import bars
from widgets.target_pane import label
from widgets.text import Part, arrange, line, spread, styled


@dataclass(frozen=True, slots=True)
class TargetRuns:
    """The figure of every run of one target, in seconds, and its spread; `past` where recorded."""

    target: TargetName
    values_s: tuple[float, ...] = ()
    spread: Spread | None = None
    past: bool = False


def dot_lines(
    targets: Sequence[TargetRuns], width: int, height: int, note: Sequence[Part]
) -> list[Content]:
    """Return one row of dots for each target; with a line left, the axis and a note at its end."""
    values = [value for target in targets for value in target.values_s]
    if not values or height <= 0:
        return []
    first, last = _ends(values)
    figures = [_spread(target, max(10, width // 2 - 4)) for target in targets]
    side = max(text.cell_length for text in figures)
    names = [label(target.target, past=target.past) for target in targets]
    edge = max(map(len, names)) + 1
    room = max(4, width - edge - 1 - side)
    rows = [
        line((name.ljust(edge), "bold"), _dots(target, first, last, room), " ", text)
        for name, target, text in zip(names, targets, figures, strict=True)
    ]
    if height > len(rows):
        axis = styled(" " * edge + _axis(first, last, room), "$foreground-muted")
        rows.append(spread(axis, arrange(note, side), width))
    return rows[:height]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or high * 0.1 or 0.001
    return max(0.0, low - margin), high + margin


def _dots(target: TargetRuns, first: float, last: float, width: int) -> Content:
    counts = Counter(bars.column(value, first, last, width) for value in target.values_s)
    row = [(" ", "")] * width
    if target.spread is not None:
        low = bars.column(target.spread.p25, first, last, width)
        high = bars.column(target.spread.p75, first, last, width)
        row[low : high + 1] = [("─", "$foreground-muted")] * (high + 1 - low)
    for at, count in counts.items():
        style = "$foreground-muted" if target.past else "$text-primary"
        row[at] = (_dot(count, past=target.past), style)
    if target.spread is not None:
        row[bars.column(target.spread.median, first, last, width)] = ("│", "bold $text-accent")
    return line(*row)


def _dot(count: int, *, past: bool) -> str:
    if count < 3:
        return ("◦○" if past else "·●")[count - 1]
    return str(count) if count < 10 else "+"


def _spread(target: TargetRuns, width: int) -> Content:
    if target.spread is None:
        return styled(UNKNOWN, "$foreground-muted")
    median = fmt.latency(target.spread.median)
    if len(target.values_s) == 1:
        return arrange([Part.of(0, f"one run {median}", median, style="bold")], width)
    (low, high), unit = fmt.latencies(target.spread.p25, target.spread.p75)
    parts = [
        Part.of(0, f"median {median}", median, style="bold", droppable=False),
        Part.of(1, f"IQR {low} to {high} {unit}", style="$foreground-muted"),
    ]
    return arrange(parts, width)


def _axis(first: float, last: float, width: int) -> str:
    low, high = fmt.latency(first), fmt.latency(last)
    gap = width - len(low) - len(high)
    return low + " " * gap + high if gap >= 2 else low[:width]
