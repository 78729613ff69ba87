"""DuckDB as the reader of large files and of Parquet, where ``inferctl[traffic]`` installed it.

It adds up what `tally` would, row for row. Whatever it does not understand without doubt, a single
bad row included, is left to the plain reader, which names the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from backends.domain.durations import DAY_S
from backends.traffic.columns import Columns, understood
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

MOST = 1e15
"""A larger number, infinity and what is no number are not plain."""


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
    sample = [record for _, record in islice(numbered(file), SAMPLE)]
    lines = list(islice(json_lines(file), SAMPLE)) if file.form == "json lines" else []
    columns = understood(str(file.path), sample, mapping)
    source = source_of(file, columns, sample, lines)
    if source is None:
        return None
    at = columns.at[0]
    days = {columns.unit is None and is_day(str(each[at])) for each in sample if each.get(at)}
    read = FileRead(file, columns)
    try:
        added = len(days) == 1 and _Query(engine, source, columns).added_to(
            tally, read, days=days.pop()
        )
    except engine.Error:
        return None
    return read if added else None


class _Sums(NamedTuple):
    """What the engine adds up of the rows of one step or interval."""

    key: float
    width_s: float | None
    left_out: int
    rows: int
    not_plain: int
    first_s: float
    last_s: float
    cached_n: int
    requests: float
    into: float
    out: float
    cached: float
    into_squares: float
    out_squares: float
    products: float

    @property
    def sums(self) -> list[float]:
        return list(self[8:])


FAILED_ROW, TOKENLESS_ROW = 1, 2


@dataclass(frozen=True, slots=True)
class _Query:
    """One file as the engine adds it up."""

    engine: Connection
    source: Source
    columns: Columns

    def added_to(self, tally: Tally, read: FileRead, *, days: bool) -> bool:
        """Add the file up; false, and nothing is added, where a row of it is not plain."""
        counting = self.columns.requests is not None
        if counting or days:
            width = "nullif(greatest(e - t, 0), 0)" if self.columns.end else "null"
            rest = DAY_S if days else 0.0
            found = self._grouped("t", f"coalesce({width}, {rest})")
        else:
            found = self._grouped(f"floor(t / {COARSE_S})", "null")
        kept = [each for each in found if not each.left_out]
        if not kept or any(each.not_plain for each in kept):
            return False
        if counting or days:
            for each in kept:
                tally.add_sums(each.key, each.width_s, each.sums)
        else:
            self._add_steps(tally, kept)
        tally.cached_known |= any(each.cached_n for each in kept)
        for each in found:
            read.rows += each.rows
            read.failed += each.rows if each.left_out == FAILED_ROW else 0
            read.tokenless += each.rows if each.left_out == TOKENLESS_ROW else 0
        return True

    def _add_steps(self, tally: Tally, kept: list[_Sums]) -> None:
        first_s, last_s = min(each.first_s for each in kept), max(each.last_s for each in kept)
        step_s = step_of(last_s - first_s)
        if step_s < COARSE_S:
            found = self._grouped(f"floor(t / {step_s})", "null")
            kept = [each for each in found if not each.left_out]
        step_s = min(step_s, COARSE_S)
        tally.add_steps(step_s, first_s, last_s, {int(each.key): each.sums for each in kept})

    def _grouped(self, key: str, width: str) -> list[_Sums]:
        """Return the sums of all rows by a key and a width."""
        columns = self.columns
        into, out, cached = map(self._sum, (columns.input, columns.output, columns.cached))
        if columns.total is not None:
            total, known = self._sum((columns.total,)), into if columns.input else out
            rest = f"greatest(0, {total} - {known})"
            into, out = (into, rest) if columns.input else (rest, out)
        count = self._sum((columns.requests,)) if columns.requests else "1.0::double"
        end = self._instant(columns.end) if columns.end else "null"
        least, most = (0, LATEST_S) if columns.relative else (EARLIEST_S, LATEST_S)
        none = "i is null and o is null"
        if columns.requests is None:
            none = "coalesce(i, 0) = 0 and coalesce(o, 0) = 0"
        return [
            _Sums(*row)
            for row in self.engine.execute(
                f"with r as (select {self._instant(columns.at[0])} t, {end} e, {count} n, "
                f"{into} i, {out} o, {cached} c, {self._is_failed()} failed "
                f"from {self.source.table}), "
                f"f as (select *, case when failed then {FAILED_ROW} "
                f"when {none} then {TOKENLESS_ROW} else 0 end f from r) "
                f"select {key} k, {width} w, f, count(*), "
                f"count(*) - count(*) filter (i >= 0 and i < {MOST} and o >= 0 and o < {MOST} "
                f"and n >= 0 and n < {MOST} and t >= {least} and t <= {most}), "
                "min(t), max(t), count(c), sum(n), sum(i), sum(o), coalesce(sum(c), 0), "
                + ", ".join(f"coalesce(sum({each}), 0)" for each in self._squares())
                + " from f group by k, w, f"
            ).fetchall()
        ]

    def _squares(self) -> tuple[str, ...]:
        if self.columns.requests is None:
            return "i * i", "o * o", "i * o"
        return "i * i / nullif(n, 0)", "o * o / nullif(n, 0)", "i * o / nullif(n, 0)"

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
