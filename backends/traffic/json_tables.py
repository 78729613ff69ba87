"""Tables inside JSON that are no lists of records: series by name, and rows below their columns."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

COUNTERS = ("_total", "_sum", "_count")
"""How the names of counters end, as a Prometheus server keeps them."""

Row = dict[str, Any]


def rows_in(value: Mapping[str, Any]) -> Iterator[Row] | None:
    """Return the rows of a table, None for an object that is none."""
    series = value.get("result")
    if value.get("resultType") == "matrix" and isinstance(series, list):
        return _growth(series)
    if value.get("resultType") == "streams" and isinstance(series, list):
        return _lines(series)
    columns, rows = value.get("columns"), value.get("values", value.get("data"))
    if _are(columns, str) and _are(rows, list):
        return (dict(zip(columns or (), row, strict=False)) for row in rows or ())
    named = next(
        (each for each in value.values() if _are(each, dict) and all(map(_name, each))), ()
    )
    return _joined(named) if named else None


def _are(cells: Any, kind: type) -> bool:
    return isinstance(cells, list) and bool(cells) and all(isinstance(each, kind) for each in cells)


def _growth(series: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield what all counters of a Prometheus server's reply grew by between two instants.

    Counters are known by their names; one that fell began at zero again.
    """
    found: dict[tuple[float, float], Row] = {}
    for each in series:
        name = str(each.get("metric", {}).get("__name__", "")).rpartition(":")[2]
        counter = next((name.removesuffix(end) for end in COUNTERS if name.endswith(end)), None)
        if counter is None:
            continue
        for (at_s, was), (end_s, now) in pairwise(each.get("values", [])):
            row = found.setdefault((at_s, end_s), {"time": at_s, "end": end_s})
            grown = float(now) - float(was)
            row[counter] = row.get(counter, 0.0) + (float(now) if grown < 0 else grown)
    yield from (found[key] for key in sorted(found))


def _lines(streams: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the log lines of a Loki server's reply, each with its instant in nanoseconds."""
    for stream in streams:
        for at, line, *_ in stream.get("values", []):
            yield {"ts": at, "line": line}


def _name(series: Mapping[str, Any]) -> str:
    """Return the name of a series whose instants and values are lists beside each other."""
    pairs = (series.get("Timestamps"), series.get("Values"))
    return str(series.get("Label", "")) if all(isinstance(each, list) for each in pairs) else ""


def _joined(series: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield the values of all series at each of their instants."""
    found: dict[str, Row] = {}
    for each in series:
        for at, value in zip(each["Timestamps"], each["Values"], strict=False):
            found.setdefault(at, {"time": at})[_name(each)] = value
    yield from (found[at] for at in sorted(found))
