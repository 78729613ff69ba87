"""Tables inside JSON that are no lists of records: series by name, and rows below their columns."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec

COUNTERS = ("_total", "_sum", "_count")
"""How the names of counters end, as a Prometheus server keeps them."""

Row = dict[str, Any]


class NoTable(Exception):
    """What stands where a table's rows should is none; the message says what."""


def rows_in(value: Mapping[str, Any]) -> Iterator[Row] | None:
    """Return the rows of a table, None for an object that is none.

    Raises:
        NoTable: its rows are none, said as they are read.
    """
    series = value.get("result")
    if _are(series, dict) and value.get("resultType") == "matrix":
        return _growth(series or ())
    if _are(series, dict) and value.get("resultType") == "streams":
        return _lines(series or ())
    columns, rows = value.get("columns"), value.get("values", value.get("data"))
    if _are(columns, str) and _are(rows, list):
        return (dict(zip(columns or (), row, strict=False)) for row in rows or ())
    named = next(
        (each for each in value.values() if _are(each, dict) and all(map(_name, each))), ()
    )
    if named:
        return _joined(
            (_name(each), zip(each["Timestamps"], each["Values"], strict=False)) for each in named
        )
    measured = next(
        (each for each in value.values() if _are(each, dict) and all(map(_points, each))), ()
    )
    return _joined((_metric(each), _points(each)) for each in measured) if measured else None


def _are(cells: Any, kind: type) -> bool:
    return isinstance(cells, list) and bool(cells) and all(isinstance(each, kind) for each in cells)


def _growth(series: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield what all counters of a Prometheus server's reply grew by between two instants.

    Counters are known by their names; one that fell began at zero again.
    """
    found: dict[tuple[float, float], Row] = {}
    for each in series:
        metric = each.get("metric")
        name = str(metric.get("__name__", "")) if isinstance(metric, dict) else ""
        name = name.rpartition(":")[2]
        counter = next((name.removesuffix(end) for end in COUNTERS if name.endswith(end)), None)
        if counter is None:
            continue
        for (at_s, was), (end_s, now) in pairwise(_numbers(each.get("values", []), name)):
            row = found.setdefault((at_s, end_s), {"time": at_s, "end": end_s})
            grown = now - was
            row[counter] = row.get(counter, 0.0) + (now if grown < 0 else grown)
    yield from (found[key] for key in sorted(found))


def _numbers(values: Any, name: str) -> list[tuple[float, float]]:
    try:
        return msgspec.convert(values, list[tuple[float, float]], strict=False)
    except msgspec.ValidationError as error:
        raise NoTable(f"the values of {name} are no instants and numbers") from error


def _lines(streams: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the log lines of a Loki server's reply, each with its instant in nanoseconds."""
    for stream in streams:
        entries = stream.get("values")
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, list) or len(entry) < 2:
                raise NoTable("a line of its log has no instant beside it")
            yield {"ts": entry[0], "line": entry[1]}


def _name(series: Mapping[str, Any]) -> str:
    """Return the name of a series whose instants and values are lists beside each other."""
    pairs = (series.get("Timestamps"), series.get("Values"))
    return str(series.get("Label", "")) if all(isinstance(each, list) for each in pairs) else ""


def _metric(series: Mapping[str, Any]) -> str:
    """Return the name of a metric, also of one that has it beside its translation."""
    name = series.get("name")
    return str(name.get("value") if isinstance(name, dict) else name)


def _points(series: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return instants and totals of a metric's series, one for each of its dimensions."""
    parts = series.get("timeseries")
    found = [part.get("data") for part in parts or ()] if _are(parts, dict) else []
    points = [point for data in found if _are(data, dict) for point in data]
    return [(each["timeStamp"], each.get("total")) for each in points if "timeStamp" in each]


def _joined(series: Iterable[tuple[str, Iterable[tuple[Any, Any]]]]) -> Iterator[Row]:
    """Yield the values of all series, by their names, at each of their instants."""
    found: dict[str, Row] = {}
    for name, points in series:
        for at, value in points:
            row = found.setdefault(at, {"time": at})
            row[name] = value if row.get(name) is None else row[name] + (value or 0)
    yield from (found[at] for at in sorted(found))
