"""Keeps and finds loads and hunts for cold hits."""

from backends.history.database import Database
from backends.history.records import FindingKind, FindingRecord
from backends.history.rows import finding_record, finding_row


class Findings:
    """The findings of one open history, which says what its methods raise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, record: FindingRecord) -> None:
        """Keep a load or a hunt, or replace what was kept under its id."""
        row = finding_row(record)
        self._database.rows("INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?)", row)

    def recent(self, kind: FindingKind, limit: int = 50) -> tuple[FindingRecord, ...]:
        """Return the last loads or hunts, newest first."""
        query = "SELECT * FROM findings WHERE kind = ? ORDER BY began_wall_s DESC LIMIT ?"
        return self._database.records(query, (kind, limit), finding_record)

    def one(self, finding_id: str) -> FindingRecord | None:
        """Return one load or hunt, None where there is none of this id."""
        rows = self._database.rows("SELECT * FROM findings WHERE finding_id = ?", (finding_id,))
        return finding_record(rows[0]) if rows else None
