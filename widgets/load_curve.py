"""The curve of a load: first tokens over the rate, with the limit that ends it."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets import bars
from widgets.panel import Panel
from widgets.text import Part, arrange, line, safe, styled, wrap_to


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One rate that was held.

    Attributes:
        outcome: ``unknown`` where no request counted.
        why: why it broke, in a few words.
    """

    rps: float
    ttft_s: float | None = None
    ttft_max_s: float | None = None
    tokens_per_s: float | None = None
    streams: int | None = None
    outcome: Literal["kept", "broke", "unknown"] = "kept"
    why: str = ""


@dataclass(frozen=True, slots=True)
class LoadView:
    """A load while it runs, or as it was recorded.

    Attributes:
        points: in order of rate.
        limit_s: the TTFT that 99 of 100 requests must keep.
        now_rps: the rate that is held now, None when it is over.
        now_left_s: how long it will still be held.
        finding: the capacity in a sentence, empty while it runs.
        bounds: what ends it in any case.
        ended: why it ended and what it cost.
    """

    endpoint: str = ""
    points: tuple[CurvePoint, ...] = ()
    limit_s: float = 1.0
    now_rps: float | None = None
    now_left_s: float | None = None
    finding: str = ""
    bounds: str = ""
    ended: str = ""


class LoadCurve(Panel):
    """The curve above, its figures below."""

    BORDER_TITLE = "Load"

    view: reactive[LoadView] = reactive(LoadView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return what was found, the curve, and a table of the rates."""
        return draw(self.view, width, height)


def draw(view: LoadView, width: int, height: int) -> list[Content]:
    """Return the lines; what was found stays whatever the size."""
    head = _head(view, width)
    rows = _table(view, width)
    room = height - len(head)
    table = min(len(rows), max(0, room // 2)) if room - len(rows) < 6 else len(rows)
    plot = _plot(view, width, room - table)
    return [*head, *plot, *rows[len(rows) - table :]][:height]


def _head(view: LoadView, width: int) -> list[Content]:
    lines = []
    if view.finding:
        lines += [styled(text, "bold") for text in wrap_to(safe(view.finding), width, 3)]
    elif view.now_rps is not None:
        left = "" if view.now_left_s is None else f", {fmt.about(view.now_left_s)} left"
        told = f"▶ {fmt.rate(view.now_rps)} req/s at {safe(view.endpoint)}{left}"
        lines.append(styled(told, "$text-accent bold"))
    for told in (view.ended, view.bounds):
        if told:
            lines += [styled(row, "$foreground-muted") for row in wrap_to(safe(told), width, 2)]
    return lines


def _plot(view: LoadView, width: int, height: int) -> list[Content]:
    """Return median and slowest first token of each rate on one axis; the limit is a line."""
    timed = [point for point in view.points if point.ttft_s is not None]
    if height < 4 or not timed:
        told = "○ no rate was held long enough yet" if not timed else ""
        return [styled(told, "$foreground-muted")] if told and height > 0 else []
    last = max(point.rps for point in timed)
    # One stuck request must not press the whole curve to the floor.
    high = max(view.limit_s, *(point.ttft_s for point in timed if point.ttft_s)) * 1.1
    top_label = fmt.latency(high)
    gutter = max(len(top_label), len("limit")) + 1
    room, rows = width - gutter, height - 1
    limit = rows - 1 - bars.column(view.limit_s, 0, high, rows)
    cells = [[(" ", "")] * room for _ in range(rows)]
    cells[limit] = [("┄", "$text-error")] * room
    for point in timed:
        _mark(cells, point, last, high)
    labels = {0: top_label, limit: "limit", rows - 1: "0"}
    drawn = [
        line((labels.get(y, "").rjust(gutter - 1) + " ", "$foreground-muted"), *row)
        for y, row in enumerate(cells)
    ]
    axis = bars.axis(0, last, room, " req/s")
    return [*drawn, styled(" " * gutter + axis, "$foreground-muted")]


def _mark(cells: list[list[tuple[str, str]]], point: CurvePoint, last: float, high: float) -> None:
    rows, room = len(cells), len(cells[0])
    assert point.ttft_s is not None
    broke = point.outcome == "broke"
    style = "$text-error" if broke else "$text-success"
    x = bars.column(point.rps, 0, last, room)
    low = rows - 1 - bars.column(point.ttft_s, 0, high, rows)
    top = rows - 1 - bars.column(point.ttft_max_s or point.ttft_s, 0, high, rows)
    for y in range(top, low):
        cells[y][x] = ("│", style)
    cells[low][x] = ("✖" if broke else "●", f"bold {style}")


def _table(view: LoadView, width: int) -> list[Content]:
    looks = {
        "kept": ("●", "kept", "$text-success"),
        "broke": ("✖", "broke", "$text-error"),
        "unknown": ("◌", "unknown", "$foreground-muted"),
    }
    rows = []
    for point in view.points:
        glyph, word, style = looks[point.outcome]
        why = safe(point.why)
        parts = [
            Part.of(0, f"{glyph} {fmt.rate(point.rps):>6} req/s", style=style, droppable=False),
            Part.of(1, f"{word:<7}", word, style=style),
            Part.of(0, f"TTFT {fmt.latency(point.ttft_s):>8}", droppable=False),
            Part.of(2, f"slowest {fmt.latency(point.ttft_max_s):>8}"),
            Part.of(1, f"{fmt.rate(point.tokens_per_s):>7} tok/s"),
            Part.of(2, f"{fmt.count(point.streams):>4} streams"),
            Part.of(4, why, style="$foreground-muted"),
        ]
        rows.append(arrange(parts, width))
    return rows
