"""Text in cells: shown safely, elided by importance, laid out in lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.style import Style

from backends.domain.visible import visible

ELLIPSIS = "…"
GAP = "  "


def safe(text: str, *, keep_newlines: bool = False) -> str:
    """Return text whose control and direction characters are seen instead of obeyed."""
    return visible(text, keep_newlines=keep_newlines)


def cells(text: str) -> int:
    """Return how many terminal cells a text takes."""
    return cell_len(text)


def fit(text: str, width: int) -> str:
    """Return the text cut to `width` cells, after a whole word where that keeps half of it."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    kept = set_cell_size(text, width - 1)
    whole_words = kept if text[len(kept)] == " " else kept.rpartition(" ")[0]
    if cell_len(whole_words.rstrip()) * 2 >= width:
        kept = whole_words
    return kept.rstrip(" ,;:") + ELLIPSIS


def fit_name(name: str, width: int) -> str:
    """Return a model's or path's name in `width` cells; its last part is what is kept longest."""
    if cell_len(name) <= width:
        return name
    return fit(name.rstrip("/").rpartition("/")[2], width)


def first_fitting(width: int, *forms: str) -> str:
    """Return the first of these forms that fits, the last one cut where none does."""
    for form in forms:
        if cell_len(form) <= width:
            return form
    return fit(forms[-1], width)


def wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of at most `width` cells; words longer than a line are split.

    Below one cell there is no line: a character a line is as narrow as it gets.
    """
    return [line for row in text.split("\n") for line in _wrap_row(row, max(1, width))]


def _wrap_row(row: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in _words(row):
        if cell_len(line) + cell_len(word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word.lstrip() if lines else word
        while cell_len(line.rstrip()) > width:
            head = _head(line, width)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _words(row: str) -> Iterable[str]:
    """Yield the words, each with the space behind it; what precedes the first word goes with it."""
    start = 0
    for place in range(1, len(row)):
        if row[place] != " " and row[place - 1] == " " and row[start:place].strip():
            yield row[start:place]
            start = place
    yield row[start:]


def _head(text: str, width: int) -> str:
    taken = 0
    for place, character in enumerate(text):
        taken += cell_len(character)
        if taken > width:
            return text[: max(1, place)]
    return text


def wrap_to(text: str, width: int, lines: int) -> list[str]:
    """Return the text in at most `lines` lines, the last one elided where more would follow."""
    wrapped = wrap(text, width)
    if len(wrapped) <= lines:
        return wrapped
    if lines <= 0:
        return []
    return [*wrapped[: lines - 1], fit(" ".join(wrapped[lines - 1 :]), width)]


def styled(text: str, style: str | Style = "") -> Content:
    """Return plain text in one style; nothing in it is read as markup."""
    return Content.styled(text, style)


def line(*parts: str | Content | tuple[str, str]) -> Content:
    """Return one line of several parts, each plain text, styled text or content."""
    return Content.assemble(*parts)


def spread(left: Content, right: Content, width: int) -> Content:
    """Return one line with `left` at its begin and `right` at its end, the right one kept whole."""
    room = max(0, width - right.cell_length - 1)
    if left.cell_length > room:
        left = left.truncate(room, ellipsis=True)
    gap = max(0, width - left.cell_length - right.cell_length)
    return line(left, " " * gap, right).truncate(width)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a line in forms from long to short; the highest `rank` gives way first.

    Attributes:
        forms: an empty last form lets the part vanish.
    """

    rank: int
    forms: tuple[Content, ...]

    @classmethod
    def of(cls, rank: int, *forms: str, style: str = "", droppable: bool = True) -> "Part":
        """Return a part whose forms are plain texts of one style."""
        texts = (*forms, "") if droppable else forms
        return cls(rank, tuple(styled(text, style) for text in texts))


def arrange(parts: Sequence[Part], width: int) -> Content:
    """Return the parts in one line of at most `width` cells, shortened by rank until they fit."""
    parts = [part for part in parts if part.forms]
    chosen = [0] * len(parts)

    def joined() -> Content:
        forms = (part.forms[form] for part, form in zip(parts, chosen, strict=True))
        return Content(GAP).join([form for form in forms if form.plain])

    result = joined()
    while result.cell_length > width:
        open_parts = [at for at, part in enumerate(parts) if chosen[at] < len(part.forms) - 1]
        if not open_parts:
            return result.truncate(width, ellipsis=True)
        chosen[max(open_parts, key=lambda at: (parts[at].rank, at))] += 1
        result = joined()
    return result
