"""The rows of the screen that lines of a log take: one each, or as many as their length needs."""

from bisect import bisect_left

from widgets.log_buffer import LogBuffer


class LogRows:
    """Rows over the lines that a buffer shows; lines keep their numbers, rows do not."""

    def __init__(self, buffer: LogBuffer) -> None:
        self._buffer = buffer
        self._width = 0
        self._pieces: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._pieces) if self._width else len(self._buffer.rows)

    def wrap_at(self, width: int) -> None:
        """Cut lines into rows of so many characters; 0 gives each line one row."""
        self._width = width
        self.renew()

    def renew(self) -> None:
        """Lay out every line again, for other ones are shown."""
        self._pieces = []
        self.extend()

    def extend(self) -> None:
        """Lay out the lines that came since, and drop the rows of those that have gone."""
        if not self._width:
            return
        numbers = self._buffer.rows
        first = numbers[0] if numbers else 0
        del self._pieces[: bisect_left(self._pieces, (first, 0))]
        known = bisect_left(numbers, self._pieces[-1][0] + 1) if self._pieces else 0
        for number in numbers[known:]:
            length = max(1, len(self._buffer.text(number)))
            self._pieces.extend((number, begin) for begin in range(0, length, self._width))

    def at(self, row: int) -> tuple[int, int]:
        """Return the line of a row, and the character that the row begins with."""
        return self._pieces[row] if self._width else (self._buffer.rows[row], 0)

    def row_of(self, number: int) -> int:
        """Return the first row of a line, or of the next one that is shown; 0 where none is."""
        if not self._width:
            return self._buffer.row_of(number)
        row = bisect_left(self._pieces, (number, 0))
        return row if row < len(self._pieces) else 0
