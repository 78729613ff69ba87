"""The sources of the console: async generators that yield facts until they are closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace

from backends.domain.facts import (
    Fact,
    GpusSampled,
    LogRead,
    MetricsScraped,
    ServersSeen,
    SourceFailed,
    Ticked,
)
from backends.domain.server import SERVING, Owner, ServerState
from backends.domain.session import SERVERS, Session
from backends.domain.vram_owners import with_owners
from backends.gpus.watch import PROCESSES_PERIOD_S, watch_gpus
from backends.keeper.client import follow as keeper_follow
from backends.keeper.folder import ServerFolder, Unreadable, server_folder
from backends.keeper.tail import END_BYTES, tail
from backends.metrics.scrape import MetricsUnavailable, scrape, watch_metrics
from backends.operations.host import Host
from backends.servers.external import tree_pids_by_name
from backends.servers.listing import list_servers, server_pids
from backends.servers.own_traffic import were_sent

TICK_S = {True: 0.25, False: 1.0}
"""Seconds between ticks while something is timed on screen, and while nothing is."""

SERVERS_S = 3.0
METRICS_S = 1.0
OTHERS_S = 15.0
LOADING_S = 0.25
GPU_S = 1.0

FAR_BACK_BYTES = 4 << 20

Look = Callable[[], Session]
"""Reads the session as it stands, so that a source can keep its pace to it."""


async def ticks(host: Host, look: Look) -> AsyncIterator[Fact]:
    """Yield the passing of time, faster while a start or an A/B is timed."""
    while True:
        yield Ticked(host.now())
        await asyncio.sleep(TICK_S[_timed(look())])


async def follow(host: Host, name: str) -> AsyncIterator[Fact]:
    """Yield the facts of a server's current start, then those that come."""
    async for fact in keeper_follow(server_folder(host.state_folder, name)):
        yield fact


async def servers(host: Host) -> AsyncIterator[Fact]:
    """Yield all servers of this host, again and again, or why they cannot be listed."""
    while True:
        try:
            listed = await asyncio.to_thread(list_servers, host.state_folder)
        except (Unreadable, OSError) as error:
            yield SourceFailed(host.now(), SERVERS, str(error))
        else:
            yield ServersSeen(host.now(), listed)
        await asyncio.sleep(SERVERS_S)


async def gpus(host: Host, look: Look) -> AsyncIterator[Fact]:
    """Yield samples of all GPUs, each process with the server that owns it."""
    source = await asyncio.to_thread(host.open_gpus)
    owners = Owners(host, look)

    def pace() -> float:
        return LOADING_S if _starting(look()) else GPU_S

    async with aclosing(watch_gpus(source, every_s=pace, now=host.now)) as facts:
        async for fact in facts:
            yield await asyncio.to_thread(owners.attributed, fact)


async def metrics(host: Host, look: Look) -> AsyncIterator[Fact]:
    """Yield the counters of the watched server while it serves."""
    while True:
        life = look().life
        server = life.server if life else None
        if server is None or server.state not in SERVING or server.base_url is None:
            await asyncio.sleep(METRICS_S)
            continue
        async with aclosing(
            watch_metrics(server.base_url, every_s=METRICS_S, now=host.now)
        ) as facts:
            async for fact in facts:
                if not _serves(look(), server.base_url):
                    break
                yield await asyncio.to_thread(_marked, host, look(), server.base_url, fact)


async def metrics_of_others(host: Host, look: Look) -> AsyncIterator[Fact]:
    """Yield the counters of our other servers: they run on the same bill."""
    while True:
        await asyncio.sleep(OTHERS_S)
        watched = look().life
        for server in look().servers:
            if server.owner is not Owner.MANAGED or server.base_url is None:
                continue
            if server.state not in SERVING or (watched and watched.server.name == server.name):
                continue
            with suppress(MetricsUnavailable):
                counters = await asyncio.to_thread(scrape, server.base_url)
                yield MetricsScraped(host.now(), counters, server.name)


async def log(host: Host, name: str, *, far_back: bool = False) -> AsyncIterator[LogRead]:
    """Yield the last lines of a server's log, then those that are written.

    `far_back` begins early enough for the root of a failure, which long tracebacks may follow.
    """
    path = ServerFolder(server_folder(host.state_folder, name)).log
    async for lines in tail(path, end_bytes=FAR_BACK_BYTES if far_back else END_BYTES):
        yield LogRead(host.now(), lines)


class Owners:
    """Whose process it is that holds memory; read again as often as processes are listed."""

    def __init__(self, host: Host, look: Look) -> None:
        self._host = host
        self._look = look
        self._read_s = float("-inf")
        self._pids: dict[str, frozenset[int]] = {}

    def attributed(self, fact: GpusSampled) -> GpusSampled:
        """Return a sample with the server that owns each process."""
        if fact.at.mono_s - self._read_s >= PROCESSES_PERIOD_S:
            self._read_s = fact.at.mono_s
            self._pids = self._external() | server_pids(self._host.state_folder)
        return replace(fact, sample=with_owners(fact.sample, self._pids))

    def _external(self) -> dict[str, frozenset[int]]:
        servers = self._look().servers
        return tree_pids_by_name(one for one in servers if one.owner is Owner.EXTERNAL)


def _serves(session: Session, base_url: str) -> bool:
    server = session.life.server if session.life else None
    return server is not None and server.state in SERVING and server.base_url == base_url


def _marked(
    host: Host, session: Session, base_url: str, fact: MetricsScraped | SourceFailed
) -> Fact:
    """Mark a reading since whose predecessor inferctl itself has sent requests."""
    if isinstance(fact, SourceFailed):
        return fact
    since_s = session.scraped.at.wall_s if session.scraped else fact.at.wall_s
    return replace(fact, own=were_sent(host.state_folder, base_url, since_s))


def _starting(session: Session) -> bool:
    return session.life is not None and session.life.server.state is ServerState.STARTING


def _timed(session: Session) -> bool:
    ab_runs = session.ab is not None and not session.ab.ended
    state = session.life.server.state if session.life else ServerState.STOPPED
    return ab_runs or state in {ServerState.STARTING, ServerState.STOPPING}
