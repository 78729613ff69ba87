"""The curve of a load: first tokens over the rate, with the limit that ends it."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets.load_plot import CurvePoint, load_plot
from widgets.panel import Panel
from widgets.text import Part, arrange, line, safe, styled, wrap_to


@dataclass(frozen=True, slots=True)
class LoadView:
    """A load while it runs, or as it was recorded.

    Attributes:
        points: in order of rate.
        limit_s: the TTFT that 99 of 100 requests must keep.
        now_rps: the rate that is held now, None when it is over.
        now_left_s: how long it will still be held.
        finding: the capacity in a sentence, empty while it runs.
        replay: what is sent of recorded traffic, and how that went; empty without any.
        bounds: what ends it in any case.
        ended: why it ended and what it cost.
    """

    endpoint: str = ""
    points: tuple[CurvePoint, ...] = ()
    limit_s: float = 1.0
    now_rps: float | None = None
    now_left_s: float | None = None
    finding: str = ""
    replay: tuple[str, ...] = ()
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
    for told in (*view.replay, view.ended, view.bounds):
        if told:
            lines += [styled(row, "$foreground-muted") for row in wrap_to(safe(told), width, 2)]
    return lines


def _plot(view: LoadView, width: int, height: int) -> list[Content]:
    drawn = load_plot(view.points, view.limit_s, width, height) if height >= 4 else []
    if drawn or height <= 0 or any(point.ttft_s is not None for point in view.points):
        return [line(*row) for row in drawn]
    return [styled("○ no rate was held long enough yet", "$foreground-muted")]


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
