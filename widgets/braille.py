"""A canvas of braille dots: two by four to a cell."""

_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


class BrailleCanvas:
    """Dots on `width` times `height` cells; coordinates are shares of one from the lower left."""

    def __init__(self, width: int, height: int) -> None:
        self._columns = width * 2
        self._rows = height * 4
        self._cells: dict[tuple[int, int], int] = {}

    def dot(self, x: int, y: int) -> None:
        """Set the dot in column x and row y, counted from the upper left."""
        if 0 <= x < self._columns and 0 <= y < self._rows:
            cell = (x // 2, y // 4)
            self._cells[cell] = self._cells.get(cell, 0) | _BITS[x % 2][y % 4]

    def draw_line(self, x0: float, y0: float, x1: float, y1: float, *, dashed: bool) -> None:
        """Draw a straight line; a dashed one leaves every other pair of dots out."""
        left, right = x0 * (self._columns - 1), x1 * (self._columns - 1)
        low, high = (1 - y0) * (self._rows - 1), (1 - y1) * (self._rows - 1)
        steps = max(1, round(max(abs(right - left), abs(high - low))))
        for at in range(steps + 1):
            if dashed and at % 4 >= 2:
                continue
            share = at / steps
            self.dot(round(left + (right - left) * share), round(low + (high - low) * share))

    def glyph(self, x: int, y: int) -> str:
        """Return the character of one cell, empty where no dot is set."""
        bits = self._cells.get((x, y), 0)
        return chr(0x2800 + bits) if bits else ""
