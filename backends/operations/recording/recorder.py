"""Keeps the record of a host: folds what its sources tell, and has written what it adds up to."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from backends.agent.messages import Message, PlanJudged, Read, Snapshot
from backends.domain.billing.account import Account, AccountFact, account_after, with_stretches
from backends.domain.billing.meter import read_meter
from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import (
    Exited,
    Fact,
    FirstTokenSeen,
    FirstTokenUnavailable,
    GpusSampled,
    HostTicked,
    MetricsScraped,
    ServerFact,
    ServersSeen,
    SourceFailed,
    Stopped,
)
from backends.domain.server import Owner, Server
from backends.domain.session import Session, advance_watched, watching
from backends.domain.time_series import Row
from backends.history.thread import HistoryThread
from backends.keeper.client import follow
from backends.keeper.folder import server_folder
from backends.operations import meter_store
from backends.operations.finished_starts import (
    add_finished_starts,
    record_finished_starts,
    write_start,
)
from backends.operations.host import Host
from backends.operations.recording import sources
from backends.operations.recording.listeners import Listeners
from backends.operations.recording.lock import RecordLock
from backends.operations.recording.series import ServerSeries, figures_of, used_by
from backends.operations.rental import tariff_of
from backends.problem import Problem

TICK_S = 1.0

SERIES_FOLDER = "series"

AGAIN_S = 1.0
"""Seconds between attempts to read a history that cannot be read."""

ENDS = (FirstTokenSeen, FirstTokenUnavailable, Exited, Stopped)
"""After any of these a start is written down; of two records the more complete stays."""


@dataclass(slots=True)
class _Watched:
    """One server: what is known of it, its plan, and the tasks that read it."""

    session: Session
    series: ServerSeries
    shown: ShownPlan = field(default_factory=ShownPlan)
    shown_read: bool = False
    judging: bool = False
    address: str = ""
    reads: asyncio.Task[None] | None = None
    follows: asyncio.Task[None] | None = None


class Recorder:
    """The record of one host, kept for as long as `run` runs.

    Only one process of a host writes it, whoever holds the lock of its state folder; another that
    runs this too shows the same and writes nothing, until it is the one that holds the lock.

    Attributes:
        host: what is watched; replaced when its configuration has changed.
        account: the bill, and every server.
        complete: set once the account goes on with what was kept, and the servers were listed.
    """

    def __init__(self, host: Host, history: HistoryThread) -> None:
        self.host = host
        self.account = Account()
        self.complete = asyncio.Event()
        self._history = history
        self._lock = RecordLock(host.state_folder)
        self._gpus: GpusSampled | None = None
        self._watched: dict[str, _Watched] = {}
        self._listeners = Listeners(self.snapshot)
        self._list_again = asyncio.Event()
        self._catching_up = asyncio.Lock()
        self._written_s = 0.0
        self._written_mono_s = host.now().mono_s
        self._problem_said = ""
        self._keeping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The servers whose counters are read now."""
        return tuple(name for name, each in self._watched.items() if each.address)

    @property
    def writes(self) -> bool:
        """Whether this process writes the record."""
        return self._lock.held

    @property
    def problem(self) -> str:
        """Why the record cannot be written or read; empty if it can."""
        return self._history.problem

    async def run(self) -> None:
        """Watch and record until cancelled; what was seen is then handed to the history.

        Raises:
            Exception: whatever a source raises, which is a bug of the source.
        """
        self._failed = asyncio.get_running_loop().create_future()
        try:
            for source in (
                sources.servers(self.host, self._list_again),
                sources.gpus(self.host, lambda: self.account.servers),
                self._ticks(),
            ):
                self._spawn(self._pump(source))
            await self._failed
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._lock.held:
                self._write()
                self._history.write(partial(add_finished_starts, host=self.host))
            self._listeners.end()
            self._lock.release()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield a snapshot, then every fact, and another snapshot where facts do not tell all.

        Ends when the record does, or when the listener is too far behind.
        """
        async for message in self._listeners.messages():
            yield message

    def look_again(self) -> None:
        """List the servers at once, as when one was just launched, and send the whole record."""
        self._list_again.set()
        self.republish()

    def republish(self) -> None:
        """Send every listener the whole record."""
        self._listeners.send(self.snapshot())

    def snapshot(self) -> Snapshot:
        """Return the whole record as it stands."""
        servers = {
            name: Read(replace(each.session, life=None, account=Account(), gpus=None), each.shown)
            for name, each in self._watched.items()
        }
        return Snapshot(self.account, self._gpus, servers, self._history.problem)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or self._failed is None or self._failed.done():
            return
        if error := task.exception():
            self._failed.set_exception(error)

    async def _pump(self, source: AsyncIterator[Fact]) -> None:
        async for fact in source:
            if isinstance(fact, AccountFact):
                await self._catch_up(fact)
            self._take(fact)
            if isinstance(fact, ServersSeen):
                found = await asyncio.to_thread(sources.sources_of, self.host, fact.servers)
                self._look_after(fact.servers, *found)

    async def _ticks(self) -> AsyncIterator[Fact]:
        while True:
            if not self._lock.held and await asyncio.to_thread(self._lock.take):
                self._spawn(self._take_up())
            if self._history.problem != self._problem_said:
                self._problem_said = self._history.problem
                self.republish()
            yield HostTicked(self.host.now())
            await asyncio.sleep(TICK_S)

    async def _take_up(self) -> None:
        """Go on with what was kept, as soon as the history can be read."""
        while True:
            try:
                store = await self._history.read(partial(_taken_up, self.host))
            except Problem:
                await asyncio.sleep(AGAIN_S)
            else:
                self.account = meter_store.gone_on(self.account, store)
                self._written_s = store.meter.last_s
                self.republish()
                return

    def _take(self, fact: Fact) -> None:
        """Fold a fact that is about the host, or about a server that it names."""
        if isinstance(fact, AccountFact):
            self.account = account_after(self.account, fact)
            if self.account.meter is not None and self.account.servers_seen:
                self.complete.set()
        if isinstance(fact, GpusSampled):
            self._gpus = fact
        read = fact.server if isinstance(fact, MetricsScraped | SourceFailed) else ""
        for name, each in self._watched.items():
            if read in {"", name}:
                each.session = advance_watched(each.session, fact)
        self._listeners.send(fact)
        match fact:
            case MetricsScraped():
                self._judge(fact.server)
            case HostTicked() if self._lock.held and self.account.meter is not None:
                self._add_to_series(fact.at.wall_s)
                if not self._keeping:
                    self._spawn(self._keep_latest())
                # By the clock that nobody sets: one set back would stop it for as long.
                if fact.at.mono_s - self._written_mono_s > meter_store.WRITE_EVERY_S:
                    self._written_mono_s = fact.at.mono_s
                    self._write()
            case _:
                pass

    async def _catch_up(self, fact: AccountFact) -> None:
        """Fill in what nobody saw, as after a suspension, from the journals."""
        async with self._catching_up:
            before, meter = self.account.at, self.account.meter
            if (
                before is None
                or meter is None
                or fact.at.mono_s - before.mono_s <= meter_store.UNSEEN_S
            ):
                return
            found = await asyncio.to_thread(
                meter_store.stretches, self.host.state_folder, meter.last_s, fact.at
            )
            self.account = with_stretches(replace(self.account, at=fact.at), found)
            self.republish()

    def _look_after(
        self, listed: tuple[Server, ...], addresses: Mapping[str, str], kept: Collection[str]
    ) -> None:
        """Follow each server of ours, and read each that has an address; let go of all others."""
        for server in listed:
            if server.owner is Owner.MANAGED or server.name in addresses:
                self._watch(server, addresses.get(server.name, ""), kept)
        for name in self._watched.keys() - {each.name for each in listed}:
            self._let_go(self._watched.pop(name))

    def _watch(self, server: Server, address: str, kept: Collection[str]) -> None:
        watched = self._watched.get(server.name)
        if watched is None:
            session = watching(Session(self.host.now()), server.name, server.model)
            series = ServerSeries(server.name, self.host.state_folder / SERIES_FOLDER)
            watched = self._watched[server.name] = _Watched(session, series)
            self._spawn(self._read_plan(server.name))
        if server.owner is Owner.EXTERNAL and watched.session.life is not None:
            life = replace(watched.session.life, server=server)
            watched.session = replace(watched.session, life=life)
        if server.name in kept and (watched.follows is None or watched.follows.done()):
            watched.follows = self._spawn(self._follow(server.name))
        if address != watched.address:
            if watched.reads is not None:
                watched.reads.cancel()
            watched.address = address
            source = sources.metrics(self.host, server.name, address) if address else None
            watched.reads = self._spawn(self._pump(source)) if source else None

    def _let_go(self, watched: _Watched) -> None:
        for task in (watched.reads, watched.follows):
            if task is not None:
                task.cancel()

    async def _follow(self, name: str) -> None:
        """Take a server's journal; a change of its state is listed at once."""
        async for fact in follow(server_folder(self.host.state_folder, name)):
            watched = self._watched.get(name)
            if watched is None:
                return
            before = watched.session.life
            watched.session = advance_watched(watched.session, fact)
            after = watched.session.life
            if before is None or after is None or before.server.state is not after.server.state:
                self._list_again.set()
            self._record_start(watched, fact)
        self._list_again.set()

    def _record_start(self, watched: _Watched, fact: ServerFact) -> None:
        life = watched.session.life
        if self._lock.held and life is not None and isinstance(fact, ENDS):
            write_start(self._history, self.host, life)

    async def _read_plan(self, name: str) -> None:
        while True:
            try:
                shown = await self._history.read(partial(meter_store.shown_plan, self.host, name))
            except Problem:
                await asyncio.sleep(AGAIN_S)
            else:
                self._plan(name, shown)
                return

    def _plan(self, name: str, shown: ShownPlan) -> None:
        watched = self._watched.get(name)
        if watched is not None:
            watched.shown, watched.shown_read = shown, True
            self._listeners.send(PlanJudged(name, shown))

    def _judge(self, name: str) -> None:
        """Have a window of traffic judged that is closed and was not yet."""
        watched = self._watched.get(name)
        if watched is None or watched.judging or not watched.shown_read or not self._lock.held:
            return
        closed = self.account.ledger.of(name).windows.closed
        if closed is None or closed.began_wall_s <= watched.shown.judged_wall_s:
            return
        watched.judging = True
        session = replace(watched.session, account=self.account)
        self._spawn(self._judged(name, watched, session))

    async def _judged(self, name: str, watched: _Watched, session: Session) -> None:
        work = partial(_judged, self.host, session, watched.shown)
        try:
            shown = await self._history.read(work)
        except Problem:
            shown = watched.shown  # the window is judged when the history can be read
        finally:
            watched.judging = False
        if shown == watched.shown:
            return
        at_wall_s = self.host.now().wall_s
        self._history.write(
            partial(meter_store.save_plan, server=name, shown=shown, at_s=at_wall_s)
        )
        self._plan(name, shown)

    def _add_to_series(self, wall_s: float) -> None:
        assert self.account.meter is not None
        for name, each in self._watched.items():
            tariff = tariff_of(self.host.settings, self.host.settings.profile(name))
            usd = read_meter(self.account.meter, tariff).usd
            each.series.add(wall_s, figures_of(each.session, used_by(self._gpus, name), usd))

    async def _keep_latest(self) -> None:
        """Write down what whoever comes after a crash goes on with."""
        self._keeping = True
        series = tuple(each.series for each in self._watched.values())
        try:
            await asyncio.to_thread(_kept, self.host.state_folder, self.account, series)
        except OSError:
            pass  # a full disk; the history is written when it can be
        finally:
            self._keeping = False

    def series(self, server: str, step_s: float) -> list[Row]:
        """Return the rows of a server at a resolution; none of a server that is not watched."""
        watched = self._watched.get(server)
        return [] if watched is None else watched.series.rows(step_s)

    def _write(self) -> None:
        account, since_s = self.account, self._written_s
        if account.meter is None:
            return
        self._history.write(partial(meter_store.save_account, account=account, since_s=since_s))
        self._written_s = account.meter.last_s


def _kept(state_folder: Path, account: Account, series: tuple[ServerSeries, ...]) -> None:
    meter_store.keep_latest(state_folder, account)
    for each in series:
        each.keep(account.at.wall_s if account.at else 0.0)


def _taken_up(host: Host) -> meter_store.MeterStore:
    """Return what was kept, with all that nobody watched."""
    record_finished_starts(host)
    return meter_store.open_meter_store(host)


def _judged(host: Host, session: Session, shown: ShownPlan) -> ShownPlan:
    """Judge a window with all that the host's files tell today; reads them."""
    # What decides takes as long to load as all the rest, and an agent that begins is waited for.
    from backends.operations import decision, records  # noqa: PLC0415

    return decision.judged(session, records.full_context(host, session, shown))
