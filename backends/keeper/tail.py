"""Reads the end of a server's log, and what is written to it, across rotations."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from backends.domain.startup.lines import LineSplitter

END_BYTES = 256 * 1024
CHUNK_BYTES = 1 << 20
PAUSE_S = 0.25


async def tail(
    path: Path, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[tuple[str, ...]]:
    """Yield the last lines of a log, at most `END_BYTES` of them, then batches as they come.

    A log that does not exist yet is waited for. Never ends by itself.
    """
    splitter = LineSplitter()
    file = None
    while True:
        if file is None or _rotated(path, file.fileno()):
            if file is not None:
                if lines := splitter.feed(file.read()):
                    yield tuple(lines)
                file.close()
            first = file is None
            file = path.open("rb") if path.exists() else None
            if file is not None and first:
                file.seek(max(0, file.seek(0, os.SEEK_END) - END_BYTES))
        data = file.read(CHUNK_BYTES) if file is not None else b""
        lines = splitter.feed(data)
        if lines:
            yield tuple(lines)
        if len(data) < CHUNK_BYTES:
            await sleep(PAUSE_S)


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log; fewer where `END_BYTES` hold fewer.

    Raises:
        OSError: the log cannot be read.
    """
    splitter = LineSplitter()
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - END_BYTES)
        file.seek(start)
        lines = [*splitter.feed(file.read()), *splitter.rest()]
    return lines[1:][-count:] if start else lines[-count:]


def _rotated(path: Path, file: int) -> bool:
    try:
        return not os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
