"""One target of an A/B: the text as it streams, and its live figures."""

from dataclasses import dataclass
from typing import Literal

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.ab.live import TextPiece
from backends.domain.ab.run import TargetName, TargetSummary
from backends.domain.format import UNKNOWN
from widgets.text import Part, arrange, cells, first_fitting, fit_name, safe, styled, wrap, wrap_to

TargetState = Literal["idle", "waiting", "reasoning", "streaming", "done", "cancelled", "error"]

_LOOKS: dict[TargetState, tuple[str, str, str]] = {
    "idle": ("○", "idle", "$foreground-muted"),
    "waiting": ("◔", "wait", "$text-accent"),
    "reasoning": ("◑", "think", "$text-accent"),
    "streaming": ("▶", "live", "$text-accent"),
    "done": ("✔", "done", "$text-success"),
    "cancelled": ("■", "stop", "$foreground-muted"),
    "error": ("✖", "error", "$text-error"),
}
"""Glyph, short word and style of each state."""
_LONGEST_PARAGRAPH = 4_000

PAST_LINES = 5
"""Lines of a recorded target: its title, its date, and three figures."""


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target, in its current or last run.

    Attributes:
        ttft_s: of the run shown, None while no token has come.
        waited_s: since the request was sent, shown while no token has come.
        tokens: generated so far, None where the endpoint does not tell.
        run: 1-based number of the run shown, with `runs` the number planned.
        summary: of all runs so far.
        spent: what the target cost so far, as text; ``UNPRICED`` where nobody can tell.
        input_tokens: of the prompt, as the endpoint counts it.
        cold_s: the longest cold start that came before a run, outside its figures; None for none.
        when: date and time of a series of the past, empty for one that is live.
    """

    target: TargetName = "a"
    endpoint: str = ""
    model: str = ""
    state: TargetState = "idle"
    text: tuple[TextPiece, ...] = ()
    ttft_s: float | None = None
    waited_s: float | None = None
    tokens_per_s: float | None = None
    tokens: int | None = None
    error: str = ""
    run: int | None = None
    runs: int | None = None
    summary: TargetSummary | None = None
    spent: str = ""
    input_tokens: int | None = None
    when: str = ""
    cold_s: float | None = None


def draw(view: TargetView, width: int, height: int) -> list[Content]:
    """Return the target in exactly `height` lines: title, figures, text, and summary at the end."""
    if height <= 1:
        return [_only_line(view, width)][:height]
    if view.when:
        return _past(view, width, height)
    head = [_title(view, width), arrange(_figures(view), width)]
    summary = _summary(view, width) if height >= 5 else []
    room = height - len(head) - len(summary)
    if view.error:
        style = _LOOKS[view.state][2]
        body = [styled(text, style) for text in wrap_to(safe(view.error), width, room)]
    else:
        body = text_tail(view.text, width, room)
    blank = [Content("")] * max(0, room - len(body))
    return [*head, *body, *blank, *summary]


def label(target: TargetName, *, past: bool) -> str:
    """Return a target's letter, with a prime where it is one of the past."""
    return f"{target.upper()}′" if past else target.upper()


def _past(view: TargetView, width: int, height: int) -> list[Content]:
    """Return a target of a series that was recorded: its figures, for its text was not kept."""
    summary = view.summary
    figures = (
        ("TTFT", summary.ttft_s if summary else None, fmt.latency),
        ("tok/s", summary.output_tokens_per_s if summary else None, fmt.rate),
        ("in all", summary.e2e_s if summary else None, fmt.latency),
    )
    lines = [_title(view, width), _recorded(view, width)]
    for name, spread, told in figures:
        if spread is None:
            lines.append(styled(f"{name:<7}{UNKNOWN}"))
            continue
        middle, between = told(spread.median), f"{told(spread.p25)} to {told(spread.p75)}"
        parts = [
            Part.of(0, f"{name:<7}{middle}", droppable=False),
            Part.of(1, between, style="$foreground-muted"),
        ]
        lines.append(arrange(parts, width))
    blank = [Content("")] * max(0, height - len(lines))
    return [*lines, *blank][:height]


def _recorded(view: TargetView, width: int) -> Content:
    count = view.summary.n if view.summary else 0
    errors = view.summary.errors if view.summary else 0
    parts = [
        Part.of(0, f"◷ {view.when}", style="$text-accent", droppable=False),
        Part.of(1, f"{count} runs", f"n={count}"),
        Part.of(2, _tokens(view), style="$foreground-muted"),
    ]
    if errors:
        parts.append(Part.of(0, f"✖ {errors}", style="$text-error"))
    return arrange(parts, width)


