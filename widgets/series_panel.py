"""Figures over time, one chart each on the same time axis, with the scale and the mean of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from textual.content import Content
from textual.reactive import reactive

from widgets import bars
from widgets.panel import Panel
from widgets.plot import framed
from widgets.text import Part, arrange, line, safe, styled

TWO_COLUMNS = 120
"""From this width on the charts stand in two columns."""

GUTTER = 8
WITH_AXIS = 4
"""From so many lines on a chart has an axis of its own."""
UNITS = (
    (2 * 86400.0, 86400.0, " d"),
    (3 * 3600.0, 3600.0, " h"),
    (180.0, 60.0, " min"),
    (0.0, 1.0, " s"),
)
"""From which span on the axis is labelled in what."""


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One figure over time.

    Attributes:
        words: its name, with the unit.
        points: seconds before now, which are negative, and the value; oldest first.
        top: the value at the upper end of the scale, and `top_words` as it is labelled.
        facts: what is said of it, the newest value first.
    """

    words: str
    points: tuple[tuple[float, float], ...]
    top: float
    top_words: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeriesView:
    """All figures of one server over one span; `reason` says why there are none."""

    span_s: float = 600.0
    title: str = "Over time"
    lines: tuple[SeriesLine, ...] = ()
    reason: str = "reading"


class SeriesPanel(Panel):
    """A chart for each figure."""

    BORDER_TITLE = "Over time"

    view: reactive[SeriesView] = reactive(SeriesView(), repaint=False)

    def watch_view(self) -> None:
        """Redraw what changed; the title says which span is shown."""
        if self.border_title != self.view.title:
            self.border_title = self.view.title
        super().watch_view()

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the charts in one column or two."""
        return draw(self.view, width, height)


def draw(view: SeriesView, width: int, height: int) -> list[Content]:
    """Return every chart with as many rows as there are for each."""
    if not view.lines:
        return [styled(f"no figures — {safe(view.reason)}", "$foreground-muted")][:height]
    columns = 2 if width >= TWO_COLUMNS else 1
    each_width = (width - 3 * (columns - 1)) // columns
    rows = -(-len(view.lines) // columns)
    each_height = max(1, height // rows)
    drawn = [_chart(one, view.span_s, each_width, each_height) for one in view.lines]
    if columns == 1:
        lines = [row for chart in drawn for row in chart]
        # Charts of a single row share one axis, where a line is left for it.
        shared = [styled(" " * GUTTER + _axis(view.span_s, width - GUTTER), "$foreground-muted")]
        return [*lines, *(shared if each_height < WITH_AXIS else ())][:height]
    pairs = [drawn[at : at + 2] for at in range(0, len(drawn), 2)]
    blank = [Content("")] * each_height
    return [
        Content("   ").join([left.pad_right(each_width - left.cell_length), right])
        for pair in pairs
        for left, right in zip(pair[0], pair[1] if len(pair) > 1 else blank, strict=True)
    ][:height]


def _chart(one: SeriesLine, span_s: float, width: int, height: int) -> list[Content]:
    """Return the figure's line, then the chart and its axis where there are rows for them."""
    head = arrange(
        [
            Part.of(0, safe(one.words), style="bold", droppable=False),
            *(Part.of(1 + at, told, droppable=not at) for at, told in enumerate(one.facts)),
        ],
        width,
    )
    rows = height - 2 if height >= WITH_AXIS else height - 1
    if rows < 1:
        return [head]
    room = max(1, width - GUTTER)
    shares = _means(one.points, span_s, one.top, room)
    blocks = [[(row, "$primary 80%")] for row in bars.block_rows(shares, rows)]
    axis = _axis(span_s, room)
    labels = {0: one.top_words} if rows == 1 else {0: one.top_words, rows - 1: "0"}
    framed_rows = framed(blocks, labels, axis, GUTTER)
    return [head, *(line(*row) for row in framed_rows[: height - 1])]


def _axis(span_s: float, width: int) -> str:
    _, seconds, unit = next(each for each in UNITS if span_s >= each[0])
    return bars.axis(-span_s / seconds, 0.0, max(1, width), unit)


def _means(
    points: Sequence[tuple[float, float]], span_s: float, top: float, width: int
) -> list[float | None]:
    """Return for each column the mean of what came within it, as a share of the top."""
    found: list[list[float]] = [[] for _ in range(width)]
    for at_s, value in points:
        if -span_s <= at_s <= 0:
            found[bars.column(at_s, -span_s, 0.0, width)].append(value)
    return [min(1.0, fmean(values) / top) if values and top else None for values in found]
