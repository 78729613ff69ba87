"""Turns records into rows and rows into records; nothing secret passes."""

import hashlib
import sqlite3
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal
from itertools import chain
from typing import Any

from backends.domain.ab.run import Run, TargetName
from backends.domain.redaction import without_secrets
from backends.domain.stamp import in_calendar
from backends.domain.start import Start
from backends.history.database import UnreadableRow
from backends.history.records import FindingRecord, Note, Point, SeriesRecord, StartRecord
from backends.wire import UnreadableRecord, json_bytes, plain, read_json, typed

Row = tuple[Any, ...]

PLAIN, PACKED = 0, 1
"""How the inter-token latencies of a run are kept: as 32-bit integers, or packed by `_packed`."""

ADD_START = """
INSERT INTO starts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

ADD_WHO = """
UPDATE starts SET
    started_by = coalesce(nullif(?, ''), started_by),
    stopped_by = coalesce(nullif(?, ''), stopped_by),
    ended_wall_s = ?
WHERE start_id = ? AND ended_wall_s IS NULL
"""
"""Adds what is learnt at the end of a server whose start was complete before."""

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
        *who_row(record),
    )


def who_row(record: StartRecord) -> Row:
    """Return the values that `ADD_WHO` takes before the ``start_id``."""
    return (record.started_by, record.stopped_by, record.ended_wall_s)


def start_record(row: sqlite3.Row) -> StartRecord:
    """Return the record of one row of table ``starts``."""
    return StartRecord(
        server=_plain_value(row["server"], str),
        model=_plain_value(row["model"], str),
        args=_value(row["args"], tuple[str, ...]),
        began_wall_s=_instant(row["began_wall_s"]),
        start=_value(row["start"], Start),
        cost_usd=_plain_value(row["cost_usd"], Decimal | None),
        started_by=_plain_value(row["started_by"], str),
        stopped_by=_plain_value(row["stopped_by"], str),
        ended_wall_s=_plain_value(row["ended_wall_s"], float | None),
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
        series_id=_plain_value(row["series_id"], str),
        began_wall_s=_instant(row["began_wall_s"]),
        targets=_value(row["targets"], tuple[tuple[TargetName, str], ...]),
        prompt_sha256=_plain_value(row["prompt_sha256"], str),
        report=_value(row["report"], dict[str, Any]),
    )


def point(row: sqlite3.Row) -> Point:
    """Return the figure of a row of three columns: of what, when, how much."""
    return Point(
        of=_plain_value(row["of"], str),
        wall_s=_instant(row["wall_s"]),
        value=_plain_value(row["value"], float),
    )


def note_of(row: sqlite3.Row) -> Note:
    """Return the note of one row of table ``notes``."""
    return Note(
        record_id=_plain_value(row["record_id"], str),
        text=_plain_value(row["text"], str),
        wall_s=_instant(row["wall_s"]),
        by=_plain_value(row["written_by"], str),
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
        finding_id=_plain_value(row["finding_id"], str),
        began_wall_s=_instant(row["began_wall_s"]),
        endpoint=_plain_value(row["endpoint"], str),
        document=_value(row["document"], dict[str, Any]),
    )


def run_row(series_id: str, run: Run) -> Row:
    """Return the columns of table ``runs``, to 0.1 µs, without its text and what it has not.

    What a model wrote may be private and is never needed to compare runs. A million runs of a few
    hundred tokens take less than one GB, where JSON would take ten.
    """
    slim = {
        each.name: _rounded(plain(value))
        for each in fields(run)
        if each.name not in ("itl_s", "text") and (value := getattr(run, each.name)) != each.default
    }
    return (series_id, run.target, run.index, to_json(slim), _packed(run.itl_s), PACKED)


def run_of(row: sqlite3.Row) -> Run:
    """Return the run of one row of table ``runs``."""
    try:
        itl_s = _unpacked(row["itl_us"], row["itl_coding"])
    except (ValueError, TypeError, zlib.error) as error:
        raise _unreadable(error) from error
    return replace(run_without_detail(row), itl_s=itl_s)


def run_without_detail(row: sqlite3.Row) -> Run:
    """Return the run of a row without its inter-token latencies, which take longest to read."""
    run: Run = _value(row["run"], Run)
    return run


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return round(value, 7) if isinstance(value, float) else value


def _packed(itl_s: tuple[float, ...]) -> bytes:
    """Return latencies as whole microseconds: all lowest bytes, then all next ones, deflated.

    The higher bytes of neighbours are alike, so that a token takes less than two bytes.
    """
    itl_us = array("I", (min(round(each * 1e6), _LONGEST_ITL_US) for each in itl_s)).tobytes()
    return zlib.compress(b"".join(itl_us[place::4] for place in range(4)))


def _unpacked(content: bytes, coding: int) -> tuple[float, ...]:
    if coding == PACKED:
        planes = zlib.decompress(content)
        content = bytes(chain.from_iterable(zip(*_quarters(planes), strict=True)))
    itl_us = array("I")
    itl_us.frombytes(content)
    return tuple(us / 1e6 for us in itl_us)


def _quarters(planes: bytes) -> list[bytes]:
    size = len(planes) // 4
    return [planes[place * size : (place + 1) * size] for place in range(4)]


def _value(text: str, kind: Any) -> Any:
    return _plain_value(from_json(text), kind)


def _plain_value(value: Any, kind: Any) -> Any:
    try:
        return typed(value, kind)
    except UnreadableRecord as error:
        raise _unreadable(error) from error


def _instant(value: Any) -> float:
    wall_s: float = _plain_value(value, float)
    if not in_calendar(wall_s):
        raise _unreadable(ValueError(f"{wall_s:g} is not an instant"))
    return wall_s


def _unreadable(error: Exception) -> UnreadableRow:
    return UnreadableRow(f"a record of the history is not known here ({error}); update inferctl")
