"""Tables as CSV, for spreadsheets and scripts."""

import csv
import io
from collections.abc import Iterable
from typing import TextIO

from backends.domain.visible import csv_cell


def write_csv(out: TextIO, rows: Iterable[Iterable[object]]) -> None:
    """Write rows, the head first, as they come; unknown is empty, text no formula: `csv_cell`."""
    csv.writer(out, lineterminator="\n").writerows(map(csv_cell, row) for row in rows)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows, the head first, as the text of a CSV file, see `write_csv`."""
    out = io.StringIO()
    write_csv(out, rows)
    return out.getvalue()
