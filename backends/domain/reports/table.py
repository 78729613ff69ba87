"""Tables as text: Markdown for a file, columns as wide as they need for a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from backends.domain.visible import LONGEST_FIELD, bounded, markdown


def markdown_table(head: Sequence[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a Markdown table as its rows come; unknown is an empty cell.

    Text of others is neither markup nor a cell's border, see `markdown`.
    """
    yield _markdown_row(head)
    yield "|" + "---|" * len(head)
    yield from map(_markdown_row, rows)


def _markdown_row(cells: Iterable[object]) -> str:
    texts = ("" if cell is None else markdown(str(cell), LONGEST_FIELD) for cell in cells)
    return "| " + " | ".join(texts) + " |"


def plain_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of equally many cells as lines of columns as wide as they need, made visible."""
    cells = [tuple(map(bounded, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
