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
from widgets.plot import Plot, framed
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
        reason = safe(view.reason) or "needs prices and a load"
        return [styled(text) for text in wrap_to(f"chart — {reason}", width, height)]
    legend = _legend(view, width)
    plot_height = height - len(legend) - 1
    if plot_height < 2:
        return legend[:height]
    points = [*view.self_hosted, *view.serverless]
    last_rps = max(rps for rps, _ in points)
    top = _round_top(max(usd for _, usd in points))
    gutter = len(fmt.short_usd(top)) + 1
    room = width - gutter
    plot = Plot(room, plot_height, x=(0, last_rps), y=(0, float(top)))
    _draw_bounds(plot, view, last_rps)
    _draw_lines(plot, view, room, plot_height)
    _draw_marks(plot, view, last_rps)
    if view.break_even_interval_rps is not None:
        plot.shade(view.break_even_interval_rps, "░", "$warning 15%")
    labels = {0: fmt.short_usd(top), plot_height - 1: "$0"}
    if plot_height >= 5:
        labels[plot_height // 2] = fmt.short_usd(top / 2)
    axis = bars.axis(0, last_rps, room, " req/s")
    return [*(line(*row) for row in framed(plot.rows, labels, axis, gutter)), *legend]


def _round_top(highest: Decimal) -> Decimal:
    """Return the least multiple of a round step that is no lower than the highest cost."""
    step = Decimal(repr(bars.step(float(highest), 4)))
    return -(-highest // step) * step


def _draw_bounds(plot: Plot, view: CostChartView, last_rps: float) -> None:
    """Draw what bounds the load: where the lines cross, and what can be carried."""
    for rps, mark, style in (
        (view.capacity_rps, "┃", "$text-error"),
        (view.break_even_rps, "┊", "$text-warning"),
        (view.now_rps, "╎", "$text-accent"),
    ):
        if rps is not None and rps <= last_rps:
            plot.upright(plot.column(rps), mark, style)


def _draw_lines(plot: Plot, view: CostChartView, width: int, height: int) -> None:
    """Draw both lines in dots of braille, the solid one over the dashed one."""
    last_rps, top = plot.x[1], plot.y[1]
    for points, style, dashed in (
        (view.serverless, "$text-primary", True),
        (view.self_hosted, "$text-success", False),
    ):
        canvas = BrailleCanvas(width, height)
        scaled = [(rps / last_rps, float(usd) / top) for rps, usd in points]
        for (x0, y0), (x1, y1) in itertools.pairwise(scaled):
            canvas.draw_line(x0, y0, x1, y1, dashed=dashed)
        for row, column in itertools.product(range(height), range(width)):
            if glyph := canvas.glyph(column, row):
                plot.put(column, row, glyph, style)


def _draw_marks(plot: Plot, view: CostChartView, last_rps: float) -> None:
    """Draw the points on the lines: the crossover, and today's load and what it may be."""
    usd = cost_at(view.serverless, view.now_rps)
    if view.now_interval_rps is not None and usd is not None:
        low, high = (min(rps, last_rps) for rps in view.now_interval_rps)
        row = plot.row(usd)
        plot.across(row, "─", "$text-accent", x=(low, high))
        plot.put(plot.column(low), row, "├", "$text-accent")
        plot.put(plot.column(high), row, "┤", "$text-accent")
    for rps, points, mark, style in (
        (view.now_rps, view.self_hosted, "●", "bold $text-accent"),
        (view.now_rps, view.serverless, "●", "bold $text-accent"),
        (view.break_even_rps, view.serverless, "◆", "bold $text-warning"),
    ):
        usd = cost_at(points, rps)
        if rps is not None and usd is not None:
            plot.put(plot.column(rps), plot.row(usd), mark, style)


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
