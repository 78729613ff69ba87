"""A table of records whose least wanted columns give way where the width is short."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.text import Text
from textual.events import Resize
from textual.widgets import DataTable

from backends.domain.format import UNKNOWN
from widgets.text import cells, fit, wrap

T = TypeVar("T")
_PADDING = 2
_SCROLLBAR = 1


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of a table.

    Attributes:
        cell: the text of one row.
        rank: the highest one is left out first.
        least: the cells without which the column is not worth showing; 0 for its whole width.
        most: no cell is wider.
        right: numbers stand at the right.
        optional: left out where no row has anything in it.
    """

    head: str
    cell: Callable[[T], str]
    rank: int
    least: int = 0
    most: int = 40
    right: bool = False
    optional: bool = False


def fitting(
    columns: Sequence[Column[T]], rows: Sequence[T], width: int
) -> list[tuple[Column[T], int]]:
    """Return the columns that fit in `width` cells, in order, each with its own width."""
    columns = [each for each in columns if not each.optional or any(map(each.cell, rows))]
    wanted = {
        at: min(column.most, max(cells(text) for text in (column.head, *map(column.cell, rows))))
        for at, column in enumerate(columns)
    }
    least = {at: min(columns[at].least or size, size) for at, size in wanted.items()}
    while len(least) > 1 and sum(least.values()) + _PADDING * len(least) > width:
        del least[max(least, key=lambda at: columns[at].rank)]
    spare = width - sum(least.values()) - _PADDING * len(least)
    sized = []
    for at, size in sorted(least.items(), key=lambda pair: columns[pair[0]].rank):
        more = max(0, min(spare, wanted[at] - size))
        spare -= more
        sized.append((at, size + more))
    return [(columns[at], max(1, min(size, width - _PADDING))) for at, size in sorted(sized)]


def cell_text(column: Column[T], row: T, size: int) -> Text:
    """Return one cell, elided and aligned; nothing in it is read as markup."""
    text = fit(column.cell(row), size)
    return Text(" " * (size - cells(text)) + text if column.right else text, no_wrap=True)


class FittedTable(DataTable[object], Generic[T]):
    """A table that chooses its columns by its own width, and keeps the cursor on its row."""

    DEFAULT_CSS = """
    FittedTable {
        border: round $foreground 25%;
        border-title-color: $text-primary;
        border-title-style: bold;
        background: transparent;
        scrollbar-size-vertical: 1;
        &:focus { border: round $primary; }
        & > .datatable--header { background: transparent; color: $foreground-muted; }
    }
    """
    COLUMNS: Sequence[Column[T]] = ()

    def reason(self) -> str:
        """Return why there is no row at all."""
        raise NotImplementedError

    def records(self) -> list[tuple[str | None, T]]:
        """Return the rows of the current view, each with the key by which it is chosen."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Let the cursor mark whole rows."""
        self.cursor_type = "row"

    def watch_view(self) -> None:
        """Show the new view."""
        self._fill()

    def on_resize(self, event: Resize) -> None:
        """Choose the columns for the new width."""
        del event
        self._fill()

    def _fill(self) -> None:
        width = self.size.width - _SCROLLBAR
        if width <= 0:
            return
        rows, cursor = self.records(), self.cursor_row
        self.clear(columns=True)
        self.show_cursor = bool(rows)
        if not rows:
            self.add_column("", width=width - _PADDING)
            for told in wrap(f"{UNKNOWN} {self.reason()}", width - _PADDING):
                self.add_row(Text(told))
            return
        sized = fitting(self.COLUMNS, [row for _, row in rows], width)
        for column, size in sized:
            self.add_column(column.head, width=size)
        for key, row in rows:
            self.add_row(*(cell_text(column, row, size) for column, size in sized), key=key)
        self.move_cursor(row=min(cursor, max(0, len(rows) - 1)))
