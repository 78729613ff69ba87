"""Parquet as records, by DuckDB alone."""

from collections.abc import Iterator
from glob import escape

from backends.traffic.columns import UnreadableTraffic
from backends.traffic.connection import connected
from backends.traffic.engine_source import name, text
from backends.traffic.files import TrafficFile
from backends.traffic.json_records import Record, records_of


def parquet_records(file: TrafficFile, most: int | None) -> Iterator[tuple[int, Record]]:
    """Return the rows of a Parquet file with their numbers.

    Args:
        file: Parquet.
        most: how many rows are read; None for all. Of more the engine reads ahead.

    Raises:
        UnreadableTraffic: the engine is not installed, or cannot read the file.
    """
    engine = connected()
    if engine is None:
        raise UnreadableTraffic(
            f"{file.path} is Parquet; install inferctl[traffic] to read it, or write it as CSV"
        )
    try:
        table = f"read_parquet({text(escape(str(file.path)))})"  # the engine reads patterns
        described = engine.execute(f"describe select * from {table}").fetchall()
        cells = ", ".join(
            f"{name(column)}::varchar as {name(column)}" if _is_instant(kind) else name(column)
            for column, kind, *_ in described
        )
        limit = "" if most is None else f" limit {most}"
        rows = engine.execute(f"select {cells} from {table}{limit}")
        names, number = [column for column, *_ in described], 0
        while found := rows.fetchmany(1_000):
            for cells_ in found:
                number += 1
                for record in records_of(dict(zip(names, cells_, strict=True))):
                    yield number, record
    except engine.Error as error:
        why = str(error).partition("\n")[0]
        raise UnreadableTraffic(f"{file.path} cannot be read ({why}); write it again") from error


def _is_instant(kind: str) -> bool:
    """Return whether a type's values come out of the package as objects rather than text."""
    return "TIME" in kind or kind == "DATE"
