"""Gives the whole history away as plain data."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backends.history.database import Database, UnreadableRow
from backends.history.records import FindingKind
from backends.history.rows import finding_record, from_json, run_of, series_record, start_record
from backends.wire import plain

ExportKind = Literal["starts", "series", "runs", "loads", "coldprobes", "meters"]


@dataclass(frozen=True, slots=True)
class _Export:
    query: str
    as_plain: Callable[[sqlite3.Row], dict[str, Any]]


def exported(database: Database, kind: ExportKind) -> Iterator[dict[str, Any]]:
    """Yield all of one kind, oldest first; a row that cannot be read hides no other."""
    export = _EXPORTS[kind]
    for row in database.stream(export.query):
        try:
            yield export.as_plain(row)
        except UnreadableRow:
            database.unreadable += 1


def _run(row: sqlite3.Row) -> dict[str, Any]:
    return {"series_id": row["series_id"], **plain(run_of(row))}


def _meter(row: sqlite3.Row) -> dict[str, Any]:
    return {**dict(row), "state": from_json(row["state"])}


def _findings(kind: FindingKind) -> _Export:
    return _Export(
        f"SELECT * FROM findings WHERE kind = '{kind}' ORDER BY began_wall_s",  # noqa: S608
        lambda row: plain(finding_record(row)),
    )


_EXPORTS: Mapping[ExportKind, _Export] = {
    "starts": _Export(
        "SELECT * FROM starts ORDER BY began_wall_s", lambda row: plain(start_record(row))
    ),
    "series": _Export(
        "SELECT * FROM series ORDER BY began_wall_s", lambda row: plain(series_record(row))
    ),
    "runs": _Export("SELECT * FROM runs ORDER BY rowid", _run),
    "loads": _findings("load"),
    "coldprobes": _findings("coldprobe"),
    "meters": _Export("SELECT * FROM meters ORDER BY name", _meter),
}
