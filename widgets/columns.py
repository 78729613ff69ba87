"""Tables whose least wanted columns give way where the width is short."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.text import Text

from widgets.text import cells, fit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of a table.

    Attributes:
        cell: the text of one row.
        rank: the highest one is left out first.
        most: no cell is wider.
        right: numbers stand at the right.
    """

    head: str
    cell: Callable[[T], str]
    rank: int
    most: int = 40
    right: bool = False


def fitting(
    columns: Sequence[Column[T]], rows: Sequence[T], width: int
) -> list[tuple[Column[T], int]]:
    """Return the columns that fit `width` with their widths, two cells of padding for each."""
    sized = [
        (
            column,
            min(column.most, max([cells(column.head), *(cells(column.cell(r)) for r in rows)])),
        )
        for column in columns
    ]
    while len(sized) > 1 and sum(size + 2 for _, size in sized) > width:
        sized.remove(max(sized, key=lambda pair: pair[0].rank))
    if len(sized) == 1:
        column, size = sized[0]
        return [(column, max(1, min(size, width - 2)))]
    return sized


def cell_text(column: Column[T], row: T, size: int) -> Text:
    """Return one cell, elided and aligned."""
    text = fit(column.cell(row), size)
    return Text(" " * (size - cells(text)) + text if column.right else text, no_wrap=True)
