"""The rows of one file: how it is understood, and what each row says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from backends.domain.durations import DAY_S
from backends.domain.values import whole
from backends.traffic.column_roles import Columns
from backends.traffic.columns import EMPTY, UnreadableTraffic, instant_of, number, understood
from backends.traffic.files import TrafficFile, records
from backends.traffic.instants import is_date
from backends.traffic.json_records import counts_tokens
from backends.traffic.names import blocks_in, conversation_in
from backends.traffic.parquet import parquet_records
from backends.traffic.tally import Row

SAMPLE = 200
"""How many rows decide which column is what."""

LOG_SAMPLE = 5_000
"""Of a log, whose lines mostly say other things."""

REFUSED = 400
"""From this HTTP status on a request was not served."""

SUMS = frozenset(("total", "totals", "grand total", "sum", "summe", "gesamt", "insgesamt"))
"""What stands in the place of an instant in a row that adds up the others."""

FAILED = frozenset(("failure", "failed", "error", "false", "timeout", "cancelled"))


@dataclass(slots=True)
class FileRead:
    """One file, how it was understood, and what of it is no served request.

    Attributes:
        failed: rows that say that their request failed.
        tokenless: rows without any token.
        of_others: rows of another model than the one that is asked for.
        of_sums: rows that add up the others, as below a table.
    """

    file: TrafficFile
    columns: Columns
    failed: int = 0
    tokenless: int = 0
    rows: int = 0
    of_others: int = 0
    of_sums: int = 0


def rows_of(
    file: TrafficFile, mapping: Mapping[str, str], model: str = ""
) -> tuple[FileRead, Iterator[Row]]:
    """Return how a file is understood, and its rows; of one model alone where one is named.

    Raises:
        UnreadableTraffic: it cannot be read, or as the rows are read, one of them is no traffic.
    """
    found = _with_tokens(file, numbered(file))
    sample = list(islice(found, SAMPLE))
    place = str(file.path)
    if not sample:
        raise UnreadableTraffic(f"{place} has no row with tokens; name a file with one a request")
    if file.skipped_lines < 0 and not mapping:
        raise UnreadableTraffic(
            f"{place} has no line with names; give its columns by number, for example "
            "--map at=1,input=2,output=3"
        )
    first = [record for _, record in sample]
    names = list(dict.fromkeys(name for record in first for name in record))
    columns = replace(
        understood(place, first, mapping),
        conversation=mapping.get("conversation") or conversation_in(names),
        blocks=mapping.get("blocks") or blocks_in(names),
    )
    read = FileRead(file, columns)
    return read, _rows(read, chain(sample, found), model)


def numbered(file: TrafficFile, most: int | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Return the records of a file of any form, each with its line or row.

    Args:
        file: of any form.
        most: how many of them are looked at; None for all.
    """
    return parquet_records(file, most) if file.form == "parquet" else records(file)


