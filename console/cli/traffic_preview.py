"""``--preview``: how the files of ``--traffic`` are understood."""

import argparse
from datetime import UTC, datetime
from typing import Any

from backends.domain.format import UNKNOWN, figure
from backends.traffic.columns import mapping_from
from backends.traffic.preview import Preview, previews
from backends.traffic.tally import Row
from console.cli.output import document, show, table

HEAD = ("AT (UTC)", "INTERVAL", "REQUESTS", "INPUT TOKENS", "OUTPUT TOKENS", "CACHED")


def run(arguments: argparse.Namespace) -> int:
    """Print form, columns and first rows of each file.

    Raises:
        UnreadableTraffic: a file cannot be read, or one of its first rows is no traffic.
    """
    found = previews(tuple(arguments.traffic), mapping_from(arguments.map or ""))
    if arguments.json:
        document({"files": [_as_document(each) for each in found]})
        return 0
    for each in found:
        columns = ", ".join(f"{role} = {column}" for role, column in each.columns.items())
        show(f"{each.path}: {each.form}; {columns}")
        table([HEAD, *map(_cells, each.rows)])
        for said in each.assumed:
            show(f"  assumed: {said}")
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    at = datetime.fromtimestamp(row.at_s, UTC).isoformat(sep=" ", timespec="milliseconds")
    width = {None: "", 0.0: "to the next"}.get(row.width_s, f"{row.width_s or 0:g} s")
    counts = (row.requests, row.into, row.out, row.cached)
    return (at.removesuffix("+00:00"), width, *map(_figure, counts))


def _figure(value: float | None) -> str:
    return UNKNOWN if value is None else figure(value)


def _as_document(preview: Preview) -> dict[str, Any]:
    rows = [
        {
            "at_s": row.at_s,
            "interval_s": row.width_s or None,
            "requests": row.requests,
            "input_tokens": row.into,
            "output_tokens": row.out,
            "cached_input_tokens": row.cached,
        }
        for row in preview.rows
    ]
    return {
        "path": str(preview.path),
        "form": preview.form,
        "columns": dict(preview.columns),
        "assumed": list(preview.assumed),
        "rows": rows,
    }
