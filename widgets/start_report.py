"""What a start that is over teaches: what was slower than usual, and what would shorten it."""

from collections.abc import Sequence

from textual.content import Content

from backends.domain.startup.advice import Advice, saving_clause, saving_figure
from widgets import format as fmt
from widgets.phase_bars import LONG_NAMES
from widgets.text import Part, arrange, safe, styled, wrap

SLOWER = "▲ slower: "


def report_lines(
    slower: Sequence[str], levers: Sequence[Advice], width: int, height: int
) -> list[Content]:
    """Return the sentences and the levers in at most `height` lines.

    Args:
        slower: sentences, the largest excess first.
        levers: all of them, those of the largest phase first.
        width: in cells.
        height: in lines; with little room the best lever of each phase has one line.
    """
    if height <= 0:
        return []
    best = _best(levers)
    told = [line for sentence in slower for line in _slower(sentence, width)]
    for lines in (
        [*told, *_entries(levers, width, in_full=True)],
        [*told, *_entries(best, width, in_full=True)],
        [*told, *_entries(best, width, in_full=False)],
    ):
        if len(lines) <= height:
            return lines
    short = [_slower(sentence, width)[0] for sentence in slower[:1] if _fits(sentence, width)]
    return [*short, *(_short(advice, width) for advice in best)][:height]


def slower_part(slower: Sequence[str], key: str) -> Part:
    """Return the first sentence as a part of a line, or the key that shows it."""
    if not slower:
        return Part(2, ())
    forms = (f"▲ {safe(slower[0])}", f"▲ slower than usual: press {key}", f"▲ slower: {key}")
    return Part.of(2, *forms, style="$text-warning")


def levers_part(levers: Sequence[Advice], key: str) -> Part:
    """Return how many phases could be shorter, and the key that shows how."""
    number = len(_best(levers))
    if not number:
        return Part(5, ())
    forms = (f"{number} ways to start faster: press {key}", f"faster: press {key}", f"faster: {key}")
    return Part.of(5, *forms, style="$text-accent")


def _best(levers: Sequence[Advice]) -> list[Advice]:
    best: dict[str, Advice] = {}
    for advice in levers:
        best.setdefault(advice.phase, advice)
    return list(best.values())


def _fits(sentence: str, width: int) -> bool:
    return len(_slower(sentence, width)) == 1


def _slower(sentence: str, width: int) -> list[Content]:
    return [styled(text, "$text-warning") for text in wrap(f"{SLOWER}{safe(sentence)}", width)]


def _entries(levers: Sequence[Advice], width: int, *, in_full: bool) -> list[Content]:
    lines: list[Content] = []
    told = None
    for advice in levers:
        if advice.phase is not told:
            told = advice.phase
            lines.append(_heading(advice, width))
        lines += _lever(advice, width) if in_full else [_saves(advice, width)]
    return lines


def _heading(advice: Advice, width: int) -> Content:
    took = f"{fmt.seconds(advice.duration_s)}, {fmt.percent(advice.share)} of the start"
    name = LONG_NAMES[advice.phase]
    return arrange([Part.of(0, f"◆ {name} {took}", style="bold", droppable=False)], width)


def _lever(advice: Advice, width: int) -> list[Content]:
    """Return a lever with all that is known of it, wrapped."""
    saves = f"; {saving_clause(advice.saving)}" if advice.saving else "; saves: not known here"
    texts = (
        (safe(advice.lever), "$text-accent"),
        (f"{advice.effect}{saves}", ""),
        (f"price: {advice.price}", "$foreground-muted"),
    )
    indents = ("  ", "    ", "    ")
    return [
        styled(indent + row, look)
        for indent, (text, look) in zip(indents, texts, strict=True)
        for row in wrap(text, max(1, width - len(indent)))
    ]


def _saves(advice: Advice, width: int) -> Content:
    return arrange([Part.of(0, f"  {safe(advice.lever)}", style="$text-accent"), *_gain(advice)], width)


def _short(advice: Advice, width: int) -> Content:
    """Return a phase with its best lever in one line."""
    name = f"{LONG_NAMES[advice.phase]} {fmt.seconds(advice.duration_s)}"
    lever = safe(advice.lever)
    return arrange(
        [
            Part.of(0, f"◆ {name}", style="bold", droppable=False),
            Part.of(1, lever, lever.partition(" ")[0], style="$text-accent"),
            *_gain(advice),
        ],
        width,
    )


def _gain(advice: Advice) -> list[Part]:
    price = Part.of(4, f"price: {advice.price}", style="$foreground-muted")
    if advice.saving is None:
        return [Part.of(3, "saves: not known"), price]
    figure = f"saves {saving_figure(advice.saving)}"
    forms = (f"{figure} (published)",) if advice.saving.published else (figure,)
    return [Part.of(2, *forms), price]
