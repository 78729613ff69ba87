"""Reads the end of a server's log, and what is written to it, across rotations."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from backends.domain.startup.lines import LineSplitter

END_BYTES = 256 * 1024
CHUNK_BYTES = 1 << 20
PAUSE_S = 0.25

Sleep = Callable[[float], Awaitable[None]]


async def tail(
    path: Path, sleep: Sleep = asyncio.sleep, *, end_bytes: int = END_BYTES
) -> AsyncIterator[tuple[str, ...]]:
    """Yield the last lines of a log, at most `end_bytes` of them, then batches as they come.

    A log that does not exist yet is waited for. Never ends by itself.
    """
    if lines := _last_or_none(path, end_bytes):
        yield tuple(lines)
    async for batch in follow_from_end(path, sleep):
        yield batch


async def follow_from_end(
    path: Path, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[tuple[str, ...]]:
    """Yield batches of lines written from now on, into this file and those that replace it."""
    splitter = LineSplitter()
    file = _opened(path)
    if file is not None:
        file.seek(0, os.SEEK_END)
    while True:
        replaced = file is None or _was_replaced(path, file)
        if file is not None and os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)  # somebody truncated it; whoever appends to it goes on from there
        data = file.read(CHUNK_BYTES) if file is not None else b""
        if lines := splitter.feed(data):
            yield tuple(lines)
        if data:
            continue
        newer = _opened(path) if replaced else None
        if newer is not None:
            if file is not None:
                file.close()
            file = newer
            continue
        await sleep(PAUSE_S)


def last_lines(path: Path, count: int, end_bytes: int = END_BYTES) -> list[str]:
    """Return the last lines of a log; fewer where `end_bytes` hold fewer.

    Raises:
        OSError: the log cannot be read.
    """
    splitter = LineSplitter()
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - end_bytes)
        file.seek(start)
        lines = [*splitter.feed(file.read()), *splitter.rest()]
    return lines[1:][-count:] if start else lines[-count:]


def _last_or_none(path: Path, end_bytes: int) -> list[str]:
    return last_lines(path, end_bytes, end_bytes) if path.exists() else []


def _opened(path: Path) -> BinaryIO | None:
    return path.open("rb") if path.exists() else None


def _was_replaced(path: Path, file: BinaryIO) -> bool:
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
