"""A plot in cells: values on two axes, labels in a gutter on the left, the axis below."""

from collections.abc import Mapping, Sequence

from widgets import bars

Cell = tuple[str, str]
"""Characters and their style."""

MUTED = "$foreground-muted"


class Plot:
    """`width` times `height` cells, in `rows` from the top.

    Args:
        x: the values at the left and at the right end.
        y: the values at the bottom and at the top; left out where rows are no axis.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        x: tuple[float, float],
        y: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.x, self.y = x, y
        self._width = width
        self.rows: list[list[Cell]] = [[(" ", "")] * width for _ in range(height)]

    def column(self, x: float) -> int:
        """Return the column of a value, the nearest one where it is outside of the axis."""
        return bars.column(x, *self.x, self._width)

    def row(self, y: float) -> int:
        """Return the row of a value, the nearest one where it is outside of the axis."""
        height = len(self.rows)
        return height - 1 - bars.column(y, *self.y, height)

    def put(self, column: int, row: int, glyph: str, style: str = "") -> None:
        """Set one cell; a plot too small for any has none to set."""
        if column < self._width and row < len(self.rows):
            self.rows[row][column] = (glyph, style)

    def across(
        self, row: int, glyph: str, style: str = "", *, x: tuple[float, float] | None = None
    ) -> None:
        """Fill a row from one value to another, or from end to end."""
        first, last = (0, self._width - 1) if x is None else map(self.column, x)
        for column in range(first, last + 1):
            self.put(column, row, glyph, style)

    def shade(self, x: tuple[float, float], glyph: str, style: str) -> None:
        """Lay a background under the cells between two values, a glyph into those without ink."""
        for row in self.rows:
            for column in range(self.column(x[0]), min(self.column(x[1]) + 1, len(row))):
                drawn, ink = row[column]
                row[column] = (drawn if drawn.strip() else glyph, f"{ink or MUTED} on {style}")

    def upright(self, column: int, glyph: str, style: str = "") -> None:
        """Fill a column from top to bottom."""
        for row in range(len(self.rows)):
            self.put(column, row, glyph, style)


def framed(
    rows: Sequence[Sequence[Cell]], labels: Mapping[int, str], axis: str, gutter: int
) -> list[list[Cell]]:
    """Return rows behind their labels in a gutter of some cells, and the axis below.

    Args:
        rows: from the top, as those of a `Plot`.
        labels: of the rows that have one, by their place.
        axis: the labels of the axis below, see `bars.axis`.
        gutter: cells on the left, one of them empty.
    """
    labelled = [
        [(labels.get(place, "").rjust(gutter - 1) + " ", MUTED), *row]
        for place, row in enumerate(rows)
    ]
    return [*labelled, [(" " * gutter + axis, MUTED)]]
