"""What a start that is over teaches: what was slower than usual, and what would shorten it."""

from collections.abc import Callable, Sequence

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.start import PHASE_TITLES
from backends.domain.startup.lessons import (
    Advice,
    Slower,
    saving_clause,
    saving_figure,
    slower_clause,
    slower_sentence,
)
from widgets.text import Part, arrange, safe, styled, wrap

SLOWER = "▲ slower: "

Drawn = Callable[[Advice, int], list[Content]]


def report_lines(
    slower: Sequence[Slower], levers: Sequence[Advice], key: str, width: int, height: int
) -> list[Content]:
    """Return what was slower and the levers in at most `height` lines.

    Args:
        slower: the largest excess first.
        levers: all of them, those of the largest phase first.
        key: gives the panel the whole screen, which shows what has no room here.
        width: in cells.
        height: in lines; with little room the best lever of each phase has one line.
    """
    if height <= 0:
        return []
    best = _best(levers)
    told = [line for slow in slower for line in _slower(slow, width)]
    everything = [*told, *_entries([(advice, _lever) for advice in levers], width)]
    if len(everything) <= height:
        return everything
    fitting = _fitting(best, width, height - len(told))
    if fitting:
        return [*told, *fitting]
    first = [arrange([slower_part(slower, key)], width)] if slower else []
    return [*first, *(_short(advice, width) for advice in best)][:height]


def slower_part(slower: Sequence[Slower], key: str) -> Part:
    """Return the largest excess as a part of a line, or the key that shows it."""
    if not slower:
        return Part(2, ())
    clause = slower_clause(slower[0])
    hints = (f"▲ slower than usual: press {key}", f"▲ slower: press {key}", f"▲ press {key}")
    forms = (f"{SLOWER}{slower_sentence(slower[0])}", f"{SLOWER}{clause}", *hints)
    return Part.of(2, *forms, style="$text-warning")


def levers_part(levers: Sequence[Advice], key: str) -> Part:
    """Return how many phases could be shorter, and the key that shows how."""
    number = len(_best(levers))
    if not number:
        return Part(5, ())
    ways = "1 way" if number == 1 else f"{number} ways"
    forms = (f"{ways} to start faster: press {key}", f"faster: press {key}", f"press {key}")
    return Part.of(5, *forms, style="$text-accent")


def _best(levers: Sequence[Advice]) -> list[Advice]:
    best: dict[str, Advice] = {}
    for advice in levers:
        best.setdefault(advice.phase, advice)
    return list(best.values())


def _fitting(levers: Sequence[Advice], width: int, height: int) -> list[Content]:
    """Return one lever for each phase, each with as much about it as there is room for."""
    chosen: list[tuple[Advice, Drawn]] = [(advice, _figure) for advice in levers]
    lines = _entries(chosen, width)
    if len(lines) > height:
        return []
    for drawn in (_figures, _lever):
        for at, advice in enumerate(levers):
            larger = [*chosen[:at], (advice, drawn), *chosen[at + 1 :]]
            if len(wider := _entries(larger, width)) <= height:
                chosen, lines = larger, wider
    return lines


def _slower(slow: Slower, width: int) -> list[Content]:
    told = wrap(f"{SLOWER}{slower_sentence(slow)}", width)
    return [styled(text, "$text-warning") for text in told]


def _entries(levers: Sequence[tuple[Advice, Drawn]], width: int) -> list[Content]:
    lines: list[Content] = []
    told = None
    for advice, drawn in levers:
        if advice.phase is not told:
            told = advice.phase
            lines.append(_heading(advice, width))
        lines += drawn(advice, width)
    return lines


def _heading(advice: Advice, width: int) -> Content:
    took = f"{fmt.seconds(advice.duration_s)}, {fmt.percent(advice.share)} of the start"
    name = PHASE_TITLES[advice.phase]
    return arrange([Part.of(0, f"◆ {name} {took}", style="bold", droppable=False)], width)


def _lever(advice: Advice, width: int) -> list[Content]:
    """Return a lever with all that is known of it, wrapped."""
    saves = f"; {saving_clause(advice.saving)}" if advice.saving else "; saves: not known here"
    texts = (
        (safe(advice.lever), "$text-accent"),
        (f"{advice.effect}{saves}", ""),
        (f"trade-off: {advice.price}", "$foreground-muted"),
    )
    indents = ("  ", "    ", "    ")
    return [
        styled(indent + row, look)
        for indent, (text, look) in zip(indents, texts, strict=True)
        for row in wrap(text, max(1, width - len(indent)))
    ]


def _figures(advice: Advice, width: int) -> list[Content]:
    """Return a lever and what it saves, then its price."""
    lever = Part.of(0, f"  {safe(advice.lever)}", style="$text-accent")
    price = wrap(f"trade-off: {advice.price}", max(1, width - 4))
    told = arrange([lever, *_gain(advice)[:1]], width)
    return [told, *(styled(f"    {row}", "$foreground-muted") for row in price)]


def _figure(advice: Advice, width: int) -> list[Content]:
    """Return a lever, what it saves and, where there is room, its price in one line."""
    lever = Part.of(0, f"  {safe(advice.lever)}", style="$text-accent")
    return [arrange([lever, *_gain(advice)], width)]


def _short(advice: Advice, width: int) -> Content:
    """Return a phase with its best lever in one line."""
    name = f"{PHASE_TITLES[advice.phase]} {fmt.seconds(advice.duration_s)}"
    lever = safe(advice.lever)
    return arrange(
        [
            Part.of(0, f"◆ {name}", style="bold", droppable=False),
            Part.of(1, lever, style="$text-accent"),
            *_gain(advice),
        ],
        width,
    )


def _gain(advice: Advice) -> list[Part]:
    price = Part.of(4, f"trade-off: {advice.price}", style="$foreground-muted")
    if advice.saving is None:
        return [Part.of(3, "saves: not known"), price]
    figure = saving_figure(advice.saving)
    if advice.saving.published:
        return [Part.of(2, f"saves {figure} (published)", f"published: {figure}"), price]
    return [Part.of(2, f"saves {figure}", figure), price]
