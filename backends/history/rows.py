"""Turns records into rows and rows into records; nothing secret passes."""

import hashlib
import sqlite3
from array import array
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from backends.domain.ab.run import Run, TargetName
from backends.domain.redaction import without_secrets
from backends.domain.start import Start
from backends.history.database import UnreadableRow
from backends.history.records import FindingRecord, SeriesRecord, StartRecord
from backends.wire import UnreadableRecord, json_bytes, plain, read_json, typed

Row = tuple[Any, ...]
T = TypeVar("T")

ADD_START = """
INSERT INTO starts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (start_id) DO UPDATE SET
    server = excluded.server,
    model = excluded.model,
    args_sha256 = excluded.args_sha256,
    vllm_version = excluded.vllm_version,
    began_wall_s = excluded.began_wall_s,
    outcome = excluded.outcome,
    total_s = excluded.total_s,
    cost_usd = excluded.cost_usd,
    completeness = excluded.completeness,
    args = excluded.args,
    start = excluded.start
WHERE excluded.completeness >= starts.completeness
"""
"""Takes a `start_row`; a start that two consoles saw stays one row, the more complete one."""

_LONGEST_ITL_US = 2**32 - 1


def to_json(value: Any) -> str:
    """Return a value as JSON text without secrets."""
    return json_bytes(without_secrets(plain(value))).decode()


def from_json(text: str) -> Any:
    """Return the plain data of JSON text that `to_json` wrote.

    Raises:
        UnreadableRow: it is no JSON.
    """
    try:
        return read_json(text)
    except UnreadableRecord as error:
        raise _unreadable(error) from error


def args_sha256(args: Sequence[str]) -> str:
    """Return what equal arguments have in common, without showing them."""
    return hashlib.sha256(to_json(list(args)).encode()).hexdigest()


def start_row(record: StartRecord) -> Row:
    """Return the columns of table ``starts`` in order."""
    start = record.start
    return (
        start.start_id,
        record.server,
        record.model,
        args_sha256(record.args),
        start.vllm_version,
        record.began_wall_s,
        str(start.outcome),
        start.total_s,
        None if record.cost_usd is None else format(record.cost_usd, "f"),
        record.completeness,
        to_json(record.args),
        to_json(start),
    )


def start_record(row: sqlite3.Row) -> StartRecord:
    """Return the record of one row of table ``starts``."""
    return StartRecord(
        server=row["server"],
        model=row["model"],
        args=tuple(from_json(row["args"])),
        began_wall_s=row["began_wall_s"],
        start=_value(row["start"], Start),
        cost_usd=None if row["cost_usd"] is None else Decimal(row["cost_usd"]),
    )


def series_row(record: SeriesRecord) -> Row:
    """Return the columns of table ``series`` in order."""
    return (
        record.series_id,
        record.began_wall_s,
        to_json(record.targets),
        record.prompt_sha256,
        to_json(record.report),
    )


def series_record(row: sqlite3.Row) -> SeriesRecord:
    """Return the record of one row of table ``series``."""
    return SeriesRecord(
        series_id=row["series_id"],
        began_wall_s=row["began_wall_s"],
        targets=_value(row["targets"], tuple[tuple[TargetName, str], ...]),
        prompt_sha256=row["prompt_sha256"],
        report=from_json(row["report"]),
    )


def finding_row(record: FindingRecord) -> Row:
    """Return the columns of table ``findings`` in order."""
    return (
        record.kind,
        record.finding_id,
        record.began_wall_s,
        record.endpoint,
        to_json(record.document),
    )


def finding_record(row: sqlite3.Row) -> FindingRecord:
    """Return the record of one row of table ``findings``."""
    return FindingRecord(
        kind=row["kind"],
        finding_id=row["finding_id"],
        began_wall_s=row["began_wall_s"],
        endpoint=row["endpoint"],
        document=from_json(row["document"]),
    )


def run_row(series_id: str, run: Run) -> Row:
    """Return the columns of table ``runs``; latencies as whole microseconds, text left out.

    What a model wrote may be private and is never needed to compare runs. Microseconds keep a
    million runs of a few hundred tokens near one GB, where JSON would take ten.
    """
    itl_us = array("I", (min(round(itl_s * 1e6), _LONGEST_ITL_US) for itl_s in run.itl_s))
    slim = replace(run, itl_s=(), text="")
    return (series_id, run.target, run.index, to_json(slim), itl_us.tobytes())


def run_of(row: sqlite3.Row) -> Run:
    """Return the run of one row of table ``runs``."""
    itl_us = array("I")
    try:
        itl_us.frombytes(row["itl_us"])
    except ValueError as error:
        raise _unreadable(error) from error
    return replace(_value(row["run"], Run), itl_s=tuple(us / 1e6 for us in itl_us))


def _value(text: str, kind: type[T]) -> T:
    try:
        return typed(from_json(text), kind)
    except UnreadableRecord as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> UnreadableRow:
    return UnreadableRow(f"a record of the history is not known here ({error}); update inferctl")
