"""Two starts, or two load tests, side by side: figures, differences, arguments."""

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from backends.domain.comparison import Comparison, Row, Side, argument_lines
from backends.domain.format import UNKNOWN, local_minute
from widgets.panel import Panel
from widgets.text import cells, fit, line, safe, styled, wrap

_GAP = 2
_LEAST_BAR = 10
_INKS = {"beyond the noise": "bold $text-warning", "inside the noise": "$foreground-muted"}


class ComparisonPanel(Panel):
    """One row for each figure, then what the two were not made alike with."""

    BORDER_TITLE = "Compare"

    view: reactive[Comparison | None] = reactive(None, repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the figures, the arguments that differ, and what the differences tell."""
        if self.view is None:
            return [styled("reading", "$foreground-muted")][:height]
        return draw(self.view, width, height)


def draw(view: Comparison, width: int, height: int) -> list[Content]:
    """Return the lines; the longest times stay where not all figures have room."""
    below = _below(view, width)
    room = max(1, height - len(below) - 2)
    heads = [_head("A", view.first, width), _head("B", view.second, width)]
    rows = _figures(_most_telling(view.rows, room - 1), width)
    return [*heads, *rows, *below][:height]


def _head(letter: str, side: Side, width: int) -> Content:
    note = f"  {safe(side.note)}" if side.note else ""
    told = f"{safe(side.name)}  {local_minute(side.began_wall_s)}{note}"
    return line((f"{letter} ", "bold $text-accent"), fit(told, width - 2))


def _most_telling(rows: Sequence[Row], room: int) -> list[Row]:
    """Return the rows that fit: those that differ most in their unit go last."""
    if len(rows) <= room:
        return list(rows)
    by_weight = sorted(rows, key=_weight, reverse=True)[: max(1, room)]
    return [row for row in rows if row in by_weight]


def _weight(row: Row) -> float:
    if row.unit != "s":
        return float("inf")
    return max(abs(row.difference or 0.0), (row.first or 0.0) / 1e3)


def _figures(rows: Sequence[Row], width: int) -> list[Content]:
    texts = [(row.title, *row.texts()) for row in rows]
    heads = ("", "A", "B", "B − A")
    sizes = [
        max(cells(each) for each in column)
        for column in zip(heads, *(text[:4] for text in texts), strict=True)
    ]
    taken = sum(sizes) + _GAP * 3
    words: list[str] = [row.change for row in rows]
    for longer in ([text[4] for text in texts], words):
        said = max(map(cells, longer), default=0)
        if taken + _GAP + said <= width:
            words = longer
            break
    room = width - taken - _GAP - (said + _GAP if said else 0)
    half = min(20, (room - 1) // 2) if room >= _LEAST_BAR else 0
    longest = max((abs(row.difference or 0.0) for row in rows if row.unit == "s"), default=0.0)
    lines = [styled(_columns(heads, sizes), "$foreground-muted")]
    for row, text, told in zip(rows, texts, words, strict=True):
        meter = _meter(row, longest, half) if half > 0 else ""
        ink = _INKS.get(row.change, "")
        name = text[0] in ("whole start", "within SLO")
        lines.append(
            line(
                (_columns(text[:4], sizes), "bold" if name else ""),
                (f"  {meter}", _ink(row)) if half > 0 else "",
                (f"  {told}", ink) if told else "",
            )
        )
    return lines


def _columns(texts: Sequence[str], sizes: Sequence[int]) -> str:
    name, *figures = texts
    right = [
        " " * (size - cells(text)) + text for text, size in zip(figures, sizes[1:], strict=True)
    ]
    return (" " * _GAP).join([name + " " * (sizes[0] - cells(name)), *right])


def _meter(row: Row, longest: float, half: int) -> str:
    """Return the difference as a bar from the middle: shorter to the left, longer to the right."""
    if row.unit != "s" or row.difference is None or not round(row.difference, 1):
        return " " * half + "│" + " " * half
    filled = "━" * max(1, round(abs(row.difference) / longest * half))
    shorter, longer = (filled, "") if row.difference < 0 else ("", filled)
    return f"{shorter.rjust(half)}│{longer.ljust(half)}"


def _ink(row: Row) -> str:
    if row.change != "beyond the noise" or row.difference is None:
        return "$foreground-muted"
    return "$text-success" if row.difference < 0 else "$text-error"


def _below(view: Comparison, width: int) -> list[Content]:
    """Return what the two were not made alike with, and what the differences tell."""
    inks = {"-": "$text-error", "+": "$text-success"}
    found = [Content("")]
    if view.arguments:
        found += [styled(fit(safe(each), width), inks.get(each[:1], "")) for each in view.arguments]
    else:
        found += [styled(fit(each, width)) for each in argument_lines(view)]
    for name, first, second in view.settings:
        told = f"{name}: {safe(first) or UNKNOWN} → {safe(second) or UNKNOWN}"
        found.append(styled(fit(told, width)))
    return [*found, *(styled(each, "$foreground-muted") for each in wrap(view.note, width))]
