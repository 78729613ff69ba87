"""Sends a terminal only the cells that change, and each style as the step from the last one."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from rich.cells import get_character_cell_size
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

Cell = tuple[str, str]
"""A character with what combines with it, and its style; no character right of a wide one."""

_MOVE = re.compile(r"(\x1b\[\d+;\d+H)")
_STYLE = re.compile(r"\x1b\[([\d;]*)m")
_RESET = "\x1b[0m"
_OFF = {
    "1": "22",
    "2": "22",
    "3": "23",
    "4": "24",
    "5": "25",
    "6": "25",
    "7": "27",
    "8": "28",
    "9": "29",
    "21": "24",
    "38": "39",
    "48": "49",
    "51": "54",
    "52": "54",
    "53": "55",
}
"""What ends each attribute; ECMA-48, "select graphic rendition"."""
_SEEN_ON_BLANKS = {"4", "7", "9", "21", "48", "51", "52", "53"}
"""The attributes that show where there is no ink."""
_WORTH_A_MOVE = 8
"""So many cells that stay are written again: the sequence that passes over them is as long."""

MOST_COLUMNS, MOST_ROWS = 1000, 400
"""More than any display shows; a terminal that claims 65,535 would take a frame of gigabytes."""


def drawable(size: tuple[int, int]) -> Size:
    """Return how much of a terminal of so many columns and rows is drawn."""
    return Size(min(size[0], MOST_COLUMNS), min(size[1], MOST_ROWS))


class LeanDriver(LinuxDriver):
    """Textual draws a screen that opens up to ten times, and styles every cell on its own."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._shown = ShownCells()
        self._resized: Size | None = None

    def write(self, data: str) -> None:
        """Write a frame without what the terminal shows already."""
        if not _MOVE.search(data):
            super().write(data)
            return
        if self._resized is not None:
            # A frame of the size before wraps and scrolls: where its cells are, nobody knows.
            self._shown = ShownCells()
            if self._app.screen.size == self._resized:
                self._resized = None
        super().write(self._shown.lean(data))

    def process_message(self, message: Message) -> None:
        """Forget what the terminal shows once it has another size: it lays its rows out itself."""
        if isinstance(message, Resize):
            self._resized = drawable(message.size)
            message = Resize(self._resized, drawable(message.virtual_size))
        super().process_message(message)

    def _get_terminal_size(self) -> tuple[int, int]:
        return drawable(super()._get_terminal_size())

    def start_application_mode(self) -> None:
        """Forget what the terminal shows: others have written to it."""
        self._shown = ShownCells()
        super().start_application_mode()  # type: ignore[no-untyped-call]


