"""The cost chart: what self-hosting and serverless cost an hour at every load."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets import bars
from widgets.braille import BrailleCanvas
from widgets.panel import Panel
from widgets.text import Part, arrange, line, safe, styled, wrap_to

CostPoint = tuple[float, Decimal]
"""Requests per second, and US dollars an hour at that load."""


@dataclass(frozen=True, slots=True)
class CostChartView:
    """Two lines of cost over load, and the marks on them.

    Attributes:
        self_hosted: points of the line in order of load; a staircase where replicas are added.
        serverless: points of the other line.
        now_rps: today's load, `now_interval_rps` what it may be.
        break_even_rps: where the lines cross, `break_even_interval_rps` what it may be.
        capacity_rps: the load one replica was measured to carry.
        reason: why there is no chart.
    """

    self_hosted: tuple[CostPoint, ...] = ()
    serverless: tuple[CostPoint, ...] = ()
    self_hosted_name: str = "self-hosted"
    serverless_name: str = "serverless"
    now_rps: float | None = None
    break_even_rps: float | None = None
    break_even_interval_rps: tuple[float, float] | None = None
    capacity_rps: float | None = None
    reason: str = ""
    now_interval_rps: tuple[float, float] | None = None


class CostChart(Panel):
    """The chart at any size."""

    BORDER_TITLE = "Cost by load"

    view: reactive[CostChartView] = reactive(CostChartView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the chart."""
        return draw(self.view, width, height)


def draw(view: CostChartView, width: int, height: int) -> list[Content]:
    """Return plot, axis and legend."""
    if len(view.self_hosted) < 2 or len(view.serverless) < 2:
        reason = safe(view.reason) or "prices and a load are needed"
        return [styled(text) for text in wrap_to(f"chart — {reason}", width, height)]
    legend = _legend(view, width)
    plot_height = height - len(legend) - 1
    if plot_height < 2:
        return legend[:height]
    points = [*view.self_hosted, *view.serverless]
    last_rps = max(rps for rps, _ in points)
    top = max(usd for _, usd in points)
    gutter = len(fmt.short_usd(top)) + 1
    room = width - gutter
    rows = _plot(view, last_rps, float(top), room, plot_height)
    labels = {
        0: fmt.short_usd(top),
        plot_height // 2: fmt.short_usd(top / 2),
        plot_height - 1: "$0",
    }
    if plot_height < 5:
        labels = {0: fmt.short_usd(top), plot_height - 1: "$0"}
    drawn = [
        line((labels.get(at, "").rjust(gutter - 1) + " ", "$foreground-muted"), row)
        for at, row in enumerate(rows)
    ]
    axis = bars.axis(0, last_rps, room, " req/s")
    return [*drawn, styled(" " * gutter + axis, "$foreground-muted"), *legend]


def _plot(
    view: CostChartView, last_rps: float, top: float, width: int, height: int
) -> list[Content]:
    hosted, api = BrailleCanvas(width, height), BrailleCanvas(width, height)
    for canvas, points in ((hosted, view.self_hosted), (api, view.serverless)):
        _trace(canvas, points, last_rps, top, dashed=canvas is api)
    over: dict[int, tuple[str, str]] = {}
    interval = view.break_even_interval_rps
    if interval is not None:
        low, high = (bars.column(rps, 0, last_rps, width) for rps in interval)
        over |= dict.fromkeys(range(low, high + 1), ("░", "$foreground-disabled"))
    for rps, mark, style in (
        (view.capacity_rps, "┃", "$text-error"),
        (view.break_even_rps, "┊", "$text-warning"),
        (view.now_rps, "╎", "$text-accent"),
    ):
        if rps is not None and rps <= last_rps:
            over[bars.column(rps, 0, last_rps, width)] = (mark, style)
    rows = []
    marks = _marks(view, last_rps, top, width, height)
    for y in range(height):
        row = []
        for x in range(width):
            first, second = hosted.glyph(x, y), api.glyph(x, y)
            if (x, y) in marks:
                row.append(marks[x, y])
            elif first:
                row.append((first, "$text-success"))
            elif second:
                row.append((second, "$text-primary"))
            else:
                row.append(over.get(x, (" ", "")))
        rows.append(line(*row))
    return rows


def _trace(
    canvas: BrailleCanvas, points: Sequence[CostPoint], last_rps: float, top: float, *, dashed: bool
) -> None:
    scaled = [(rps / last_rps, float(usd) / top) for rps, usd in points]
    for (x0, y0), (x1, y1) in itertools.pairwise(scaled):
        canvas.draw_line(x0, y0, x1, y1, dashed=dashed)


def _marks(
    view: CostChartView, last_rps: float, top: float, width: int, height: int
) -> dict[tuple[int, int], tuple[str, str]]:
    """Return the points on the lines: the crossover, and today's load on both lines."""
    marks = _interval_marks(view, last_rps, top, width, height)
    for rps, points, mark, style in (
        (view.now_rps, view.self_hosted, "●", "bold $text-accent"),
        (view.now_rps, view.serverless, "●", "bold $text-accent"),
        (view.break_even_rps, view.serverless, "◆", "bold $text-warning"),
    ):
        usd = cost_at(points, rps)
        if rps is None or usd is None:
            continue
        row = height - 1 - bars.column(usd, 0, top, height)
        marks[bars.column(rps, 0, last_rps, width), row] = (mark, style)
    return marks


def _interval_marks(
    view: CostChartView, last_rps: float, top: float, width: int, height: int
) -> dict[tuple[int, int], tuple[str, str]]:
    """Return what today's load may be, as a bar through its point on the API's line."""
    usd = cost_at(view.serverless, view.now_rps)
    if view.now_interval_rps is None or usd is None:
        return {}
    row = height - 1 - bars.column(usd, 0, top, height)
    low, high = (
        bars.column(min(rps, last_rps), 0, last_rps, width) for rps in view.now_interval_rps
    )
    looks = {low: "├", high: "┤"}
    return {(x, row): (looks.get(x, "─"), "$text-accent") for x in range(low, high + 1)}


def cost_at(points: Sequence[CostPoint], rps: float | None) -> float | None:
    """Return the cost at a load, straight between the points; None outside of them."""
    if rps is None:
        return None
    for (rps0, usd0), (rps1, usd1) in itertools.pairwise(points):
        if rps0 <= rps <= rps1:
            share = 0.0 if rps1 == rps0 else (rps - rps0) / (rps1 - rps0)
            return float(usd0) + share * float(usd1 - usd0)
    return None


def _legend(view: CostChartView, width: int) -> list[Content]:
    hosted, api = safe(view.self_hosted_name), safe(view.serverless_name)
    names = [
        Part(0, (line(("⣀⣀ ", "$text-success"), hosted),)),
        Part(0, (line(("⠄⠄ ", "$text-primary"), api),)),
    ]
    marks = []
    for rank, mark, style, words, value in (
        (1, "●", "$text-accent", ("now", "now"), view.now_rps),
        (0, "◆", "$text-warning", ("break-even", "even"), view.break_even_rps),
        (2, "┃", "$text-error", ("capacity", "cap"), view.capacity_rps),
    ):
        told = fmt.rate(value)
        forms = tuple(line((f"{mark} ", style), f"{word} {told}") for word in words)
        marks.append(Part(rank, forms))
    together = arrange([*names, *marks], width)
    if all(word in together.plain for word in (hosted, api, "break-even", "capacity")):
        return [together]
    return [arrange(names, width), arrange(marks, width)]
