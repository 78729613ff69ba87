"""Talks to keepers: follow what happens to a server, order its stop."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from backends.domain.facts import ServerFact, Stopped
from backends.keeper.folder import ServerFolder, facts_in, read_journal
from backends.keeper.launch import adopt
from backends.keeper.order import KeeperError
from backends.keeper.service import ClientOrder, connect

LINE_LIMIT_BYTES = 2**22
STOP_ATTEMPTS = 4
"""A keeper that is killed while it stops its server leaves the rest to the next one."""


async def follow(folder: Path) -> AsyncIterator[ServerFact]:
    """Yield every fact of the current start from its beginning, then those that come.

    Ends when the keeper leaves; at once after the journal where there is no living keeper.
    """
    kept = ServerFolder(folder)
    answered = False
    if streams := await _send(kept, ClientOrder("follow")):
        async for fact in _facts(streams):
            answered = True
            yield fact
    if not answered:  # there is no keeper, or it was killed before it could say a word
        for fact in read_journal(kept.journal):
            yield fact


async def stop(folder: Path, by: str, drain_s: float = 0.0) -> AsyncIterator[ServerFact]:
    """Order the stop and yield what follows, from the order that won to ``Stopped``.

    A server whose keeper was killed gets a new one for its end.

    Args:
        folder: the server's folder.
        by: who orders it, for the journal.
        drain_s: how long running requests may take to finish.

    Raises:
        NotRunning: nothing of the server runs.
        KeeperError: keepers do not live long enough to stop it.
    """
    kept = ServerFolder(folder)
    for _ in range(STOP_ATTEMPTS):
        streams = await _send(kept, ClientOrder("stop", by, drain_s))
        if streams is None:
            await asyncio.to_thread(adopt, folder)
            continue
        async for fact in _facts(streams):
            yield fact
            if isinstance(fact, Stopped):
                return
    raise KeeperError(f"no keeper of {folder.name} lives to stop it; see {kept.keeper_log}")


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _send(folder: ServerFolder, order: ClientOrder) -> Streams | None:
    connection = connect(folder)
    if connection is None:
        return None
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_LIMIT_BYTES)
    writer.write(msgspec.json.encode(order) + b"\n")
    return reader, writer


async def _facts(streams: Streams) -> AsyncIterator[ServerFact]:
    reader, writer = streams
    try:
        while line := await _line(reader):
            for fact in facts_in([line]):
                yield fact
    finally:
        writer.close()


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ConnectionError:  # the keeper was killed
        return b""
