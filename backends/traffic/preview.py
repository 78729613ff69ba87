"""How the first rows of each file are understood, before anything rests on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from backends.traffic.files import described, files_in
from backends.traffic.rows import rows_of
from backends.traffic.tally import Row

ROWS = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """One file: its form, the columns of each role, its first rows and what is assumed of them."""

    path: Path
    form: str
    columns: Mapping[str, str]
    rows: tuple[Row, ...]
    assumed: tuple[str, ...]


def previews(patterns: tuple[str, ...], mapping: Mapping[str, str]) -> list[Preview]:
    """Return how each file is understood.

    Raises:
        UnreadableTraffic: a file cannot be read, or one of its first rows is no traffic.
    """
    found = []
    for path in files_in(patterns):
        file = described(path)
        read, rows = rows_of(file, mapping)
        first = tuple(islice(rows, ROWS))
        assumed = read.columns.assumed()
        found.append(Preview(path, file.form, read.columns.roles(), first, assumed))
    return found
