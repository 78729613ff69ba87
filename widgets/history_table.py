"""The history: starts, A/B series, loads and cold-start probes, newest first."""

from dataclasses import dataclass, replace

from textual.message import Message
from textual.reactive import reactive
from textual.widgets import DataTable

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.start import PHASE_TITLES, Outcome, PhaseName
from widgets.columns import Column, FittedTable
from widgets.text import safe

_OUTCOMES = {
    Outcome.READY: "✔ ready",
    Outcome.FAILED: "✖ failed",
    Outcome.STOPPED: "○ stopped",
    Outcome.INCOMPLETE: "◌ incomplete",
}


@dataclass(frozen=True, slots=True)
class StartRecord:
    """One start.

    Attributes:
        when: its local date and time, for example ``2026-11-21 09:14``.
        began_s: the same in seconds since 1970, which sets two of one minute in order.
        by: who started it, and who stopped its server.
        note: what someone wrote beside it.
    """

    start_id: str
    when: str
    server: str
    model: str = ""
    version: str = ""
    outcome: Outcome = Outcome.INCOMPLETE
    total_s: float | None = None
    slowest: PhaseName | None = None
    slowest_s: float | None = None
    began_s: float = 0.0
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """One A/B series; `verdict` is its word, for example ``A FASTER``."""

    series_id: str
    when: str
    targets: tuple[str, ...]
    runs: int
    verdict: str = ""
    ttft_s: tuple[float | None, ...] = ()
    began_s: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A load or a cold-start probe.

    Attributes:
        kind: its word, for example ``load``.
        result: in a word or two, for example ``4.5 req/s``.
        took: what it took, for example ``61 requests``.
        detail: the finding in a sentence.
    """

    finding_id: str
    when: str
    endpoint: str
    kind: str
    result: str
    took: str = ""
    detail: str = ""
    model: str = ""
    began_s: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What was recorded; `reason` says why there is nothing.

    Attributes:
        search: what the records have in common, as it was typed.
        more: there are older records, which are not listed.
        marked: the id of the record that another is to be compared with.
    """

    starts: tuple[StartRecord, ...] = ()
    series: tuple[SeriesRecord, ...] = ()
    reason: str = ""
    findings: tuple[FindingRecord, ...] = ()
    search: str = ""
    more: bool = False
    marked: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    when: str
    what: str
    result: str
    total: str
    detail: str
    model: str
    version: str
    began_s: float = 0.0
    note: str = ""
    by: str = ""


_COLUMNS: tuple[Column[_Row], ...] = (
    Column("when", lambda row: row.when, 1),
    Column("what", lambda row: row.what, 0, least=16, most=32),
    Column("result", lambda row: row.result, 2, least=12, most=16),
    Column("took", lambda row: row.total, 3, right=True),
    Column("detail", lambda row: row.detail, 5, least=20, most=36),
    Column("note", lambda row: row.note, 4, least=16, most=60, optional=True),
    Column("by", lambda row: row.by, 6, least=26, most=40, optional=True),
    Column("model", lambda row: row.model, 7, least=18, most=32),
    Column("vLLM", lambda row: row.version, 8, most=14),
)


class HistoryTable(FittedTable[_Row]):
    """One row for each start and each series."""

    BORDER_TITLE = "History"
    COLUMNS = _COLUMNS

    view: reactive[HistoryView] = reactive(HistoryView())

    class Opened(Message):
        """A record was chosen; `record_id` is its `start_id` or `series_id`."""

        def __init__(self, record_id: str) -> None:
            super().__init__()
            self.record_id = record_id

    def reason(self) -> str:
        """Return why there is no record."""
        return safe(self.view.reason) or "nothing recorded yet"

    def records(self) -> list[tuple[str | None, _Row]]:
        """Return the rows of all records."""
        return [(row.key, row) for row in table_rows(self.view)]

    def watch_view(self) -> None:
        """Show the new view; the title says what is listed, and how much of it."""
        self.border_title = table_title(self.view)
        super().watch_view()

    def chosen(self) -> str | None:
        """Return the id of the record under the cursor, None where there is none."""
        rows = self.records()
        return rows[self.cursor_row][0] if 0 <= self.cursor_row < len(rows) else None

    def note(self) -> str:
        """Return the note on the record under the cursor, empty where there is none."""
        rows = self.records()
        return rows[self.cursor_row][1].note if 0 <= self.cursor_row < len(rows) else ""

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Say which record was chosen."""
        event.stop()
        if event.row_key.value:
            self.post_message(self.Opened(event.row_key.value))


def table_title(view: HistoryView) -> str:
    """Return what is listed: the search, and whether there is more than the newest."""
    number = len(view.starts) + len(view.series) + len(view.findings)
    parts = ["History", *([safe(view.search)] if view.search else [])]
    parts += [f"the newest {number}"] if view.more else []
    return " · ".join(parts)


def table_rows(view: HistoryView) -> list[_Row]:
    """Return all records as rows, newest first."""
    rows = [_start_row(start) for start in view.starts]
    rows += [_series_row(series) for series in view.series]
    rows += [_finding_row(found) for found in view.findings]
    rows = [
        replace(row, what=f"◆ {row.what}") if row.key == view.marked else row
        for row in _without_common_year(rows)
    ]
    return sorted(rows, key=lambda row: (row.when, row.began_s), reverse=True)


def _without_common_year(rows: list[_Row]) -> list[_Row]:
    """Leave the year out where all dates share it."""
    if len({row.when[:5] for row in rows}) != 1 or rows[0].when[4:5] != "-":
        return rows
    return [replace(row, when=row.when[5:]) for row in rows]


def _start_row(start: StartRecord) -> _Row:
    slowest = UNKNOWN
    if start.slowest is not None:
        slowest = f"{PHASE_TITLES[start.slowest]} {fmt.seconds(start.slowest_s)}"
    return _Row(
        key=start.start_id,
        when=start.when,
        what=f"{safe(start.server)} start",
        result=_OUTCOMES[start.outcome],
        total=fmt.seconds(start.total_s),
        detail=slowest,
        model=safe(start.model) or UNKNOWN,
        version=safe(start.version) or UNKNOWN,
        began_s=start.began_s,
        note=safe(start.note),
        by=safe(start.by),
    )


def _series_row(series: SeriesRecord) -> _Row:
    times = " / ".join(fmt.latency(value) for value in series.ttft_s)
    return _Row(
        key=series.series_id,
        when=series.when,
        what="A/B " + " ~ ".join(safe(target) for target in series.targets),
        result=safe(series.verdict) or UNKNOWN,
        total=f"{series.runs} runs",
        detail=times or UNKNOWN,
        model="",
        version="",
        began_s=series.began_s,
        note=safe(series.note),
    )


def _finding_row(found: FindingRecord) -> _Row:
    return _Row(
        key=found.finding_id,
        when=found.when,
        what=f"{found.kind} {safe(found.endpoint)}",
        result=safe(found.result),
        total=found.took,
        detail=safe(found.detail),
        model=safe(found.model) or UNKNOWN,
        version="",
        began_s=found.began_s,
        note=safe(found.note),
    )
