"""Talks to keepers: follow what happens to a server, order its stop."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path

import msgspec

from backends.domain.facts import ServerFact, Stopped, StopProgressed
from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.processes import Process
from backends.keeper.clock import now
from backends.keeper.folder import (
    ServerFolder,
    facts_in,
    keeps,
    left_behind,
    living_keeper,
    read_journal,
)
from backends.keeper.launch import adopt
from backends.keeper.order import KeeperError, load_order
from backends.keeper.service import ClientOrder, connect

LINE_LIMIT_BYTES = 2**22
STOP_ATTEMPTS = 4
"""A keeper that is killed while it stops its server leaves the rest to the next one."""
REACH_S = 3.0
"""How long a living keeper may take to make its socket, or to make it again."""
POLL_S = 0.1
UNWRITTEN = "every process has ended, which the keeper did not write down"


async def follow(folder: Path) -> AsyncIterator[ServerFact]:
    """Yield every fact of the current start from its beginning, then those that come.

    Ends when the keeper leaves; at once after the journal where there is no living keeper.
    """
    kept = ServerFolder(folder)
    answered = False
    if streams := await _reach(kept, ClientOrder("follow")):
        async for fact in _facts(streams):
            answered = True
            yield fact
    if not answered:  # there is no keeper, or it was killed before it could say a word
        for fact in await asyncio.to_thread(read_journal, kept.journal):
            yield fact


async def stop(folder: Path, by: str, drain_s: float = 0.0) -> AsyncIterator[ServerFact]:
    """Order the stop and yield what follows, from the order that won to ``Stopped``.

    A server whose keeper was killed gets a new one for its end. A keeper that lives and cannot be
    asked, as its socket is gone, gets SIGTERM, which it takes as the same order.

    Args:
        folder: the server's folder.
        by: who orders it, for the journal.
        drain_s: how long running requests may take to finish.

    Raises:
        NotRunning: nothing of the server runs.
        KeeperError: it is only watched, or keepers do not live long enough to stop it.
    """
    kept = ServerFolder(folder)
    if await asyncio.to_thread(_is_only_watched, kept):
        raise KeeperError(
            f"inferctl only watches {folder.name}, which it did not start; "
            f"run: inferctl stop {folder.name} --yes"
        )
    for _ in range(STOP_ATTEMPTS):
        if continued := await asyncio.to_thread(_continue, kept):
            yield continued
        told = await _order(kept, ClientOrder("stop", by, drain_s))
        if told is None:
            await asyncio.to_thread(adopt, folder)
            continue
        async for fact in told:
            yield fact
            if isinstance(fact, Stopped):
                return
        facts = await asyncio.to_thread(read_journal, kept.journal)
        if facts and not await asyncio.to_thread(left_behind, facts):
            yield StopProgressed(now(), f"{UNWRITTEN}; {kept.keeper_log} may say more")
            yield Stopped(now())
            return
    raise KeeperError(f"no keeper of {folder.name} lives to stop it; see {kept.keeper_log}")


def _is_only_watched(folder: ServerFolder) -> bool:
    try:
        return load_order(folder.order).external is not None
    except KeeperError:  # nothing was ever ordered, or what was cannot be read: the stop says so
        return False


def _continue(folder: ServerFolder) -> StopProgressed | None:
    """Let a keeper that somebody suspended go on; it could not obey.

    One that does not stand still yet is sent the signal too: that takes back a SIGSTOP on its way.
    """
    keeper = living_keeper(folder)
    process = processes.read(keeper.pid) if keeper else None
    if keeper is None or process is None:
        return None
    processes.send(keeper, signal.SIGCONT, lambda one: keeps(one, folder))
    if process.state != "T":
        return None
    return StopProgressed(now(), f"SIGCONT to keeper {keeper.pid}, which was suspended")


async def _order(folder: ServerFolder, order: ClientOrder) -> AsyncIterator[ServerFact] | None:
    """Give an order to the living keeper, by SIGTERM where its socket is gone; None without one."""
    if streams := await _reach(folder, order):
        return _facts(streams)
    keeper = await asyncio.to_thread(living_keeper, folder)
    return _told_by_signal(folder, keeper) if keeper else None


async def _told_by_signal(folder: ServerFolder, keeper: ProcessId) -> AsyncIterator[ServerFact]:
    """Order the stop by SIGTERM, and yield what the keeper journals from then on.

    Where even the journal is gone, what the keeper had as descendants tells whether all is over.
    """
    before = len(await asyncio.to_thread(read_journal, folder.journal))
    kept = processes.descendants(keeper.pid, await asyncio.to_thread(processes.running))
    its_own = partial(keeps, folder=folder)
    if await asyncio.to_thread(processes.send, keeper, signal.SIGTERM, its_own):
        yield StopProgressed(now(), f"no socket answers; SIGTERM to keeper {keeper.pid}")
    lives = True
    while lives:
        lives = await asyncio.to_thread(processes.is_alive, keeper)
        facts = await asyncio.to_thread(read_journal, folder.journal)
        for fact in facts[before:]:
            yield fact
        before = max(before, len(facts))
        await asyncio.sleep(POLL_S)
    if await asyncio.to_thread(_all_gone, folder, kept):
        yield StopProgressed(now(), f"{UNWRITTEN}: {folder.path} is gone")
        yield Stopped(now())


def _all_gone(folder: ServerFolder, kept: Iterable[Process]) -> bool:
    return not folder.journal.exists() and not any(processes.is_alive(one.id) for one in kept)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _reach(folder: ServerFolder, order: ClientOrder) -> Streams | None:
    """Send an order to the living keeper; None where there is none, or none that answers."""
    deadline = time.monotonic() + REACH_S
    while (streams := await _send(folder, order)) is None:
        if time.monotonic() > deadline or await asyncio.to_thread(living_keeper, folder) is None:
            return None
        await asyncio.sleep(POLL_S)
    return streams


async def _send(folder: ServerFolder, order: ClientOrder) -> Streams | None:
    # Connecting waits where a keeper that stands still has too many who wait already.
    connection = await asyncio.to_thread(connect, folder)
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
