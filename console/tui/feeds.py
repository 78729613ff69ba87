"""The sources of the console: async generators that yield facts until they are closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from backends.domain.facts import Fact, LogRead, Ticked
from backends.domain.session import Session
from backends.keeper.client import follow as keeper_follow
from backends.keeper.folder import ServerFolder, server_folder, server_folders
from backends.keeper.tail import END_BYTES, tail
from backends.operations.host import Host
from console.tui.pace import tick_s

FAR_BACK_BYTES = 4 << 20

Look = Callable[[], Session]
"""Reads the session as it stands, so that a source can keep its pace to it."""


async def ticks(host: Host, look: Look) -> AsyncIterator[Fact]:
    """Yield the passing of time, at the pace of the screen."""
    while True:
        yield Ticked(host.now())
        await asyncio.sleep(tick_s(look()))


async def follow(host: Host, name: str) -> AsyncIterator[Fact]:
    """Yield the facts of a server's current start, then those that come."""
    kept = await asyncio.to_thread(server_folders, host.state_folder)
    # A name that others chose may be none that a folder can have.
    for folder in (each.path for each in kept if each.path.name == name):
        async for fact in keeper_follow(folder):
            yield fact


async def log(host: Host, name: str, *, far_back: bool = False) -> AsyncIterator[LogRead]:
    """Yield the last lines of a server's log, then those that are written.

    `far_back` begins early enough for the root of a failure, which long tracebacks may follow.
    """
    path = ServerFolder(server_folder(host.state_folder, name)).log
    read_bytes = FAR_BACK_BYTES if far_back else END_BYTES
    left_out = max(0, await asyncio.to_thread(_size, path) - read_bytes)
    async for lines in tail(path, end_bytes=read_bytes):
        yield LogRead(host.now(), lines, left_out)
        left_out = 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
