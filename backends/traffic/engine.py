"""DuckDB as the reader of large files and of Parquet, where ``inferctl[traffic]`` installed it.

It adds up what `tally` would, row for row. Whatever it does not understand without doubt, a single
bad row included, is left to the plain reader, which names the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple

from backends.domain.durations import DAY_S
from backends.traffic.column_roles import Columns
from backends.traffic.columns import understood
from backends.traffic.connection import Connection, connected
from backends.traffic.engine_source import Source, source_of, text
from backends.traffic.files import TrafficFile, json_lines
from backends.traffic.instants import EARLIEST_S, LATEST_S, UNITS
from backends.traffic.rows import FAILED, REFUSED, SAMPLE, FileRead, is_day, numbered
from backends.traffic.tally import Tally, step_of

WORTH_IT_BYTES = 4_000_000
"""The plain reader has read a smaller file before the engine is loaded."""

COARSE_S = 60.0
"""The step of the first query, whose answer tells the span; it is the last for most files."""


def tallied_by_engine(
    file: TrafficFile, mapping: Mapping[str, str], tally: Tally
) -> FileRead | None:
    """Add up a file with the engine; None where it is left to the plain reader.

    Raises:
        UnreadableTraffic: it is Parquet and the engine is not installed, or as `understood` says.
    """
    if file.form != "parquet" and (
        file.form not in {"csv", "json lines"} or file.path.stat().st_size < WORTH_IT_BYTES
    ):
        return None
    engine = connected()
    if engine is None:
        return None
    sample = [record for _, record in islice(numbered(file, SAMPLE), SAMPLE)]
    lines = list(islice(json_lines(file), SAMPLE)) if file.form == "json lines" else []
    columns = understood(str(file.path), sample, mapping)
    source = source_of(file, columns, sample, lines)
    if source is None or columns.of_means:
        return None
    at = columns.at[0]
    days = {columns.unit is None and is_day(str(each[at])) for each in sample if each.get(at)}
    read = FileRead(file, columns)
    try:
        query = _Query(engine, source, columns)
        added = len(days) == 1 and query.added_to(tally, read, days=days.pop())
    except engine.Error:
        return None
    return read if added else None


class _Group(NamedTuple):
    """What the engine adds up of the rows of one step or interval, or all its groups by column."""

    key: Any
    width_s: Any
    left_out: Any
    rows: Any
    filled: Any
    least: Any
    first_s: Any
    last_s: Any
    cached_n: Any
    requests: Any
    into: Any
    out: Any
    cached: Any
    into_squares: Any
    out_squares: Any
    products: Any


SUMS = _Group._fields.index("requests")
"""Where the sums of the tokens begin."""

FAILED_ROW, TOKENLESS_ROW = 1, 2
NO_WIDTH = "null"


@dataclass(frozen=True, slots=True)
class _Query:
    """One file as the engine adds it up."""

    engine: Connection
    source: Source
    columns: Columns

    def added_to(self, tally: Tally, read: FileRead, *, days: bool) -> bool:
        """Add the file up; false, and nothing is added, where a row of it is not plain."""
        intervals = days or self.columns.requests is not None or self.columns.end is not None
        if intervals:
            width = "nullif(greatest(e - t, 0), 0)" if self.columns.end else "null"
            found = self._grouped("t", f"coalesce({width}, {DAY_S if days else 0.0})")
        else:
            found = self._grouped(f"floor(t / {COARSE_S})::bigint", NO_WIDTH)
        kept = [row for row in found if not row[2]]
        all_ = _Group._make(zip(*kept, strict=True)) if kept else None
        if all_ is None or not self._plain(all_):
            return False
        if intervals:
            for row in kept:
                tally.add_sums(row[0], row[1], list(row[SUMS:]))
        else:
            self._add_steps(tally, kept, min(all_.first_s), max(all_.last_s))
        if tally.limits:
            prompt = "i" if self.columns.requests is None else "i / nullif(n, 0)"
            kind = " + ".join(f"({prompt} > {limit!r})::bigint" for limit in tally.limits)
            for row in self._grouped(kind, NO_WIDTH):
                if not row[2] and row[0] is not None:
                    tally.add_kind(row[0], row[SUMS : SUMS + 3])
        tally.cached_known |= any(all_.cached_n)
        read.rows += sum(all_.rows)
        for _, _, left_out, rows, *_ in (row for row in found if row[2]):
            read.rows += rows
            read.failed += rows if left_out == FAILED_ROW else 0
            read.tokenless += rows if left_out == TOKENLESS_ROW else 0
        return True

    def _plain(self, all_: _Group) -> bool:
        """Whether every row has all its numbers, from 0 on, and an instant that is possible."""
        if None in all_.key or sum(all_.filled) != sum(all_.rows) or min(all_.least) < 0:
            return False
        earliest_s = 0.0 if self.columns.relative else EARLIEST_S
        possible = min(all_.first_s) >= earliest_s and max(all_.last_s) <= LATEST_S
        return possible and all(isfinite(sum(column)) for column in all_[SUMS:])

    def _add_steps(
        self, tally: Tally, kept: list[tuple[Any, ...]], first_s: float, last_s: float
    ) -> None:
        step_s = step_of(last_s - first_s)
        if step_s < COARSE_S:
            found = self._grouped(f"floor(t / {step_s})::bigint", NO_WIDTH)
            kept = [row for row in found if not row[2]]
        steps = {row[0]: list(row[SUMS:]) for row in kept}
        tally.add_steps(min(step_s, COARSE_S), first_s, last_s, steps)

    def _grouped(self, key: str, width: str) -> list[tuple[Any, ...]]:
        """Return the sums of all rows by a key and a width."""
        columns = self.columns
        into, out, cached = map(self._sum, (columns.input, columns.output, columns.cached))
        if columns.total is not None:
            total, known = self._sum((columns.total,)), into if columns.input else out
            rest = f"greatest(0, {total} - {known})"
            into, out = (into, rest) if columns.input else (rest, out)
        count = self._sum((columns.requests,)) if columns.requests else "1.0::double"
        end = self._instant(columns.end) if columns.end else "null"
        none = "coalesce(i, 0) + coalesce(o, 0) = 0"
        if columns.requests is not None:
            none = "i is null and o is null"
        left_out = f"case when {none} then {TOKENLESS_ROW}::tinyint else 0::tinyint end"
        if columns.status is not None:
            left_out = f"case when failed then {FAILED_ROW}::tinyint else {left_out} end"
        values = "io" if columns.requests is None else "ion"
        filled, least = (
            ", ".join(f"{name}({value})" for value in values) for name in ("count", "min")
        )
        query = (
            f"with r as (select {self._instant(columns.at[0])} t, {end} e, {count} n, "
            f"{into} i, {out} o, {cached} c, {self._is_failed()} failed "
            f"from {self.source.table}), "
            f"f as (select *, {left_out} f from r) "
            f"select {key} k, {width} w, f, count(*), least({filled}), "
            f"least({least}), min(t), max(t), {', '.join(self._sums())} "
            f"from f group by {'k, f' if width == NO_WIDTH else 'k, w, f'}"
        )
        found: list[tuple[Any, ...]] = self.engine.execute(query).fetchall()
        return found

    def _sums(self) -> tuple[str, ...]:
        """Return the sums of the tokens and their products; a constant where it would be one."""
        cached = ("count(c)", "coalesce(sum(c), 0)") if self.columns.cached else ("0", "0::double")
        counting = self.columns.requests is not None
        each_n = " / nullif(n, 0)" if counting else ""
        sums = (f"coalesce(sum({pair}{each_n}), 0)" for pair in ("i * i", "o * o", "i * o"))
        count = "sum(n)" if counting else "count(*)::double"
        return (cached[0], count, "sum(i)", "sum(o)", cached[1], *sums)

    def _sum(self, names: tuple[str, ...]) -> str:
        """Return the sum of some columns; null where all are, as the plain reader has it."""
        cells = [f"{self.source.columns[each]}::double" for each in names]
        if len(cells) < 2:
            return cells[0] if cells else "null::double"
        filled = " + ".join(f"coalesce({cell}, 0)" for cell in cells)
        return f"case when coalesce({', '.join(cells)}) is null then null else {filled} end"

    def _instant(self, column: str) -> str:
        cell = self.source.columns[column]
        if self.columns.unit is None:
            return f"epoch({cell}::timestamptz)"
        unit_s = UNITS[self.columns.unit]
        return f"{cell}::double" if unit_s == 1 else f"({cell}::double * {unit_s!r})"

    def _is_failed(self) -> str:
        if self.columns.status is None:
            return "false"
        cell = f"lower(trim({self.source.columns[self.columns.status]}::varchar))"
        words = ", ".join(map(text, sorted(FAILED)))
        return f"coalesce(try_cast({cell} as integer) >= {REFUSED} or {cell} in ({words}), false)"
