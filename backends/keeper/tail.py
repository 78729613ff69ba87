"""Reads the end of a server's log, and what is written to it, across rotations."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from backends.domain.startup.lines import LineSplitter

END_BYTES = 256 * 1024
CHUNK_BYTES = 1 << 20
PAUSE_S = 0.25
UNENDED_S = 2.0
"""A line that nobody has ended after this long is shown as it stands: its writer may have died."""

Sleep = Callable[[float], Awaitable[None]]


async def tail(
    path: Path,
    sleep: Sleep = asyncio.sleep,
    *,
    count: int | None = None,
    end_bytes: int = END_BYTES,
) -> AsyncGenerator[tuple[str, ...], None]:
    """Yield the last lines of a log, then batches as they come, into it and what replaces it.

    A log that does not exist yet is waited for. Never ends by itself.

    Args:
        path: the log.
        sleep: waits between two looks.
        count: how many of the last lines at most, None for all that `end_bytes` hold.
        end_bytes: how much of the log's end the last lines are taken from.
    """
    log, quiet_s = _FollowedLog(path), 0.0
    try:
        if lines := await asyncio.to_thread(log.last, count, end_bytes):
            yield tuple(lines)
        while True:
            read, lines = await asyncio.to_thread(log.more)
            if lines:
                yield tuple(lines)
            if read:
                quiet_s = 0.0
                continue
            await sleep(PAUSE_S)
            quiet_s += PAUSE_S
            if quiet_s >= UNENDED_S and (lines := log.splitter.rest()):
                yield tuple(lines)
    finally:
        await asyncio.to_thread(log.close)


class _FollowedLog:
    """A log and what replaces it; its methods wait for the disk and may be called by any thread.

    Whoever stops following while a thread reads closes it once that has read: hence the lock.
    """

    def __init__(self, path: Path) -> None:
        self.splitter = LineSplitter()
        self._path = path
        self._file: BinaryIO | None = None
        self._closed = False
        self._lock = threading.Lock()

    def last(self, count: int | None, end_bytes: int) -> list[str]:
        """Open the log and return its last lines, none where there is no log yet."""
        with self._lock:
            self._open()
            return _last(self._file, self.splitter, count, end_bytes) if self._file else []

    def more(self) -> tuple[bool, list[str]]:
        """Return whether there was more to read, or another file to read, and the lines of it."""
        with self._lock:
            file = self._file
            replaced = file is None or _was_replaced(self._path, file)
            if file is not None and os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)  # somebody truncated it; whoever appends to it goes on from there
            data = file.read(CHUNK_BYTES) if file is not None else b""
            return bool(data) or (replaced and self._open()), self.splitter.feed(data)

    def close(self) -> None:
        """Close the log for good."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> bool:
        newer = self._path.open("rb") if self._path.exists() and not self._closed else None
        if newer is None:
            return False
        if self._file is not None:
            self._file.close()
        self._file = newer
        return True


def last_lines(path: Path, count: int, end_bytes: int = END_BYTES) -> list[str]:
    """Return the last lines of a log; fewer where `end_bytes` hold fewer.

    Raises:
        OSError: the log cannot be read.
    """
    splitter = LineSplitter()
    with path.open("rb") as file:
        lines = [*_last(file, splitter, None, end_bytes), *splitter.rest()]
    return lines[max(0, len(lines) - count) :]


def _last(file: BinaryIO, splitter: LineSplitter, count: int | None, end_bytes: int) -> list[str]:
    """Return the last lines that are complete, and leave the file and the splitter after them."""
    start = max(0, file.seek(0, os.SEEK_END) - end_bytes)
    file.seek(start)
    lines = splitter.feed(file.read())
    whole = lines[1:] if start else lines  # the first one may lack its beginning
    return whole if count is None else whole[max(0, len(whole) - count) :]


def _was_replaced(path: Path, file: BinaryIO) -> bool:
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
