"""What the record of a host is made of: async generators that yield facts until they are closed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace

from backends.domain.facts import Fact, GpusSampled, ServersSeen, SourceFailed
from backends.domain.server import SERVING, Owner, Server, ServerState
from backends.domain.session import METRICS, SERVERS
from backends.domain.vram_owners import with_owners
from backends.gpus.source import PROCESSES_PERIOD_S
from backends.gpus.watch import watch_gpus
from backends.keeper.folder import Unreadable, server_folders
from backends.metrics.scrape import watch_metrics
from backends.operations.host import Host
from backends.servers.adopted import remembered
from backends.servers.gpu_owners import owners_of, pids_on
from backends.servers.listing import list_servers, server_pids
from backends.servers.own_traffic import were_sent

SERVERS_S = 3.0
METRICS_S = 1.0
LOADING_S = 0.25
GPU_S = 1.0

Listed = Callable[[], tuple[Server, ...]]
"""Returns the servers as they were listed last, so that a source can keep its pace to them."""


async def servers(host: Host, again: asyncio.Event) -> AsyncIterator[ServersSeen | SourceFailed]:
    """Yield all servers of this host every `SERVERS_S`, and at once when `again` is set."""
    while True:
        again.clear()
        try:
            listed = await asyncio.to_thread(list_servers, host.state_folder)
        except (Unreadable, OSError) as error:
            yield SourceFailed(host.now(), SERVERS, str(error))
        else:
            yield ServersSeen(host.now(), listed)
        try:
            async with asyncio.timeout(SERVERS_S):
                await again.wait()
        except TimeoutError:
            pass


async def gpus(host: Host, listed: Listed) -> AsyncIterator[Fact]:
    """Yield samples of all GPUs, each process with the server that owns it."""
    source = await asyncio.to_thread(host.open_gpus)
    owners = Owners(host, listed)

    def pace() -> float:
        starts = any(each.state is ServerState.STARTING for each in listed())
        return LOADING_S if starts else GPU_S

    async with aclosing(watch_gpus(source, every_s=pace, now=host.now)) as facts:
        async for fact in facts:
            if owners.are_old(fact):
                await asyncio.to_thread(owners.read, fact)
            yield owners.attributed(fact)


async def metrics(host: Host, name: str, base_url: str) -> AsyncIterator[Fact]:
    """Yield the counters of one server; what it did not answer for is said once."""
    read_wall_s = host.now().wall_s

    def sent() -> bool:
        return were_sent(host.state_folder, base_url, read_wall_s)

    watched = watch_metrics(base_url, every_s=METRICS_S, now=host.now, sent=sent)
    async with aclosing(watched) as facts:
        async for fact in facts:
            if isinstance(fact, SourceFailed):
                yield replace(fact, source=METRICS, server=name)
            else:
                read_wall_s = fact.at.wall_s
                yield replace(fact, server=name)


def sources_of(host: Host, listed: tuple[Server, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """Return the addresses of those whose counters belong into the record, and who has a journal.

    Those are ours that serve, and those of others that the user adopted, by their names; nobody
    else is asked. A journal can be followed of those that have a keeper. Reads files.
    """
    adopted = {each.pid for each in remembered(host.state_folder)}
    addresses = {
        each.name: each.base_url
        for each in listed
        if each.state in SERVING
        and each.base_url is not None
        and (each.owner is Owner.MANAGED or each.keeper_pid is not None or each.pid in adopted)
    }
    folders = {folder.path.name for folder in server_folders(host.state_folder)}
    kept = (each.name for each in listed if each.keeper_pid is not None)
    return addresses, frozenset(folders.intersection(kept))


class Owners:
    """Whose process it is that holds memory; read again as often as processes are listed."""

    def __init__(self, host: Host, listed: Listed) -> None:
        self._host = host
        self._listed = listed
        self._read_s = float("-inf")
        self._seen: frozenset[int] = frozenset()
        self._owners: tuple[Mapping[str, frozenset[int]], Mapping[int, str]] = ({}, {})

    def are_old(self, fact: GpusSampled) -> bool:
        """Return whether they are to be read again for a sample."""
        return self._are_aged(fact) or not pids_on(fact.sample) <= self._seen

    def read(self, fact: GpusSampled) -> None:
        """Read them for a sample; reads files."""
        within_s = PROCESSES_PERIOD_S if self._are_aged(fact) else 0.0  # else somebody has come
        self._read_s, self._seen = fact.at.mono_s, pids_on(fact.sample)
        with suppress(Unreadable):  # the list of servers says so
            ours = server_pids(self._host.state_folder, within_s)
            self._owners = owners_of(self._seen, self._listed(), ours)

    def attributed(self, fact: GpusSampled) -> GpusSampled:
        """Return a sample with the server that owns each process."""
        return replace(fact, sample=with_owners(fact.sample, *self._owners))

    def _are_aged(self, fact: GpusSampled) -> bool:
        return fact.at.mono_s - self._read_s >= PROCESSES_PERIOD_S
