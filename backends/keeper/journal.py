"""The journal of one start: its facts, one line of JSON each, in the order in which they came."""

import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from backends.domain.facts import BecameReady, Exited, FailureSeen, ServerFact, Stopped
from backends.host.files import PRIVATE_FILE
from backends.keeper.log import complain
from backends.wire import encode_fact


class Journal:
    """Appends facts from any thread, and calls `on_growth` after each; `Stopped` is the last.

    What the server's log says may hold the server's own `keys`: no fact is written with one.

    Attributes:
        start_over: set once the server was seen ready or ended.
        lost: how many facts the disk did not take.
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
        self._on_growth = on_growth
        self._keys = keys
        self._lock = threading.Lock()
        self._has_failure = self._is_over = False
        self._was_ready = was_ready
        self.start_over = threading.Event()
        self.lost = 0
        try:
            self._end_cut_line()
        except OSError:
            self.lost += 1  # the line that was cut off is ended before the next one

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
        """The bytes recorded so far."""
        return os.fstat(self._file).st_size

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

    def read(self, offset: int, limit: int = 65536) -> bytes:
        """Return at most `limit` bytes from `offset` on."""
        return os.pread(self._file, limit, offset)

    def _append(self, data: bytes) -> None:
        try:
            if self.lost:  # the last write may have left the beginning of a line
                self._end_cut_line()
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:  # a full disk must not end the keeper, and with it the watch
            self.lost += 1
            complain(f"journal: a fact was lost: {error}")

    def _end_cut_line(self) -> None:
        size = self.size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")