def _tokens(view: TargetView) -> str:
    return f"{fmt.count(view.input_tokens)} in, {fmt.count(view.tokens)} out"


def _only_line(view: TargetView, width: int) -> Content:
    target, name = label(view.target, past=bool(view.when)), safe(view.endpoint)
    forms = tuple(f"{target} {fit_name(name, room)}" for room in (40, 16, 10, 7))
    named = Part.of(1, *forms, target, style="bold", droppable=False)
    if view.when:
        return arrange([named, Part.of(0, f"◷ {view.when}", droppable=False)], width)
    if view.error:
        glyph, word, style = _LOOKS[view.state]
        told = Part.of(
            4, f"{glyph} {safe(view.error)}", f"{glyph} {word}", style=style, droppable=False
        )
        return arrange([named, told], width)
    return arrange([named, *_figures(view)], width)


def _title(view: TargetView, width: int) -> Content:
    name, model = safe(view.endpoint) or UNKNOWN, safe(view.model)
    run = "" if view.run is None or view.runs is None else f"run {view.run}/{view.runs}"
    room = max(4, width - 3)
    target = label(view.target, past=bool(view.when))
    forms = tuple(fit_name(model, cut) for cut in (60, 30, 20, 12)) if model else ("",)
    parts = [
        Part.of(
            0,
            f"{target} {name}",
            f"{target} {fit_name(name, room)}",
            style="bold",
            droppable=False,
        ),
        Part.of(3, *forms, style="$foreground-muted"),
        Part.of(1, run, run.removeprefix("run "), style="$foreground-muted"),
    ]
    if view.spent:
        parts.append(Part.of(2, f"spent {view.spent}", view.spent, style="$text-accent"))
    return arrange(parts, width)


def _figures(view: TargetView) -> list[Part]:
    """Return state, TTFT, speed and tokens; TTFT and speed outlast the others."""
    glyph, word, style = _LOOKS[view.state]
    state = Part.of(
        2, f"{glyph} {view.state}", f"{glyph} {word}", glyph, style=style, droppable=False
    )
    if view.ttft_s is None and view.state in {"idle", "cancelled", "error"}:
        return [state]
    if view.ttft_s is None and view.waited_s is not None:
        waited = fmt.latency(view.waited_s)
        return [state, Part.of(1, f"TTFT >{waited}", f">{waited}", droppable=False)]
    ttft, speed = fmt.latency(view.ttft_s), fmt.rate(view.tokens_per_s)
    return [
        state,
        Part.of(0, f"TTFT {ttft}", ttft, style="bold", droppable=False),
        Part.of(1, f"{speed} tok/s", f"{speed}/s", droppable=False),
        Part.of(4, _counted(view), f"{fmt.count(view.tokens)} tok"),
        *([] if view.cold_s is None else [_cold(view.cold_s)]),
    ]


def _cold(cold_s: float) -> Part:
    return Part.of(
        3, f"❄ cold start {fmt.latency(cold_s)}", f"❄ {fmt.latency(cold_s)}", style="$text-accent"
    )


def _counted(view: TargetView) -> str:
    if view.input_tokens is None:
        return f"{fmt.count(view.tokens)} tokens"
    return f"{fmt.count(view.input_tokens)} → {fmt.count(view.tokens)} tokens"


def _summary(view: TargetView, width: int) -> list[Content]:
    summary = view.summary
    if summary is None or not summary.n:
        return []
    ttft, speed = summary.ttft_s, summary.output_tokens_per_s
    median = fmt.latency(ttft.median if ttft else None)
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
    seen = piece.text[_tail_begin(piece.text, room * height) :]
    rows = wrap(safe(seen, keep_newlines=True).strip("\n"), max(1, room))
    if piece.reasoning and len(rows) < height:
        rows.insert(0, first_fitting(room, "(reasoning)", "(think)", ""))
    style = "$foreground-muted italic" if piece.reasoning else ""
    return [styled(mark + row, style) for row in rows[-height:]]


def _tail_begin(text: str, shown: int) -> int:
    """Return where to begin wrapping: at a fixed place, so that lines stay put as text arrives."""
    latest = max(0, len(text) - shown * 2)
    paragraph = text.rfind("\n", 0, latest) + 1
    if latest - paragraph <= _LONGEST_PARAGRAPH:
        return paragraph
    return latest // _LONGEST_PARAGRAPH * _LONGEST_PARAGRAPH
