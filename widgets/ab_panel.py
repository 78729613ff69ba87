"""The A/B panel: targets side by side, every run as a dot, and what the difference is worth."""

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from backends.domain.ab.run import Difference
from backends.domain.format import UNKNOWN
from widgets.panel import Panel
from widgets.run_dots import TargetRuns, dot_lines
from widgets.target_pane import PAST_LINES, TargetView
from widgets.target_pane import draw as draw_target
from widgets.text import Part, arrange, first_fitting, safe, styled, wrap, wrap_to

_VERDICTS = {
    "a_faster": ("◀ A FASTER", "$text-success bold"),
    "b_faster": ("▶ B FASTER", "$text-success bold"),
    "too_close": ("≈ TOO CLOSE", "$text-warning bold"),
}
_LEAST_TARGET_WIDTH = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """One target against another, or against itself in the past.

    Attributes:
        this: the target in question, for example ``C``.
        other: what it is compared with: a target, or the date of a recorded series.
        difference: of `this` against `other`, None while there are too few runs.
        why_not: why the two cannot be compared, empty where they can.
    """

    this: str
    other: str
    difference: Difference | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class AbView:
    """An A/B of two to four targets.

    Attributes:
        past: targets of a recorded series, beside the live ones where there is room.
        comparisons: what there is beyond targets A and B, one line each.
        prompt: what is sent, and to be sent next, for example ``prompt paragraph, 220 tokens``.
        notes: how a recorded series was measured and what it found, a paragraph each.
        figure: what the dots and the difference are about, for example ``TTFT``.
        runs: one for each target, empty before the first run ended.
        difference: of target b against target a, None while there are too few runs.
        done: runs that ended, of `planned` in all targets together.
        not_comparable: why the targets cannot be compared, as short sentences.
        client_limited: how the client itself may have disturbed the runs, empty where it did not.
        running: an A/B is under way.
        cut_short: why it ended before all planned runs, such as ``cancelled``; else empty.
        one_key: the key that sends the prompt once to each target.
        series_key: the key that runs a series.
        reason: why no A/B can be run now, empty where one can.
    """

    targets: tuple[TargetView, ...] = ()
    figure: str = "TTFT"
    runs: tuple[TargetRuns, ...] = ()
    difference: Difference | None = None
    done: int = 0
    planned: int = 0
    eta_s: float | None = None
    not_comparable: tuple[str, ...] = ()
    running: bool = False
    cut_short: str = ""
    one_key: str = "a"
    series_key: str = "A"
    reason: str = ""
    past: tuple[TargetView, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    client_limited: str = ""
    notes: tuple[str, ...] = ()
    prompt: str = ""


class AbPanel(Panel):
    """The targets, their dots, and the difference."""

    BORDER_TITLE = "A/B"

    view: reactive[AbView] = reactive(AbView(), repaint=False)

    def watch_view(self) -> None:
        """Redraw what changed; the title says which prompt it is about."""
        title = f"A/B  {safe(self.view.prompt)}".rstrip()
        if self.border_title != title:
            self.border_title = title
        super().watch_view()

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the targets, their dots below, and the difference."""
        return draw(self.view, width, height)


def draw(view: AbView, width: int, height: int) -> list[Content]:
    """Return the panel's lines; the difference stays whatever the size."""
    if not view.targets and not view.past:
        return _empty(view, width, height)
    most = max(1, height - (2 if _abreast(view, width) else len(_shown(view, width))))
    room = height - min(most, len(_foot(view, width, progress=False)))
    dot_height = _dot_height(view, width, room)
    with_axis = dot_height > len(view.runs)
    # The axis has room for a number alone, not for why a series ended early.
    beside_axis = () if view.cut_short else _progress(view)
    dots = dot_lines(view.runs, width, dot_height, beside_axis)
    foot = _foot(view, width, progress=not (dots and with_axis and beside_axis))[:most]
    targets = _targets(view, width, height - len(foot) - len(dots))
    if not view.targets:
        targets = _with_notes(view, targets, width)
    return [*targets, *dots, *foot][:height]


def _with_notes(view: AbView, targets: list[Content], width: int) -> list[Content]:
    """Return the targets of a recorded series with its notes in the room that they leave empty."""
    told = [styled(text, "$foreground-muted") for note in view.notes for text in wrap(note, width)]
    room = len(targets) - PAST_LINES - 1
    if room <= 0 or not _abreast(view, width):
        return targets
    rows = [Content(""), *told[:room]]
    return [*targets[:PAST_LINES], *rows, *[Content("")] * (len(targets) - PAST_LINES - len(rows))]


def _empty(view: AbView, width: int, height: int) -> list[Content]:
    one, series = view.one_key, view.series_key
    prompt = safe(view.prompt or "one prompt")
    forms: tuple[str, ...] = (
        f"A/B  {one}: {prompt}, to both targets at once   {series}: a series of 20 runs each",
        f"A/B  {one}: one prompt to both targets at once   {series}: a series of 20 runs each",
        f"A/B  {one}: one run   {series}: a series of 20",
    )
    if view.reason:
        forms = (f"A/B — {safe(view.reason)}", f"A/B — {safe(view.reason).partition(':')[0]}")
    return [styled(first_fitting(width, *forms), "$foreground-muted")][:height]


def _dot_height(view: AbView, width: int, room: int) -> int:
    """Return the lines for dots: none where the targets would lose their two lines of figures."""
    rows, abreast = len(view.runs), bool(_abreast(view, width))
    least = 2 if abreast else len(_shown(view, width))
    if room - rows - 1 >= least + 3 or (not abreast and room - rows - 1 == least):
        return rows + 1
    return rows if room - rows >= least else 0


def _targets(view: AbView, width: int, height: int) -> list[Content]:
    if height < 1:
        return []
    each = _abreast(view, width)
    if not each:
        return _stacked(view, width, height)
    drawn = [draw_target(target, each, height) for target in _shown(view, width)]
    bar = styled(" │ ", "$foreground-muted")
    padded = [[row.pad_right(each - row.cell_length) for row in target] for target in drawn]
    return [bar.join(across) for across in zip(*padded, strict=True)]


def _shown(view: AbView, width: int) -> tuple[TargetView, ...]:
    """Return the targets that get a pane: those of the past only where all fit side by side."""
    every = (*view.targets, *view.past)
    return every if not view.targets or _each(len(every), width) else view.targets


def _each(count: int, width: int) -> int:
    each = (width - 3 * (count - 1)) // count
    return each if each >= _LEAST_TARGET_WIDTH else 0


def _abreast(view: AbView, width: int) -> int:
    """Return the cells of each target side by side, 0 where they are too narrow for that."""
    return _each(len(_shown(view, width)), width)


def _stacked(view: AbView, width: int, height: int) -> list[Content]:
    """Return the targets one below the other, two to a line where they are more than the lines."""
    targets = _shown(view, width)
    count = len(targets)
    if height >= count:
        each = height // count
        return [row for target in targets for row in draw_target(target, width, each)]
    half = (width - 3) // 2
    drawn = [row for target in targets for row in draw_target(target, half, 1)]
    bar = styled(" │ ", "$foreground-muted")
    pairs = [drawn[at : at + 2] for at in range(0, count, 2)]
    return [bar.join([pair[0].pad_right(half - pair[0].cell_length), *pair[1:]]) for pair in pairs][
        :height
    ]


def _foot(view: AbView, width: int, *, progress: bool) -> list[Content]:
    """Return the lines about all targets: warnings first, then difference and progress."""
    lines = []
    for warning in view.not_comparable[:1]:
        more = len(view.not_comparable) - 1
        told = f"▲ NOT COMPARABLE: {safe(warning)}" + (f" (and {more} more)" if more else "")
        lines += [styled(text, "$text-warning") for text in wrap_to(told, width, 1)]
    if view.client_limited:
        told = f"▲ CLIENT LIMITED: {safe(view.client_limited)}"
        lines += [styled(text, "$text-warning") for text in wrap_to(told, width, 1)]
    if view.targets or not view.comparisons:
        shown = [*_difference(view), *(_progress(view) if progress else ())]
        lines.append(arrange(shown, width))
    return [*lines, *(arrange(_compared(view, each), width) for each in view.comparisons)]


def _compared(view: AbView, each: Comparison) -> list[Part]:
    """Return one target against another as a line."""
    against = Part.of(
        0,
        f"{each.this} against {safe(each.other)}",
        f"{each.this} ~ {safe(each.other)}",
        style="bold",
        droppable=False,
    )
    if each.why_not:
        told = f"▲ NOT COMPARABLE: {safe(each.why_not)}"
        return [
            against,
            Part.of(1, told, "▲ NOT COMPARABLE", style="$text-warning", droppable=False),
        ]
    found = each.difference
    if found is None:
        return [against, Part.of(1, "not enough runs", UNKNOWN)]
    close = found.verdict == "too_close"
    word, style = _VERDICTS["too_close"]
    if not close:
        word = f"▶ {each.this} " + ("FASTER" if found.verdict == "b_faster" else "SLOWER")
        style = "$text-success bold" if found.verdict == "b_faster" else "$text-error bold"
    return [
        against,
        Part.of(0, word, style=style, droppable=False),
        _shift(view.figure, found, signed=close, word="by"),
    ]


def _difference(view: AbView) -> list[Part]:
    difference = view.difference
    if difference is None:
        return [Part.of(1, f"{view.figure} difference — not enough runs", f"{view.figure} —")]
    if view.not_comparable:
        return [_shift(view.figure, difference, signed=True)]
    word, style = _VERDICTS[difference.verdict]
    close = difference.verdict == "too_close"
    parts = [Part.of(0, word, style=style, droppable=False)]
    parts.append(_shift(view.figure, difference, signed=close))
    if close and difference.smallest_detectable is not None:
        least = fmt.latency(difference.smallest_detectable)
        parts.append(Part.of(4, f"{least} would have been seen", style="$foreground-muted"))
    return parts


def _shift(figure: str, difference: Difference, *, signed: bool, word: str = "B−A") -> Part:
    """Return the difference: signed as `word` says, or by how much the faster target leads."""
    values = (difference.shift, *difference.ci95)
    if not signed:
        low, high = sorted(abs(value) for value in difference.ci95)
        values = (abs(difference.shift), low, high)
    (shift, low_text, high_text), unit = fmt.latencies(*values, signed=signed)
    between = f"{low_text} to {high_text}"
    word = word if signed else "by"
    return Part.of(
        1,
        f"{figure} {word} {shift} {unit}, 95 % interval {between} {unit}",
        f"{figure} {word} {shift} {unit} (95 %: {between})",
        f"{word} {shift} {unit} ({between})",
        f"{shift} {unit} ({between})",
        droppable=False,
    )


def _progress(view: AbView) -> list[Part]:
    if not view.planned:
        return []
    done = f"{view.done}/{view.planned}"
    if view.cut_short:
        why = safe(view.cut_short)
        ended = (f"runs {done}, {why}", f"{done}, {why}", f"{done}, cut short", done)
        return [Part.of(2, *ended, style="$text-warning")]
    if view.eta_s is None or not view.running:
        return [Part.of(2, f"runs {done}", done, style="$foreground-muted")]
    left = fmt.about(view.eta_s)
    forms = (f"runs {done}, ETA {left}", f"{done}, ETA {left}", f"{done}, ~{left}", done)
    return [Part.of(2, *forms, style="$foreground-muted")]
