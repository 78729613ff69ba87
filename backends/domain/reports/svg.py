"""Drawings as SVG text: the few shapes that pictures of measurements are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from backends.domain.visible import bounded

COLOURS = ("#2563eb", "#c2410c", "#15803d", "#7c3aed")
INK, MUTED, RULE = "#1f2328", "#59636e", "#d1d9e0"
LINE = 18
"""Height of a line of text."""
_DASHES = ' stroke-dasharray="5 4"'


def labelled(picture: str, label: str) -> str:
    """Return a document with its purpose, as part of a page that may be read aloud."""
    head = f'<svg role="img" aria-label="{escape(bounded(label))}" '
    return picture.replace("<svg ", head, 1)


def text(
    x: float, y: float, words: str, *, colour: str = INK, bold: bool = False, anchor: str = "start"
) -> str:
    """Return a line of text; nothing in it is read as markup."""
    weight = ' font-weight="600"' if bold else ""
    at = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"{weight}'
    return f"<text {at}>{escape(bounded(words))}</text>"


def rule(
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    *,
    colour: str = RULE,
    width: float = 1,
    dashed: bool = False,
) -> str:
    """Return a straight line."""
    at = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line {at} stroke="{colour}" stroke-width="{width:g}"{_DASHES * dashed}/>'


def path(points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> str:
    """Return straight lines from point to point."""
    along = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    line = f'stroke="{colour}" stroke-width="1.5"{_DASHES * dashed}'
    return f'<polyline points="{along}" fill="none" {line}/>'


def block(x: float, y: float, width: float, height: float, colour: str) -> str:
    """Return a filled rectangle from its upper left corner."""
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def dot(x: float, y: float, colour: str, *, radius: float = 4, hollow: bool = False) -> str:
    """Return a dot; a hollow one has an outline alone."""
    fill = "none" if hollow else colour
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}" fill-opacity="0.65"'
        f' stroke="{colour}"/>'
    )


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a picture are; all text is 13 units high, whatever its width.

    Attributes:
        width: of the whole, in units, which are pixels where nothing scales it.
        left: x at which axes begin, `right` x at which they end.
        line_characters: how many characters a line has room for, bold ones too.
        name_characters: how many the name of a row has, left of its axis.
    """

    width: int
    left: float
    right: float
    line_characters: int
    name_characters: int

    def document(self, height: float, shapes: Sequence[str]) -> str:
        """Return a whole SVG document on a white ground, readable without any style sheet."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height:g}"'
            f' width="{self.width}" height="{height:g}" font-family="system-ui, sans-serif"'
            ' font-size="13">'
        )
        ground = f'<rect width="{self.width}" height="{height:g}" fill="#ffffff"/>'
        return "\n".join((head, ground, *shapes, "</svg>")) + "\n"

    def place(self, value: float, low: float, high: float) -> float:
        """Return the x of a value on an axis across the picture."""
        room = self.right - self.left
        return self.left + (value - low) / (high - low) * room if high > low else self.left

    def paragraph(
        self, x: float, y: float, words: str, *, colour: str = INK, bold: bool = False
    ) -> tuple[list[str], float]:
        """Return text in as many lines as the width asks for, and the y of the last."""
        lines = [""]
        for word in bounded(words).split():
            if lines[-1] and len(lines[-1]) + 1 + len(word) > self.line_characters:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
        shapes = [
            text(x, y + LINE * place, line, colour=colour, bold=bold)
            for place, line in enumerate(lines)
        ]
        return shapes, y + LINE * (len(lines) - 1)


WIDE = Layout(width=760, left=170, right=720, line_characters=98, name_characters=20)
NARROW = Layout(width=360, left=110, right=336, line_characters=43, name_characters=10)
"""For a phone, on which a wide picture's text would be 6 pixels high."""
