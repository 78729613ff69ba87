"""A recording of a screen as one SVG: each row is drawn once for each text that it ever had."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from rich.color import Color, ColorType
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME as THEME
from textual.app import App

CELL_WIDTH, CELL_HEIGHT = 8.4, 17.0
FONT = "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
GROUND = "#121212"
"""What a screen of the dark theme stands on."""

LAST_S = 3.0
"""How long the last frame stays before the recording begins again."""

Ink = tuple[str, str, bool]
"""The colours of letters and of their ground, as hex, and whether the letters are bold."""

Row = tuple[tuple[str, Ink], ...]


def rows_of(app: App[Any]) -> list[Row]:
    """Return what a screen shows, row by row, as stretches that look alike."""
    width, height = app.size
    console = Console(width=width, height=height, force_terminal=True, color_system="truecolor")
    update: Any = app.screen._compositor.render_update(full=True)
    segments = Segment.filter_control(console.render(update, console.options))
    rows = Segment.split_and_crop_lines(segments, width, include_new_lines=False)
    return [tuple(_merged(row)) for row in rows]


def _merged(row: Iterable[Segment]) -> Iterable[tuple[str, Ink]]:
    for ink, alike in groupby(row, lambda segment: _ink(segment.style or Style())):
        yield "".join(segment.text for segment in alike), ink


def _ink(style: Style) -> Ink:
    colours = _hex(style.color, THEME.foreground_color.hex), _hex(style.bgcolor, GROUND)
    letters, ground = reversed(colours) if style.reverse else colours
    return letters, ground, bool(style.bold)


def _hex(colour: Color | None, default: str) -> str:
    if colour is None or colour.type is ColorType.DEFAULT:
        return default
    return colour.get_truecolor(THEME).hex


class Animation:
    """Frames at an even pace, as an SVG that plays by itself and begins again."""

    def __init__(self, columns: int, rows: int, frame_s: float) -> None:
        self._size = (columns * CELL_WIDTH, rows * CELL_HEIGHT)
        self._frame_s = frame_s
        self._drawn: dict[Row, str] = {}
        self._frames: list[list[str]] = []

    def add(self, rows: list[Row]) -> None:
        """Add one frame."""
        self._frames.append([self._id(row) for row in rows])

    def _id(self, row: Row) -> str:
        return self._drawn.setdefault(row, f"r{len(self._drawn)}")

    def svg(self) -> str:
        """Return the recording."""
        width, height = self._size
        total_s = len(self._frames) * self._frame_s + LAST_S
        frames = "\n".join(
            self._shown(identity, at, total_s)
            for at in range(max(map(len, self._frames)))
            for identity in dict.fromkeys(frame[at] for frame in self._frames)
        )
        drawn = "\n".join(f'<g id="{name}">{_row(row)}</g>' for row, name in self._drawn.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'font-family="{FONT}" font-size="14" xml:space="preserve">\n'
            f"<style>text{{white-space:pre}}.b{{font-weight:bold}}</style>\n<defs>{drawn}</defs>\n"
            f'<rect width="{width:g}" height="{height:g}" fill="{GROUND}"/>\n'
            f"{frames}\n</svg>\n"
        )

    def _shown(self, identity: str, at: int, total_s: float) -> str:
        """Return a row with the times at which it is seen, none where it always is."""
        place = f'<use href="#{identity}" y="{at * CELL_HEIGHT:g}"'
        seen = [frame[at] == identity for frame in self._frames]
        if all(seen):
            return f"{place}/>"
        changes = [0, *(i for i in range(1, len(seen)) if seen[i] != seen[i - 1])]
        times = ";".join(f"{change * self._frame_s / total_s:.5f}" for change in changes)
        values = ";".join("inline" if seen[change] else "none" for change in changes)
        return (
            f'{place} display="none"><animate attributeName="display" calcMode="discrete" '
            f'dur="{total_s:g}s" repeatCount="indefinite" keyTimes="{times}" '
            f'values="{values}"/></use>'
        )


def _row(row: Row) -> str:
    drawn, column = [], 0
    for text, (letters, ground, bold) in row:
        cells = Segment(text).cell_length
        x, width = f"{column * CELL_WIDTH:g}", f"{cells * CELL_WIDTH:g}"
        if ground != GROUND:
            drawn.append(f'<rect x="{x}" width="{width}" height="17" fill="{ground}"/>')
        if text.strip():
            style = ' class="b"' if bold else ""
            length = f' textLength="{width}"' if cells > 1 else ""
            drawn.append(
                f'<text x="{x}" y="13" fill="{letters}"{style}{length}>{escape(text)}</text>'
            )
        column += cells
    return "".join(drawn)
