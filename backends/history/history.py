"""Keeps and finds what was measured."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from backends.domain.ab.run import Run
from backends.domain.start import Outcome
from backends.history.database import BUSY_TIMEOUT_S, Database, UnreadableRow, open_database
from backends.history.entries import Entries
from backends.history.export import ExportKind, exported
from backends.history.records import (
    FindingKind,
    FindingRecord,
    SeriesRecord,
    StartRecord,
)
from backends.history.rows import (
    ADD_START,
    ADD_WHO,
    PLAIN,
    args_sha256,
    finding_record,
    finding_row,
    from_json,
    run_of,
    run_row,
    series_record,
    series_row,
    start_record,
    start_row,
    to_json,
    who_row,
)

DETAIL_KEPT_S = 365 * 86_400.0
"""So long the times between single tokens are kept; every other figure of a run is for ever."""

THINNED_AT_ONCE = 10
"""Series that lose their detail when one is added: old ones go faster than new ones come."""


class Findings:
    """The findings of one open history, which says what its methods raise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, record: FindingRecord) -> None:
        """Keep a load or a cold-start probe, or replace what was kept under its id."""
        row = finding_row(record)
        self._database.rows("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?)", row)

    def recent(self, kind: FindingKind, limit: int = 50) -> tuple[FindingRecord, ...]:
        """Return the last loads or cold-start probes, newest first."""
        query = "SELECT * FROM findings WHERE kind = ? ORDER BY began_wall_s DESC LIMIT ?"
        return self._database.records(query, (kind, limit), finding_record)

    def one(self, finding_id: str) -> FindingRecord | None:
        """Return one load or cold-start probe, None where there is none of this id."""
        rows = self._database.rows("SELECT * FROM findings WHERE finding_id = ?", (finding_id,))
        return finding_record(rows[0]) if rows else None


def open_history(path: Path, wait_s: float = BUSY_TIMEOUT_S) -> "History":
    """Open the history at `path`, made with mode 0600 if missing.

    A damaged file is moved aside, never deleted; `History.notice` says so. What another process
    holds is waited for so long, at the opening and at each write.

    Raises:
        HistoryUnavailable: it cannot be written, is locked, or was written by a newer version.
    """
    return History(open_database(path, wait_s))


