"""The SQL by which DuckDB reads the columns of one file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backends.traffic import instants
from backends.traffic.column_roles import Columns
from backends.traffic.files import TrafficFile
from backends.traffic.json_records import records_of


@dataclass(frozen=True, slots=True)
class Source:
    """A file as SQL.

    Attributes:
        table: what is selected from.
        columns: the expression of each column that has a role, by its name.
    """

    table: str
    columns: Mapping[str, str]


def source_of(
    file: TrafficFile,
    columns: Columns,
    sample: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
) -> Source | None:
    """Return the SQL of a file, None for what SQL would read otherwise than the plain reader.

    Args:
        file: CSV, JSON lines or Parquet.
        columns: what its columns are.
        sample: its first records.
        lines: its first lines where it is JSON lines, each as it is.
    """
    if any(sign in str(file.path) for sign in "*?[") or len(columns.at) > 1 or columns.day_first:
        return None
    if columns.unit is None and not _plain_instants(columns, sample):
        return None
    kinds = _kinds(columns)
    if file.form == "csv":
        return _csv_source(file, kinds)
    if file.form == "json lines":
        return _json_source(file, kinds, lines)
    if any("." in name for name in kinds):
        return None
    return Source(f"read_parquet({text(str(file.path))})", {each: name(each) for each in kinds})


def _plain_instants(columns: Columns, sample: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the engine reads a column's instants as `instants` does."""
    cells = [str(record[columns.at[0]]) for record in sample if record.get(columns.at[0])]
    return all(cell[4:5] == "-" and not instants.is_number(cell) for cell in cells)


def _kinds(columns: Columns) -> dict[str, str]:
    """Return the SQL type of each column that has a role."""
    optional = (columns.requests, columns.total)
    counts = (*columns.input, *columns.output, *columns.cached, *filter(None, optional))
    kinds = dict.fromkeys(counts, "DOUBLE")
    instant = "TIMESTAMPTZ" if columns.unit is None else "DOUBLE"
    kinds |= dict.fromkeys(filter(None, (*columns.at, columns.end)), instant)
    return kinds | ({columns.status: "VARCHAR"} if columns.status else {})


def _csv_source(file: TrafficFile, kinds: Mapping[str, str]) -> Source | None:
    header = file.header or ()
    if (
        file.dot_groups
        or file.json_cells
        or file.encoding == "utf-16"
        or len(set(header)) < len(header)
    ):
        return None
    cells = ", ".join(f"{text(each)}: {text(kinds.get(each, 'VARCHAR'))}" for each in header)
    table = (
        f"read_csv({text(str(file.path))}, header={file.skipped_lines >= 0}, "
        f"skip={max(0, file.skipped_lines)}, auto_detect=false, delim={text(file.delimiter)}, "
        f"quote='\"', escape='\"', compression={text(file.compression)}, columns={{{cells}}})"
    )
    return Source(table, {each: name(each) for each in kinds})


def _json_source(
    file: TrafficFile, kinds: Mapping[str, str], lines: Sequence[Mapping[str, Any]]
) -> Source | None:
    if any(len(list(records_of(line))) != 1 for line in lines):
        return None
    paths: dict[str, tuple[str, ...]] = {}
    types: dict[str, Any] = {}
    for column, kind in kinds.items():
        path = next((found for line in lines if (found := _path(line, column))), None)
        if path is None:
            return None
        paths[column], inner = path, types
        for key in path[:-1]:
            inner = inner.setdefault(key, {})
            if isinstance(inner, str):
                return None
        inner[path[-1]] = kind
    cells = ", ".join(f"{text(key)}: {text(_type(inner))}" for key, inner in types.items())
    compression = "uncompressed" if file.compression == "none" else file.compression
    table = (
        f"read_json({text(str(file.path))}, format='newline_delimited', columns={{{cells}}}, "
        f"compression={text(compression)})"
    )
    return Source(table, {column: ".".join(map(name, path)) for column, path in paths.items()})


def _type(inner: str | Mapping[str, Any]) -> str:
    if isinstance(inner, str):
        return inner
    return f"STRUCT({', '.join(f'{name(key)} {_type(each)}' for key, each in inner.items())})"


def _path(value: Mapping[str, Any], flat: str) -> tuple[str, ...] | None:
    """Return the keys that lead to a flat name; a key may have dots of its own."""
    if flat in value:
        return None if isinstance(value[flat], dict) else (flat,)
    for key, inner in value.items():
        if isinstance(inner, dict) and flat.startswith(f"{key}."):
            rest = _path(inner, flat[len(key) + 1 :])
            return None if rest is None else (key, *rest)
    return None


def name(column: str) -> str:
    """Return a name as SQL."""
    return '"' + column.replace('"', '""') + '"'


def text(plain: str) -> str:
    """Return a text as SQL."""
    return "'" + plain.replace("'", "''") + "'"
