"""How verbs speak: one JSON document on stdout, or lines for a person."""

import json
import os
import sys
from typing import Any

from backends.wire import plain


def document(value: Any) -> None:
    """Print a value as the one JSON document of a verb."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Print a message for the person at the terminal, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(rows: list[tuple[str, ...]], amber: frozenset[int] = frozenset()) -> None:
    """Print rows in columns as wide as they need.

    Args:
        rows: the cells of each, the head first.
        amber: places of rows that need a second look; coloured on a terminal, unless NO_COLOR is
            set. A word in the row must say why.
    """
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    widths = (
        [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    )
    for place, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = "  ".join(cells).rstrip()
        print(f"\x1b[33m{line}\x1b[0m" if coloured and place in amber else line)
