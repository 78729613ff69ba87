"""Every run of a target as a dot on an axis that all share, its quartiles and its median."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.ab.run import Spread, TargetName
from backends.domain.format import UNKNOWN
from widgets.plot import MUTED, Plot
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
    plot = Plot(room, len(targets), x=(first, last))
    for row, target in enumerate(targets):
        _draw_runs(plot, row, target)
    rows = [
        line((name.ljust(edge), "bold"), *plot.rows[row], " ", text)
        for row, (name, text) in enumerate(zip(names, figures, strict=True))
    ]
    if height > len(rows):
        axis = styled(" " * edge + _axis(first, last, room), MUTED)
        rows.append(spread(axis, arrange(note, side), width))
    return rows[:height]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or high * 0.1 or 0.001
    return max(0.0, low - margin), high + margin


def _draw_runs(plot: Plot, row: int, target: TargetRuns) -> None:
    """Draw the quartiles as a line, every run over it as a dot, and the median over all."""
    if target.spread is not None:
        plot.across(row, "─", MUTED, x=(target.spread.p25, target.spread.p75))
    for column, count in Counter(map(plot.column, target.values_s)).items():
        style = MUTED if target.past else "$text-primary"
        plot.put(column, row, _dot(count, past=target.past), style)
    if target.spread is not None:
        plot.put(plot.column(target.spread.median), row, "│", "bold $text-accent")


def _dot(count: int, *, past: bool) -> str:
    if count < 3:
        return ("◦○" if past else "·●")[count - 1]
    return str(count) if count < 10 else "+"


def _spread(target: TargetRuns, width: int) -> Content:
    if target.spread is None:
        return styled(UNKNOWN, MUTED)
    median = fmt.latency(target.spread.median)
    if len(target.values_s) == 1:
        return arrange([Part.of(0, f"one run {median}", median, style="bold")], width)
    (low, high), unit = fmt.latencies(target.spread.p25, target.spread.p75)
    parts = [
        Part.of(0, f"median {median}", median, style="bold", droppable=False),
        Part.of(1, f"IQR {low} to {high} {unit}", style=MUTED),
    ]
    return arrange(parts, width)


def _axis(first: float, last: float, width: int) -> str:
    low, high = fmt.latency(first), fmt.latency(last)
    gap = width - len(low) - len(high)
    return low + " " * gap + high if gap >= 2 else low[:width]
