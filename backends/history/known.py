"""Which starts the history holds to their end, without reading them."""

from contextlib import closing
from pathlib import Path

from backends.domain.start import Outcome
from backends.history.database import open_database


def settled_starts(path: Path) -> frozenset[str]:
    """Return the ids of starts about which nothing more can be learned.

    A start that was stopped may still turn out to have failed, once its log was read to the end.

    Raises:
        HistoryUnavailable: the history at `path` cannot be opened.
    """
    with closing(open_database(path)) as database:
        query = "SELECT start_id FROM starts WHERE outcome IN (?, ?)"
        rows = database.rows(query, (Outcome.READY, Outcome.FAILED))
        return frozenset(row["start_id"] for row in rows)
