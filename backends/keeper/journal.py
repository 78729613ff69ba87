"""The journal of one start: its facts, one line of JSON each, in the order in which they came."""

import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    RecordingChanged,
    ServerFact,
    Stopped,
)
from backends.host.files import PRIVATE_FILE, release, reserve
from backends.keeper.clock import now
from backends.keeper.log import complain
from backends.keeper.order import unwritable
from backends.wire import encode_fact

RESERVED_BYTES = 64 * 1024
"""Room for the facts of a start on a disk that fills while it runs; most starts need a third."""

MOST_WAITING_BYTES = 2**20


class Journal:
    """Appends facts from any thread, and calls `on_growth` after each; `Stopped` is the last.

    What the server's log says may hold the server's own `keys`: no fact is written with one. What
    the disk does not take waits in memory, where readers find it, and is written when it can be.

    Attributes:
        start_over: set once the server was seen ready or ended.
    """

    def __init__(
        self,
        path: Path,
        on_growth: Callable[[], None],
        *,
        keys: Collection[str] = (),
        was_ready: bool = False,
    ) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        self._folder = path.parent
        self._on_growth = on_growth
        self._keys = keys
        self._lock = threading.RLock()
        self._has_failure = self._is_over = False
        self._was_ready = was_ready
        self._waiting = b""
        self._refused = ""
        self.start_over = threading.Event()
        reserve(self._file, RESERVED_BYTES)
        written = os.fstat(self._file).st_size
        if written and os.pread(self._file, 1, written - 1) != b"\n":
            self._append(b"\n")  # ends the line that a keeper before left cut off

    @property
    def has_failure(self) -> bool:
        """Whether a failure was recorded by this keeper."""
        return self._has_failure

    @property
    def was_ready(self) -> bool:
        """Whether the server became ready, under this keeper or one before it."""
        return self._was_ready

    @property
    def size(self) -> int:
        """The bytes recorded so far, with those that wait."""
        with self._lock:
            return os.fstat(self._file).st_size + len(self._waiting)

    @property
    def waits(self) -> bool:
        """Whether anything waits for the disk to take it."""
        return bool(self._waiting)

    def record(self, fact: ServerFact) -> int:
        """Append a fact and return the offset at which it stands."""
        with self._lock:
            offset = self.size
            if self._is_over:
                return offset
            self._has_failure |= isinstance(fact, FailureSeen)
            self._was_ready |= isinstance(fact, BecameReady)
            self._is_over = isinstance(fact, Stopped)
            self._append(encode_fact(fact, self._keys) + b"\n")
        if isinstance(fact, BecameReady | Exited | Stopped):
            self.start_over.set()
        self._on_growth()
        return offset

    def note_refused(self, error: OSError | None) -> None:
        """Record that the disk takes nothing more of log or journal; None: it does again."""
        reason = f"log lines are being lost: {unwritable(self._folder, error)}" if error else ""
        with self._lock:
            changed, self._refused = reason != self._refused, reason
            if changed:
                self.record(RecordingChanged(now(), reason))

    def write_waiting(self) -> None:
        """Try again to write what waits."""
        with self._lock:
            if self._waiting:
                self._append(b"")

    def read(self, offset: int, limit: int = 65536) -> bytes:
        """Return at most `limit` bytes from `offset` on."""
        with self._lock:
            beyond = offset - os.fstat(self._file).st_size
            if beyond >= 0:
                return self._waiting[beyond : beyond + limit]
            return os.pread(self._file, limit, offset)

    def _append(self, data: bytes) -> None:
        had_waited = bool(self._waiting)
        if len(self._waiting) < MOST_WAITING_BYTES:
            self._waiting += data
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]
            if self._is_over:
                release(self._file)
        except OSError as error:  # a full disk must not end the keeper, and with it the watch
            complain(f"journal: records are held in memory: {error}")
            self.note_refused(error)
        else:
            if had_waited:
                self.note_refused(None)
