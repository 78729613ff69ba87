"""One lane of an A/B: the text as it streams, and its live figures."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content
from textual.reactive import reactive

from backends.domain.run import LaneName, LaneSummary
from widgets import format as fmt
from widgets.panel import Panel
from widgets.text import (
    UNKNOWN,
    Part,
    arrange,
    cells,
    first_fitting,
    fit_name,
    safe,
    styled,
    wrap,
    wrap_to,
)

LaneState = Literal["idle", "waiting", "reasoning", "streaming", "done", "error"]

_LOOKS: dict[LaneState, tuple[str, str]] = {
    "idle": ("○", "$foreground-muted"),
    "waiting": ("◔", "$text-accent"),
    "reasoning": ("◑", "$text-accent"),
    "streaming": ("▶", "$text-accent"),
    "done": ("✔", "$text-success"),
    "error": ("✖", "$text-error"),
}


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of what the model wrote; `reasoning` is what it only thought."""

    text: str
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane, in its current or last run.

    Attributes:
        ttft_s: of the run shown, None while no token has come.
        waited_s: since the request was sent, shown while no token has come.
        tokens: generated so far, None where the endpoint does not tell.
        run: 1-based number of the run shown, with `runs` the number planned.
        summary: of all runs so far.
    """

    lane: LaneName = "a"
    endpoint: str = ""
    model: str = ""
    state: LaneState = "idle"
    text: tuple[TextPiece, ...] = ()
    ttft_s: float | None = None
    waited_s: float | None = None
    tokens_per_s: float | None = None
    tokens: int | None = None
    error: str = ""
    run: int | None = None
    runs: int | None = None
    summary: LaneSummary | None = None


class LanePane(Panel):
    """One lane in a box of its own."""

    view: reactive[LaneView] = reactive(LaneView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return title, figures, the tail of the text and the summary."""
        return draw(self.view, width, height)


def draw(view: LaneView, width: int, height: int) -> list[Content]:
    """Return the lane in exactly `height` lines: title, figures, text, and summary at the end."""
    head = [_title(view, width), _figures(view, width)][:height]
    summary = _summary(view, width) if height >= 5 else []
    room = height - len(head) - len(summary)
    if view.error:
        body = [styled(text, "$text-error") for text in wrap_to(safe(view.error), width, room)]
    else:
        body = text_tail(view.text, width, room)
    blank = [Content("")] * max(0, room - len(body))
    return [*head, *body, *blank, *summary]


def _title(view: LaneView, width: int) -> Content:
    name, model = safe(view.endpoint) or UNKNOWN, safe(view.model)
    run = "" if view.run is None or view.runs is None else f"run {view.run}/{view.runs}"
    room = max(4, width - 3)
    forms = tuple(fit_name(model, cut) for cut in (60, 30, 20, 12)) if model else ("",)
    parts = [
        Part.of(
            0,
            f"{view.lane.upper()} {name}",
            f"{view.lane.upper()} {fit_name(name, room)}",
            style="bold",
            droppable=False,
        ),
        Part.of(2, *forms, style="$foreground-muted"),
        Part.of(3, run, style="$foreground-muted"),
    ]
    return arrange(parts, width)


def _figures(view: LaneView, width: int) -> Content:
    glyph, style = _LOOKS[view.state]
    parts = [Part.of(1, f"{glyph} {view.state}", glyph, style=style, droppable=False)]
    if view.state in {"idle", "error"} and view.ttft_s is None:
        return arrange(parts, width)
    if view.ttft_s is None and view.waited_s is not None:
        waited = fmt.milliseconds(view.waited_s)
        return arrange([*parts, Part.of(0, f"TTFT >{waited}", f">{waited}")], width)
    ttft, speed = fmt.milliseconds(view.ttft_s), fmt.rate(view.tokens_per_s)
    parts += [
        Part.of(0, f"TTFT {ttft}", ttft, style="bold", droppable=False),
        Part.of(0, f"{speed} tok/s", f"{speed}/s", droppable=False),
        Part.of(2, f"{fmt.count(view.tokens)} tokens", f"{fmt.count(view.tokens)} tok"),
    ]
    return arrange(parts, width)


def _summary(view: LaneView, width: int) -> list[Content]:
    summary = view.summary
    if summary is None or not summary.n:
        return []
    ttft, speed = summary.ttft_s, summary.output_tokens_per_s
    median = fmt.milliseconds(ttft.median if ttft else None)
    middle = fmt.rate(speed.median if speed else None)
    errors = f"{summary.errors} error{'s' if summary.errors > 1 else ''}"
    parts = [
        Part.of(0, f"median of {summary.n}: {median}", f"n={summary.n} {median}", droppable=False),
        Part.of(1, f"{middle} tok/s", f"{middle}/s"),
    ]
    if summary.errors:
        parts.append(Part.of(0, f"✖ {errors}", f"✖ {summary.errors}", style="$text-error"))
    return [arrange(parts, width)]


def text_tail(pieces: tuple[TextPiece, ...], width: int, height: int) -> list[Content]:
    """Return the last `height` lines of the text; reasoning is dimmed behind a bar and a word."""
    if height <= 0 or width <= 0:
        return []
    lines: list[Content] = []
    for piece in reversed(pieces):
        if len(lines) >= height:
            break
        lines = [*_piece_lines(piece, width, height - len(lines)), *lines]
    return lines[-height:]


def _piece_lines(piece: TextPiece, width: int, height: int) -> list[Content]:
    """Return the tail of one piece; only so much text is wrapped as can be seen."""
    mark = "┆ " if piece.reasoning else ""
    room = width - cells(mark)
    seen = piece.text[-(room * height * 2) :]
    rows = wrap(safe(seen, keep_newlines=True).strip("\n"), max(1, room))
    if piece.reasoning and len(rows) < height:
        rows.insert(0, first_fitting(room, "(reasoning)", "(think)", ""))
    style = "$foreground-muted italic" if piece.reasoning else ""
    return [styled(mark + row, style) for row in rows[-height:]]
