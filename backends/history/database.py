"""Opens the database file: private, safe between processes, migrated, never silently lost."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from backends.history.schema import MIGRATIONS
from backends.problem import Problem

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
_LOOKS_AGAIN_S = 0.02
_CHECKED_BYTES = 16 * 2**20  # a full check of more would be felt when the console opens


class HistoryUnavailable(Problem):
    """The history cannot be used; the message is one sentence with the remedy."""


class UnreadableRow(HistoryUnavailable):
    """One record cannot be read, because a newer inferctl wrote it or it was damaged."""


class _DecimalSum:
    """``decimal_sum`` in SQL: a sum of Decimals as text, exact where SQLite's own would round."""

    def __init__(self) -> None:
        self._sum = Decimal(0)

    def step(self, value: str, /) -> None:
        with suppress(ArithmeticError, TypeError, ValueError):  # a damaged cost hides no other
            self._sum += Decimal(value)

    def finalize(self) -> str:
        return format(self._sum, "f")


class Database:
    """A connection whose failures are told as `HistoryUnavailable`.

    Attributes:
        notice: one sentence if the file was damaged and moved aside, else empty.
        unreadable: how many records were left out of lists because they cannot be read.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, notice: str) -> None:
        self._connection = connection
        self._path = path
        self.notice = notice
        self.unreadable = 0
        connection.row_factory = sqlite3.Row
        # The stubs know aggregates of integers only.
        connection.create_aggregate("decimal_sum", 1, _DecimalSum)  # type: ignore[arg-type]

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Run one statement, committed at once, and return its rows."""
        return list(self.stream(statement, values))

    def stream(self, statement: str, values: Sequence[object] = ()) -> Iterator[sqlite3.Row]:
        """Run one statement and yield its rows as they are read from disk.

        Half a surrogate pair, which has no UTF-8 form, is stored as a question mark.
        """
        try:
            yield from self._connection.execute(statement, [*map(_storable, values)])
        except sqlite3.OperationalError as error:
            raise _unusable(self._path, error) from error
        except sqlite3.DatabaseError as error:
            raise HistoryUnavailable(
                f"the history is damaged ({error}); close every inferctl and run: "
                f"mv {self._path} {self._path}.damaged"
            ) from error

    def records(
        self, statement: str, values: Sequence[object], as_record: Callable[[sqlite3.Row], T]
    ) -> tuple[T, ...]:
        """Run one statement and return its rows as records; what cannot be read hides no other."""
        found: list[T] = []
        for row in self.rows(statement, values):
            try:
                found.append(as_record(row))
            except UnreadableRow:
                self.unreadable += 1
        return tuple(found)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def open_database(path: Path, wait_s: float = BUSY_TIMEOUT_S) -> Database:
    """Open the database at `path`, made if missing.

    A damaged file is moved aside under a name with the date, and a new one begun.

    Args:
        path: its folder is made as well.
        wait_s: how long to wait for what another process holds, now and at each statement.

    Raises:
        HistoryUnavailable: it cannot be written, is locked, or is of a newer version.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(path, wait_s):
            return _open_or_begin_anew(path, wait_s)
    except (OSError, sqlite3.OperationalError) as error:
        raise _unusable(path, error) from error


def _storable(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _open_or_begin_anew(path: Path, wait_s: float) -> Database:
    try:
        return Database(_connect(path, wait_s), path, notice="")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = _move_aside(path)
        notice = f"the history was damaged ({error}) and is kept as {aside}; a new one began"
        return Database(_connect(path, wait_s), path, notice)


def _unusable(path: Path, error: Exception) -> HistoryUnavailable:
    return HistoryUnavailable(
        f"the history at {path} cannot be used ({error}); check the disk's space and the owner"
    )


def _connect(path: Path, wait_s: float) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
    try:
        # Of a new file alone: a run takes 1 kB, of which few fit into a page of the usual 4 kB.
        connection.execute("PRAGMA page_size = 16384")
        connection.execute("PRAGMA journal_mode = WAL")
        # A power cut may cost the last rows, never the file; each row costs no wait for the disk.
        connection.execute("PRAGMA synchronous = NORMAL")
        if path.stat().st_size <= _CHECKED_BYTES:
            _check(connection)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise HistoryUnavailable(
            f"the history is of version {version}, this inferctl knows {len(MIGRATIONS)}; "
            "update inferctl"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {statements}; PRAGMA user_version = {number}; COMMIT;")


@contextmanager
def _alone(path: Path, wait_s: float) -> Iterator[None]:
    """Let one process at a time migrate the database or move it aside.

    SQLite's own locks go with the file, and cannot guard that another takes its place.
    """
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    gives_up_s = time.monotonic() + wait_s
    try:
        while not _locked(descriptor):
            if time.monotonic() > gives_up_s:
                raise HistoryUnavailable(
                    f"the history at {path} is locked by another process for over {wait_s:g} s; "
                    f"see which: fuser {lock}"
                )
            time.sleep(_LOOKS_AGAIN_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _move_aside(path: Path) -> Path:
    when = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{when}")
    attempt = 1
    while aside.exists():
        attempt += 1
        aside = path.with_name(f"{path.name}.damaged-{when}-{attempt}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