def _with_tokens(
    file: TrafficFile, found: Iterable[tuple[int, Mapping[str, Any]]]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Return the records of a log that name tokens: its other lines are of something else."""
    if file.form != "log":
        return iter(found)
    numbered = iter(found)
    head = list(islice(numbered, LOG_SAMPLE))
    if not any(counts_tokens(dict(record)) for _, record in head):
        raise UnreadableTraffic(
            f"{file.path}: none of its first {len(head)} lines names tokens; log them by name, "
            "such as prompt_tokens=12 completion_tokens=34"
        )
    return (each for each in chain(head, numbered) if counts_tokens(dict(each[1])))


def _rows(
    read: FileRead, found: Iterable[tuple[int, Mapping[str, Any]]], model: str
) -> Iterator[Row]:
    columns, path = read.columns, read.file.path
    for number_, record in found:
        read.rows += 1
        if model and columns.model and not _is_model(record.get(columns.model), model):
            read.of_others += 1
            continue
        if columns.status is not None and is_failed(record.get(columns.status)):
            read.failed += 1
            continue
        if str(record.get(columns.at[0])).strip(" :").lower() in SUMS:
            read.of_sums += 1
            continue
        row = _row(columns, record, f"{path}:{number_}")
        if row is None:
            read.tokenless += 1
        else:
            yield row


def _is_model(cell: object, model: str) -> bool:
    """Return whether a cell names a model, with its publisher or without."""
    said, asked = str(cell).strip().lower(), model.lower()
    return said == asked or said.rsplit("/", 1)[-1] == asked.rsplit("/", 1)[-1]


def _row(columns: Columns, record: Mapping[str, Any], place: str) -> Row | None:
    """Return a row, None for one that has no token."""
    into = _sum(columns.input, record, place)
    out = _sum(columns.output, record, place)
    if columns.total is not None:
        total = _sum((columns.total,), record, place)
        if total is not None:
            into = max(0.0, total - (out or 0.0)) if into is None else into
            out = max(0.0, total - into) if out is None else out
    requests = _sum(tuple(filter(None, (columns.requests,))), record, place)
    if (into is None and out is None) or (columns.requests is None and not into and not out):
        return None
    if into is None or out is None or (columns.requests is not None and requests is None):
        missing = columns.requests if into is not None and out is not None else None
        missing = missing or " + ".join(columns.input if into is None else columns.output)
        raise UnreadableTraffic(f"{place}: {missing} is empty; fill it in or drop the row")
    at_s = _instant(columns, record, columns.at, place)
    if at_s is None:
        raise UnreadableTraffic(f"{place}: {columns.at[0]} is empty; fill it in or drop the row")
    width_s = _width(columns, record, at_s, place)
    cached = _sum(columns.cached, record, place) if columns.cached else None
    if columns.of_means:
        into, out = into * (requests or 0.0), out * (requests or 0.0)
    row = Row(at_s, width_s, 1.0 if requests is None else requests, into, out, cached)
    if columns.conversation is not None:
        said = str(record.get(columns.conversation) or "").strip()
        row.conversation = None if said.lower() in EMPTY else said
    if columns.blocks is not None:
        row.blocks = _hashes(record.get(columns.blocks))
    return row


def _hashes(cell: object) -> tuple[str, ...]:
    """Return the hashes of a list, also of one that is written in a cell."""
    if isinstance(cell, list):
        return tuple(map(str, cell))
    return tuple(re.findall(r"[\w-]+", str(cell or "")))


def _width(columns: Columns, record: Mapping[str, Any], at_s: float, place: str) -> float | None:
    if columns.end is not None:
        end_s = _instant(columns, record, (columns.end,), place)
        if end_s is not None and end_s > at_s:
            return end_s - at_s
    if len(columns.at) == 1 and columns.unit is None and is_day(str(record[columns.at[0]])):
        return DAY_S
    return None if columns.requests is None else 0.0


def is_day(text: str) -> bool:
    """Return whether an instant names a whole day."""
    plain = text.strip()
    return is_date(plain) or (len(plain) == 8 and plain.isdigit())


def is_failed(status: object) -> bool:
    """Return whether a status says that a request was not served."""
    said = str(status).strip().lower()
    return (whole(said) or 0) >= REFUSED or said in FAILED


def _sum(names: tuple[str, ...], record: Mapping[str, Any], place: str) -> float | None:
    """Return the sum of some cells, None where the first of them is empty."""
    total: float | None = None
    for name in names:
        cell = record.get(name)
        try:
            value = number(cell)
        except ValueError as error:
            raise UnreadableTraffic(
                f"{place}: {name} is {cell!r}; write a number from 0 on"
            ) from error
        if value is not None:
            total = value if total is None else total + value
    return total


def _instant(
    columns: Columns, record: Mapping[str, Any], names: tuple[str, ...], place: str
) -> float | None:
    try:
        return instant_of(columns, record, names)
    except ValueError as error:
        cell = record.get(names[0])
        raise UnreadableTraffic(f"{place}: {names[0]} is {cell!r}; {error}") from error
