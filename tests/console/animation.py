"""A recording of a screen as one SVG: each row is drawn once for each text that it ever had."""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

from rich.color import ColorType
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME as THEME
from textual.app import App

CELL_WIDTH, CELL_HEIGHT = 8.4, 17.0
FONT = "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
LAST_S = 3.0
"""How long the last frame stays before the recording begins again."""

Row = tuple[tuple[str, Style], ...]


def rows_of(app: App[Any]) -> list[Row]:
    """Return what a screen shows, row by row, as stretches of one style."""
    width, height = app.size
    console = Console(width=width, height=height, force_terminal=True, color_system="truecolor")
    update: Any = app.screen._compositor.render_update(full=True)
    segments = Segment.filter_control(console.render(update, console.options))
    rows = Segment.split_and_crop_lines(segments, width, include_new_lines=False)
    return [tuple(_merged(row)) for row in rows]


def _merged(row: Iterable[Segment]) -> Iterable[tuple[str, Style]]:
    text, style = "", Style()
    for segment in row:
        if (segment.style or Style()) == style:
            text += segment.text
            continue
        if text:
            yield text, style
        text, style = segment.text, segment.style or Style()
    if text:
        yield text, style


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
            f"<style>text{{white-space:pre}}b{{font-weight:bold}}</style>\n<defs>{drawn}</defs>\n"
            f'<rect width="{width:g}" height="{height:g}" fill="{THEME.background_color.hex}"/>\n'
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
    for text, style in row:
        cells = Segment(text).cell_length
        colour, ground = _colour(style, reverse=False), _colour(style, reverse=True)
        x, width = column * CELL_WIDTH, cells * CELL_WIDTH
        if ground:
            drawn.append(f'<rect x="{x:g}" width="{width:g}" height="17" fill="{ground}"/>')
        if text.strip():
            bold = ' font-weight="bold"' if style.bold else ""
            drawn.append(
                f'<text x="{x:g}" y="13" fill="{colour}"{bold} textLength="{width:g}" '
                f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
            )
        column += cells
    return "".join(drawn)


def _colour(style: Style, *, reverse: bool) -> str:
    """Return a foreground, or a background, as hex; empty for a background that is the page's."""
    ground = reverse != bool(style.reverse)
    colour = style.bgcolor if ground else style.color
    if colour is None or colour.type is ColorType.DEFAULT:
        return "" if reverse else THEME.foreground_color.hex
    return colour.get_truecolor(THEME).hex
