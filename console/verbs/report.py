"""How verbs speak: one JSON document on stdout, or lines for a person."""

import json
import sys
from typing import Any

from backends.wire import plain


def document(value: Any) -> None:
    """Print a value as the one JSON document of a verb."""
    print(json.dumps(plain(value), indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Print a message for the person at the terminal, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(rows: list[tuple[str, ...]]) -> None:
    """Print rows in columns as wide as they need."""
    widths = (
        [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    )
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
