"""The newest lines of a log and those of them that a filter shows; no work is done per line."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from backends.domain.own_requests import is_own_probe

MAX_LINES = 50_000

_ERROR = re.compile(
    r"\b(?:ERROR|CRITICAL|FATAL|Traceback)\b|^[\w.]*(?:Error|Exception)\b|HTTP/[\d.]+\" 5\d\d\b"
)
_WARNING = re.compile(r"\bWARN(?:ING)?\b|HTTP/[\d.]+\" 4\d\d\b")
_HINT = re.compile('ERROR|WARN|Error|Traceback|Exception|CRITICAL|FATAL|" [45]')
_LEVEL_WITHIN = 120

LineFilter = Callable[[str], bool]


class LogBuffer:
    """Rows are counted among the lines shown; a line keeps its number for as long as it is kept."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._first = 0
        self._wanted: LineFilter | None = None
        self._chosen: list[int] = []

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def rows(self) -> Sequence[int]:
        """The numbers of the lines shown, in order."""
        if self._wanted is None:
            return range(self._first, self._first + len(self._lines))
        return self._chosen

    def text(self, number: int) -> str:
        """Return a line."""
        return self._lines[number - self._first]

    def row_of(self, number: int) -> int:
        """Return the row of a line, or of the next one that is shown; 0 where none follows."""
        row = bisect_left(self.rows, number)
        return row if row < len(self.rows) else 0

    def append(self, lines: Sequence[str]) -> int:
        """Add lines and drop the oldest where there are too many; return how many rows went."""
        number = self._first + len(self._lines)
        self._lines.extend(lines)
        if self._wanted is not None:
            self._chosen.extend(self._choose(number))
        excess = len(self._lines) - MAX_LINES
        if excess <= 0:
            return 0
        del self._lines[:excess]
        self._first += excess
        if self._wanted is None:
            return excess
        gone = bisect_left(self._chosen, self._first)
        del self._chosen[:gone]
        return gone

    def set_filter(self, wanted: LineFilter | None) -> None:
        """Show the lines that are wanted, None for all."""
        self._wanted = wanted
        self._chosen = [] if wanted is None else list(self._choose(self._first))

    def find(self, text: str, start: int, *, forwards: bool) -> int | None:
        """Return the next row with `text`, whatever its case, going round once; None without any.

        Rows from `start` on come first, or backwards those before it.
        """
        needle, rows = text.casefold(), self.rows
        after, before = range(start, len(rows)), range(start)
        order = chain(after, before) if forwards else chain(before[::-1], after[::-1])
        return next((row for row in order if needle in self.text(rows[row]).casefold()), None)

    def matches(self, text: str) -> list[int]:
        """Return the numbers of the shown lines with `text`, whatever its case, in order."""
        needle = text.casefold()
        return [number for number in self.rows if needle in self.text(number).casefold()]

    def nearest(self, text: str, place: int) -> int | None:
        """Return the number of the line with `text` that is nearest to a place; None without any.

        Places count from 1 for the first line that was ever appended.
        """
        hits = (at for at, line in enumerate(self._lines, self._first) if text in line)
        return min(hits, key=lambda at: abs(at + 1 - place), default=None)

    def _choose(self, number: int) -> Iterator[int]:
        """Yield the numbers of wanted lines from one on."""
        wanted = self._wanted
        assert wanted is not None
        for at in range(number, self._first + len(self._lines)):
            if wanted(self._lines[at - self._first]):
                yield at


def filter_of(only: str, *, problems_only: bool, probes: bool = True) -> LineFilter | None:
    """Return what says whether a line is shown, None where all are.

    Args:
        only: what it must contain, whatever its case.
        problems_only: whether it must be a warning or an error.
        probes: whether lines of inferctl's own probes are shown as well.
    """
    needle = only.casefold()
    tests: list[LineFilter] = []
    if not probes:
        tests.append(lambda text: not is_own_probe(text))
    if problems_only:
        tests.append(lambda text: bool(level_of(text)))
    if needle:
        tests.append(lambda text: needle in text.casefold())
    return (lambda text: all(test(text) for test in tests)) if tests else None


def level_of(text: str) -> str:
    """Return ``error``, ``warning`` or nothing for one line of a log."""
    begin = text[:_LEVEL_WITHIN]
    if not _HINT.search(begin):
        return ""  # most lines, at a tenth of the cost
    if _ERROR.search(begin):
        return "error"
    return "warning" if _WARNING.search(begin) else ""
