"""What a terminal shows of a frame is the same, whether it is sent whole or as what changes."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from console.tui.app import InferctlApp
from console.tui.driver import LeanDriver, ShownCells
from tests.console.stage import host_in

_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|([^\x1b])")
_WIDTH, _HEIGHT = 24, 4
_STYLES = ("", "1", "38;2;1;2;3", "1;38;2;1;2;3;48;2;9;9;9", "48;5;17", "7", "4;31;102", "2;3;9")


class Terminal:
    """The cells of a terminal, from moves, styles and characters."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, frozenset[tuple[str, str]]]] = {}
        self._row = self._column = 1
        self._style: dict[str, str] = {}

    def feed(self, data: str) -> None:
        for row, column, style, character in _TOKEN.findall(data):
            if character:
                self._put(character)
            elif row:
                self._row, self._column = int(row), int(column)
            else:
                self._restyle(style.split(";"))

    def _put(self, character: str) -> None:
        if character == "\n":
            return
        width = cell_len(character)
        seen = frozenset(
            (kind, code)
            for kind, code in self._style.items()
            if character != " " or kind in {"background", "4", "7", "9"} or "7" in self._style
        )
        for column in range(self._column, self._column + width):
            self._break(column)
        self.cells[self._row, self._column] = (character, seen)
        if width == 2:
            self.cells[self._row, self._column + 1] = ("", seen)
        self._column += width

    def _break(self, column: int) -> None:
        """Take away what is in a cell, and the other half of a wide character."""
        old = self.cells.pop((self._row, column), None)
        if old is not None and not old[0]:
            self.cells.pop((self._row, column - 1), None)
        if old is not None and cell_len(old[0]) == 2:
            self.cells.pop((self._row, column + 1), None)

    def _restyle(self, codes: list[str]) -> None:
        while codes:
            code = codes.pop(0)
            if code in {"38", "48"}:
                length = 4 if codes[0] == "2" else 2
                value = ";".join(codes[:length])
                del codes[:length]
                self._style["ink" if code == "38" else "background"] = value
            elif code in {"", "0"}:
                self._style.clear()
            elif code in {"22", "23", "24", "27", "29", "39", "49"}:
                ended = {"22": ("1", "2"), "39": ("ink",), "49": ("background",)}
                for kind in ended.get(code, (code[1],)):
                    self._style.pop(kind, None)
            elif len(code) > 1:
                self._style["ink" if code[0] in "39" else "background"] = code
            else:
                self._style[code] = code


@st.composite
def frames(draw: st.DrawFn) -> str:
    """Return a frame as Textual writes one: moves, each with text in styles behind it."""
    written = []
    for _ in range(draw(st.integers(1, 6))):
        row, column = draw(st.integers(1, _HEIGHT)), draw(st.integers(1, _WIDTH))
        text, room = "", _WIDTH + 1 - column
        for _ in range(draw(st.integers(1, 5))):
            piece = draw(st.text("ab  │█漢", min_size=1, max_size=8))
            if cell_len(piece) > room:
                break
            room -= cell_len(piece)
            style = draw(st.sampled_from(_STYLES))
            text += f"\x1b[{style}m{piece}\x1b[0m" if style else piece
        written.append(f"\x1b[{row};{column}H{text}")
    return "\n".join(written)


@settings(max_examples=80, deadline=None)
@given(st.lists(frames(), min_size=1, max_size=6))
def test_the_terminal_shows_the_same(sent: list[str]) -> None:
    whole, lean, shown = Terminal(), Terminal(), ShownCells()
    for frame in sent:
        whole.feed(frame)
        lean.feed(shown.lean(frame))
        for place, cell in whole.cells.items():
            assert lean.cells.get(place) == cell, (place, frame)


def test_a_frame_that_is_shown_already_costs_no_cell() -> None:
    frame = "\x1b[1;1H\x1b[1;31mone\x1b[0m two\n\x1b[2;1Hthree"
    shown = ShownCells()
    assert "three" in shown.lean(frame)
    assert shown.lean(frame + "\x1b[9;9H") == "\x1b[9;9H"


def test_one_digit_of_a_clock_is_sent_alone() -> None:
    shown = ShownCells()
    shown.lean("\x1b[1;1H\x1b[31mup 0:13 ready\x1b[0m")
    assert shown.lean("\x1b[1;1H\x1b[31mup 0:14 ready\x1b[0m") == "\x1b[1;7H\x1b[31m4\x1b[0m"


def test_cells_of_one_style_name_it_once() -> None:
    cells = "".join("\x1b[38;2;1;2;3m─\x1b[0m" for _ in range(40))
    assert ShownCells().lean(f"\x1b[1;1H{cells}") == f"\x1b[1;1H\x1b[38;2;1;2;3m{'─' * 40}\x1b[0m"


async def test_no_more_is_drawn_than_any_display_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal of 65,535 rows would take a frame of gigabytes, and the console would hang."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "9" * 20)
    app = InferctlApp(host_in(tmp_path), None)
    taken = list[Message]()
    monkeypatch.setattr(LinuxDriver, "process_message", lambda _, message: taken.append(message))
    driver = LeanDriver(app)
    assert driver._get_terminal_size() == app.size == (80, 400)
    driver.process_message(Resize(Size(65_535, 65_535), Size(65_535, 65_535)))
    (resized,) = taken
    assert isinstance(resized, Resize)
    assert (resized.size, resized.virtual_size) == ((1000, 400), (1000, 400))


async def test_frames_of_the_size_before_tell_nothing_of_what_the_terminal_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = list[str]()
    monkeypatch.setattr(LinuxDriver, "process_message", lambda *_: None)
    monkeypatch.setattr(LinuxDriver, "write", lambda _, data: written.append(data))
    frame, size = "\x1b[1;1Hready", Size(60, 16)
    app = InferctlApp(host_in(tmp_path), None)
    async with app.run_test(size=(80, 24)) as pilot:
        driver = LeanDriver(app)
        driver.write(frame)
        driver.process_message(Resize(size, size))
        driver.write(frame)  # laid out for 80 columns
        driver.write(frame)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        driver.write(frame)
        assert written == [frame] * 4
        driver.write(frame)
        assert written[-1] == ""
