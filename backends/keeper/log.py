"""The server's output on disk: every byte, in two files of bounded size."""

import os
import sys
from pathlib import Path

from backends.keeper.folder import PRIVATE_FILE

LIMIT_BYTES = 256 * 2**20


class RotatedLog:
    """Appends bytes to ``server.log``; past `limit_bytes` that becomes ``server.log.1``.

    Each start begins a fresh file, so that line numbers count from the start's first line. Files
    change only between lines.
    """

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES, *, fresh: bool = True) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._lost_bytes = 0
        if fresh and path.exists():
            self._set_aside()
        self._open()

    def write(self, data: bytes) -> None:
        """Append output as it came."""
        if self._size + len(data) > self._limit_bytes and b"\n" in data:
            last_of_this, newline, data = data.partition(b"\n")
            self._append(last_of_this + newline)
            os.close(self._file)
            self._set_aside()
            self._open()
        self._append(data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

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
        except OSError as error:
            # The pipe has to be emptied even so: a server that cannot write its log stands still.
            self._lost_bytes += len(data)
            print(f"log: {self._lost_bytes} bytes lost: {error}", file=sys.stderr, flush=True)  # noqa: T201
