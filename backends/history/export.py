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


def _noted(table: str, key: str, as_record: Callable[[sqlite3.Row], Any], where: str) -> _Export:
    """Return the export of records with the note on each, None where there is none."""
    noted = f"LEFT JOIN notes ON notes.record_id = {key} AND notes.text <> ''"
    return _Export(
        f"SELECT {table}.*, notes.text AS note FROM {table} {noted}"  # noqa: S608
        f" WHERE {where} ORDER BY began_wall_s",
        lambda row: {**plain(as_record(row)), "note": row["note"]},
    )


def _findings(kind: FindingKind) -> _Export:
    return _noted("findings", "finding_id", finding_record, f"kind = '{kind}'")


_EXPORTS: Mapping[ExportKind, _Export] = {
    "starts": _noted("starts", "start_id", start_record, "TRUE"),
    "series": _noted("series", "series_id", series_record, "TRUE"),
    "runs": _Export("SELECT * FROM runs ORDER BY rowid", _run),
    "loads": _findings("load"),
    "coldprobes": _findings("coldprobe"),
    "meters": _Export("SELECT * FROM meters ORDER BY name", _meter),
}