class History:
    """One open history; to be used by the thread that opened it.

    Every method that reads or writes raises `HistoryUnavailable` if the disk is full, the file
    stays locked by another process for 5 s, or a damaged page is met.

    Attributes:
        notice: one sentence if the file was damaged and moved aside, else empty.
        findings: the loads and the cold-start probes.
        entries: all records in one list, and the notes on them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.findings = Findings(database)
        self.entries = Entries(database)
        self.notice = database.notice

    @property
    def unreadable(self) -> int:
        """How many records were left out of what was listed because they cannot be read."""
        return self._database.unreadable

    def close(self) -> None:
        """Close the file; what was added is on disk already."""
        self._database.close()

    def add_start(self, record: StartRecord) -> None:
        """Keep a start; of two records with one ``start_id`` the more complete one stays."""
        self._database.rows(ADD_START, start_row(record))
        self._database.rows(ADD_WHO, (*who_row(record), record.start.start_id))

    def starts_like(
        self, model: str, args: Sequence[str] | None = None, limit: int = 20
    ) -> tuple[StartRecord, ...]:
        """Return the last starts of a model, with just these arguments if given, newest first."""
        if args is None:
            return _starts(self._database, "model = ?", (model,), limit)
        return _starts(
            self._database, "model = ? AND args_sha256 = ?", (model, args_sha256(args)), limit
        )

    def recent_starts(self, limit: int = 50, server: str | None = None) -> tuple[StartRecord, ...]:
        """Return the last starts, of one server if named, newest first."""
        if server is None:
            return _starts(self._database, "TRUE", (), limit)
        return _starts(self._database, "server = ?", (server,), limit)

    def add_series(self, record: SeriesRecord) -> None:
        """Keep a series, or replace what was kept under its id, for example to add its report.

        Each new one lets a few of the oldest lose their detail, see `DETAIL_KEPT_S`.
        """
        columns = "series_id, began_wall_s, targets, prompt_sha256, report"
        self._database.rows(
            f"INSERT OR REPLACE INTO series ({columns}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            series_row(record),
        )
        self._thin_before(record.began_wall_s - DETAIL_KEPT_S)

    def add_run(self, series_id: str, run: Run) -> None:
        """Keep one run of a series without its text; the same target and index is kept once."""
        self._database.rows(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", run_row(series_id, run)
        )

    def _thin_before(self, wall_s: float) -> None:
        oldest = "SELECT series_id FROM series WHERE has_detail AND began_wall_s < ? LIMIT ?"
        for row in self._database.rows(oldest, (wall_s, THINNED_AT_ONCE)):
            self._database.rows(
                "UPDATE runs SET itl_us = x'', itl_coding = ? WHERE series_id = ?",
                (PLAIN, row["series_id"]),
            )
            self._database.rows(
                "UPDATE series SET has_detail = 0 WHERE series_id = ?", (row["series_id"],)
            )

    def recent_series(self, limit: int = 50) -> tuple[SeriesRecord, ...]:
        """Return the last series, newest first."""
        query = "SELECT * FROM series ORDER BY began_wall_s DESC LIMIT ?"
        return self._database.records(query, (limit,), series_record)

    def series(self, series_id: str) -> SeriesRecord | None:
        """Return one series, None where there is none of this id."""
        rows = self._database.rows("SELECT * FROM series WHERE series_id = ?", (series_id,))
        return series_record(rows[0]) if rows else None

    def runs_of(self, series_id: str) -> tuple[Run, ...]:
        """Return the runs of a series by target and index."""
        query = "SELECT * FROM runs WHERE series_id = ? ORDER BY target, place"
        return self._database.records(query, (series_id,), run_of)

    def tests_usd(self, since_s: float, until_s: float) -> Decimal:
        """Return what the tests of a period have cost, as far as their endpoints are priced.

        A series and a load belong to the instant at which they began, each request of a cold-start
        probe to that at which it ended: a probe takes days.
        """
        costs = "SELECT decimal_sum(cost_usd) AS usd FROM test_costs"
        query = f"{costs} WHERE wall_s >= ? AND wall_s < ?"
        (row,) = self._database.rows(query, (since_s, until_s))
        return Decimal(row["usd"] or 0)

    def save_meter(self, name: str, saved_wall_s: float, state: Any) -> None:
        """Keep the state of a meter, so that the bill goes on where it stood."""
        row = (name, saved_wall_s, to_json(state))
        self._database.rows("INSERT OR REPLACE INTO meters VALUES (?, ?, ?)", row)

    def load_meter(self, name: str) -> Any:
        """Return the plain data of a meter's state, None if none was kept that can be read."""
        rows = self._database.rows("SELECT state FROM meters WHERE name = ?", (name,))
        try:
            return from_json(rows[0]["state"]) if rows else None
        except UnreadableRow:
            return None

    def export(self, kind: ExportKind) -> Iterator[dict[str, Any]]:
        """Yield all of one kind as plain data, oldest first, without holding it in memory."""
        return exported(self._database, kind)


def _starts(
    database: Database, where: str, values: tuple[str, ...], limit: int
) -> tuple[StartRecord, ...]:
    query = f"SELECT * FROM starts WHERE {where} ORDER BY began_wall_s DESC LIMIT ?"  # noqa: S608
    return database.records(query, (*values, limit), start_record)


def settled_starts(path: Path) -> frozenset[str]:
    """Return the ids of starts about which nothing more can be learned.

    A start that was stopped may still turn out to have failed, once its log was read to the end,
    and of a server that serves it is not known who will stop it.

    Raises:
        HistoryUnavailable: the history at `path` cannot be opened.
    """
    with closing(open_database(path)) as database:
        query = "SELECT start_id FROM starts WHERE outcome IN (?, ?) AND ended_wall_s IS NOT NULL"
        rows = database.rows(query, (Outcome.READY, Outcome.FAILED))
        return frozenset(row["start_id"] for row in rows)
