"""The server's output on disk: every byte, in two files of bounded size."""

import contextlib
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backends.domain.visible import visible
from backends.host.files import PRIVATE_FILE


def complain(sentence: str) -> None:
    """Write one line; on a full disk it is lost, which must not end the keeper too."""
    with contextlib.suppress(OSError):
        print(visible(sentence), file=sys.stderr, flush=True)  # noqa: T201


LIMIT_BYTES = 256 * 2**20
LONGEST_LINE_BYTES = 2**20
"""So much a line may take beyond the limit; a longer one, such as bare bytes, is parted."""

LOOK_EVERY_S = 1.0
"""How often to look whether somebody removed, moved or truncated the file."""


class RotatedLog:
    """Appends bytes to ``server.log``; past `limit_bytes` that becomes ``server.log.1``.

    Each start begins a fresh file, so that line numbers count from the start's first line. Files
    change between lines, and within a line only where that would have no end. `on_refused` hears
    why the disk takes nothing more, and by None that it does again.
    """

    def __init__(
        self,
        path: Path,
        limit_bytes: int = LIMIT_BYTES,
        *,
        fresh: bool = True,
        on_refused: Callable[[OSError | None], None] = lambda _: None,
    ) -> None:
        self._path = path
        largest_bytes, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if largest_bytes != resource.RLIM_INFINITY:
            limit_bytes = min(limit_bytes, largest_bytes // 2)
        self._limit_bytes = limit_bytes
        self._on_refused = on_refused
        self._is_refused = False
        self._lost_bytes = 0
        self._look_at_s = time.monotonic() + LOOK_EVERY_S
        if fresh and path.exists():
            self._set_aside()
        self._open()

    def write(self, data: bytes) -> None:
        """Append output as it came, to a new file where the one before is gone."""
        if time.monotonic() > self._look_at_s:
            self._look()
        over_bytes = self._size + len(data) - self._limit_bytes
        if over_bytes > 0 and (b"\n" in data or over_bytes > LONGEST_LINE_BYTES):
            last_of_this, newline, data = data.partition(b"\n")
            self._append(last_of_this + newline)
            before = self._file
            try:
                self._set_aside()
                self._open()
            except OSError as error:  # the folder takes no file: what there is grows on
                self._refuse(error)
            else:
                os.close(before)
        self._append(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _look(self) -> None:
        self._look_at_s = time.monotonic() + LOOK_EVERY_S
        now = os.fstat(self._file)
        self._size = now.st_size
        with contextlib.suppress(OSError):  # the folder is gone too, or takes no file
            if not self._path.exists() or not os.path.samestat(self._path.stat(), now):
                before = self._file
                self._open()
                os.close(before)

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        self._size = os.fstat(self._file).st_size

    def _set_aside(self) -> None:
        self._path.replace(self._path.with_name(self._path.name + ".1"))

    def _append(self, data: bytes) -> None:
        self._size += len(data)
        try:
            while data:
                data = data[os.write(self._file, data) :]
                if self._is_refused:
                    self._is_refused = False
                    self._on_refused(None)
        except OSError as error:
            # The pipe has to be emptied even so: a server that cannot write its log stands still.
            self._lost_bytes += len(data)
            self._refuse(error)

    def _refuse(self, error: OSError) -> None:
        complain(f"log: {self._lost_bytes} bytes lost: {error}")
        self._is_refused = True
        self._on_refused(error)