class ShownCells:
    """What a terminal shows in each cell, as far as it was written here."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell | None]] = {}
        self._last: dict[int, tuple[int, str]] = {}

    def lean(self, frame: str) -> str:
        """Return the least that leaves a terminal as a frame of Textual's would.

        Args:
            frame: moves of the cursor to a row and a column, each with what is written from there.
        """
        before, *rest = _MOVE.split(frame)
        kept, pen = [before], _Pen()
        for move, written in zip(rest[::2], rest[1::2], strict=True):
            row, column = map(int, move[2:-1].split(";"))
            text = written.rstrip("\n")
            if not text:
                kept.append(move)
            elif self._last.get(row) == (column, text):
                continue
            elif "\x1b" in _STYLE.sub("", text):
                self._rows.pop(row, None)
                self._last.pop(row, None)
                kept += (pen.lifted(), move, text)
            else:
                self._last[row] = (column, text)
                kept += self._changes(row, column - 1, _cells(text), pen)
        return "".join([*kept, pen.lifted()])

    def _changes(self, row: int, begin: int, cells: list[Cell], pen: "_Pen") -> Iterator[str]:
        """Take cells of a row, and yield what shows those of them that differ."""
        shown = self._rows.setdefault(row, [])
        shown.extend([None] * (begin + len(cells) - len(shown)))
        for edge in (begin, begin + len(cells)):
            if 0 < edge < len(shown) and (cell := shown[edge]) is not None and not cell[0]:
                shown[edge - 1 : edge + 1] = [None, None]  # half of a wide character is overwritten
        old = shown[begin : begin + len(cells)]
        shown[begin : begin + len(cells)] = cells
        changed = [at for at, (now, then) in enumerate(zip(cells, old, strict=True)) if now != then]
        for first, until in _runs(changed):
            while first and not cells[first][0]:
                first -= 1  # noqa: PLW2901 - a wide character is written whole
            yield f"\x1b[{row};{begin + first + 1}H"
            yield from (pen.drawn(*cell) for cell in cells[first:until])


class _Pen:
    """The style in which a terminal writes next."""

    def __init__(self) -> None:
        self._style = ""

    def drawn(self, text: str, style: str) -> str:
        """Return what writes text in a style."""
        if style == self._style or (text == " " and _blank(style) == _blank(self._style)):
            return text
        step, self._style = _step(self._style, style), style
        return step + text

    def lifted(self) -> str:
        """Return what ends the style, nothing where there is none."""
        ended, self._style = _RESET if self._style else "", ""
        return ended


def _cells(text: str) -> list[Cell]:
    """Return the cells of text whose styles each begin at the terminal's own, as Rich's do."""
    first, *rest = _STYLE.split(text)
    cells, style = _inked(first, ""), ""
    for code, after in zip(rest[::2], rest[1::2], strict=True):
        style = "" if code in {"", "0"} else f"{style};{code}".removeprefix(";")
        cells += _inked(after, style)
    return cells


def _inked(text: str, style: str) -> list[Cell]:
    if text.isascii():
        blank = (" ", _blank(style))
        return [blank if character == " " else (character, style) for character in text]
    cells: list[Cell] = []
    for character in text:
        width = get_character_cell_size(character)
        if not width and cells:
            cells[-1] = (cells[-1][0] + character, style)
            continue
        cells.append((character, _blank(style) if character == " " else style))
        cells += [("", style)] * (width - 1)
    return cells


def _runs(changed: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first place and the one after the last of each run worth a move of its own."""
    first = None
    for at, after in zip_longest(changed, changed[1:]):
        first = at if first is None else first
        if after is None or after - at > _WORTH_A_MOVE:
            yield first, at + 1
            first = None


@lru_cache(maxsize=4096)
def _step(sent: str, wanted: str) -> str:
    """Return the sequence that turns one style into another."""
    if not wanted:
        return _RESET
    before, now = _attributes(sent), _attributes(wanted)
    off = {_OFF[kind] for kind in before.keys() - now.keys()}
    kept = {kind for kind in now if before.get(kind) == now[kind] and _OFF[kind] not in off}
    return f"\x1b[{';'.join([*sorted(off), *(now[kind] for kind in now if kind not in kept)])}m"


@lru_cache(maxsize=4096)
def _blank(style: str) -> str:
    """Return what of a style is seen where nothing is written."""
    attributes = _attributes(style)
    if "7" in attributes:
        return style
    return ";".join(code for kind, code in attributes.items() if kind in _SEEN_ON_BLANKS)


def _attributes(style: str) -> dict[str, str]:
    """Return the codes of a style by their kind, of which only one can hold at a time."""
    codes, found, at = style.split(";") if style else [], {}, 0
    while at < len(codes):
        number, length = int(codes[at]), 1
        if number in {38, 48}:
            length = 5 if codes[at + 1 : at + 2] == ["2"] else 3
        if 30 <= number <= 38 or 90 <= number <= 97:
            kind = "38"
        elif 40 <= number <= 48 or 100 <= number <= 107:
            kind = "48"
        else:
            kind = codes[at]
        found[kind] = ";".join(codes[at : at + length])
        at += length
    return found
