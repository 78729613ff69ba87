"""The application: pumps facts from the sources, folds them, and hands views to the screens."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker

from backends.domain.decision.hysteresis import ShownPlan
from backends.domain.facts import (
    Fact,
    GpusSampled,
    LogRead,
    MetricsScraped,
    ServersSeen,
    SourceFailed,
    Ticked,
)
from backends.domain.foreign import is_external
from backends.domain.lifecycle import failure_of
from backends.domain.session import Session, advance, recovered
from backends.domain.session import watching as watching_profile
from backends.operations.context import context_of
from backends.operations.host import Host
from backends.problem import Problem
from console.tui import preload
from console.tui.bindings import APP_BINDINGS
from console.tui.screens.main import MainScreen

if TYPE_CHECKING:
    from backends.history.thread import HistoryThread
    from backends.operations.meter_store import MeterStore
    from backends.operations.records import ContextFields, Read
    from console.tui.actions.watch import Watched
    from console.tui.screens.opened import PlanInputs, ScreenName
    from widgets.history_table import HistoryView


class Happened(Message):
    """A source yielded a fact."""

    def __init__(self, fact: Fact) -> None:
        super().__init__()
        self.fact = fact


REDRAW_S = 0.08
"""Facts are gathered this long before they are drawn: faster than an eye, slower than a flood."""

HISTORY = "history"
"""The source that fails where what was written down cannot be read, or nothing be added."""

HISTORY_WAIT_S = 0.5
HISTORY_AGAIN_S = 1.0

HISTORY_END_S = 5.0
"""How long a console that is left goes on to write down what another process keeps it from."""

FIRST_FRAME_S = 0.1
"""By then the first frame is drawn; what the next ones need takes longer to load than to draw."""


class InferctlApp(App[str]):
    """The console over one machine; left with `choosing.DEMO` to open the demo instead.

    Args:
        host: what can be asked of this host.
        watched: the server shown, None for the welcome, where one is chosen.
        start_at_once: launch it as soon as the screen is up.
    """

    TITLE = "inferctl"
    CSS_PATH = "inferctl.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_BINDINGS

    def __init__(
        self, host: Host, watched: "Watched | None", *, start_at_once: bool = False
    ) -> None:
        super().__init__()
        self.host = host
        self.session = Session(host.now())
        self.context = context_of(host)
        self.ab_cancelled = asyncio.Event()
        self._watched = watched
        self._start_at_once = start_at_once
        self._redraw_due = False
        self._offered: object = None
        self.following: Worker[None] | None = None

    @cached_property
    def history(self) -> "HistoryThread":
        """The thread that reads and writes the history, so that this one never waits for a disk."""
        from backends.history.thread import HistoryThread

        return HistoryThread(self.host.history_file)

    def on_mount(self) -> None:
        """Take the user's theme and keys, open the main screen and start the sources."""
        settings = self.host.settings
        if settings.theme:
            self.theme = settings.theme
        self.set_keymap(dict(settings.keys))
        self.push_screen(MainScreen(id="main"))
        if isinstance(self._watched, str):
            profile = settings.profile(self._watched)
            model = profile.request_model if profile else None
            self.session = watching_profile(self.session, self._watched, model)
        elif self._watched is None:
            from console.tui.screens.welcome import WelcomeScreen

            self.push_screen(WelcomeScreen())
        self.set_timer(FIRST_FRAME_S, self.start_sources)

    def start_sources(self) -> None:
        """Take up the history and the bill, and start everything that yields facts."""
        self.run_worker(self._begin(), group="begin")

    async def _begin(self) -> None:
        await preload.load(preload.SOURCES)
        from console.tui import feeds
        from console.tui.actions import watch

        known = asyncio.create_task(self._remember())
        # The bill goes on where it stood; but a history that is locked must not delay all else.
        await asyncio.wait([known], timeout=HISTORY_WAIT_S)
        if self._watched is not None:
            watch.show(self, self._watched)
        self.pump(feeds.ticks(self.host, lambda: self.session), "clock")
        self.pump(feeds.gpus(self.host, lambda: self.session), "gpus")
        self.pump(feeds.metrics(self.host, lambda: self.session), "metrics")
        self.pump(feeds.metrics_beside(self.host, lambda: self.session), "beside")
        self.pump(feeds.servers(self.host), "servers")
        self.run_worker(feeds.keep_reading(self), group="past", exclusive=True)
        if self._start_at_once:
            self.action_server("start")
        await preload.load(preload.KEYS)
        await known

    async def _remember(self) -> None:
        """Take up the meter and what was measured here, as soon as the history can be read."""
        from backends.operations import meter_store

        while self.session.meter is None:
            try:
                store, fields = await self.history.read(partial(_taken_up, self.host))
            except Problem:
                await asyncio.sleep(HISTORY_AGAIN_S)  # the next tick says why
            else:
                self.session = meter_store.with_meter_store(self.session, store)
                self.context = replace(self.context, tests_usd=store.tests_usd, **fields)

    def follow_server(self, name: str) -> None:
        """Turn to a server: its profile, its earlier starts, its current journal."""
        from backends.operations import records
        from console.tui import feeds

        profile = self.host.settings.profile(name)
        if self.session.life is None or self.session.life.server.name != name:
            self.session = watching_profile(
                self.session, name, profile.request_model if profile else None
            )
        self.recall_plan(name, partial(records.starts_known, self.host, profile))
        self.following = self.pump(feeds.follow(self.host, name), "follow")

    def recall_plan(self, name: str, others: "Read" = dict) -> None:
        """Read the plan of a server as it was judged last, and what else is to be known of it."""
        from backends.operations import meter_store

        def read() -> "ContextFields":
            shown = meter_store.shown_plan(self.host, name)
            return {**others(), "shown": shown, "shown_unread": False}

        self.context = replace(self.context, shown=ShownPlan(), shown_unread=True)
        self.run_worker(self._recalled(read), group="plan", exclusive=True)

    async def _recalled(self, read: "Read") -> None:
        """Lay on the context what the history tells, once it does."""
        while True:
            try:
                fields = await self.history.read(read)
            except Problem:
                await asyncio.sleep(HISTORY_AGAIN_S)  # the next tick says why
            else:
                self.context = replace(self.context, **fields)
                self._draw_soon()
                return

    def _tell_of_history(self) -> None:
        """Say on screen that the history cannot be written or read, for as long as it is so."""
        if self.history.problem:
            failed = SourceFailed(self.host.now(), HISTORY, self.history.problem)
            self.session = advance(self.session, failed)
        else:
            self.session = recovered(self.session, HISTORY)

    async def on_unmount(self) -> None:
        """Let what waits be written, for a bounded time."""
        await asyncio.to_thread(self.history.close, HISTORY_END_S)

    def pump(self, source: AsyncIterator[Fact], group: str) -> Worker[None]:
        """Post every fact of a source to this app until it ends; a newer one replaces it."""
        return self.run_worker(self._pumped(source), group=group, exclusive=True)

    async def _pumped(self, source: AsyncIterator[Fact]) -> None:
        try:
            async for fact in source:
                self.happened(fact)
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)

    def happened(self, fact: Fact) -> None:
        """Take a fact from any source."""
        self.post_message(Happened(fact))

    def on_happened(self, message: Happened) -> None:
        """Fold one fact, and draw soon."""
        from backends.operations import records
        from console.tui.actions import watch

        fact = message.fact
        if isinstance(fact, LogRead):
            self._show_log(fact)
            return
        before, self.session = self.session, advance(self.session, fact)
        if isinstance(fact, ServersSeen):
            watch.follow_restarted(self, fact)
            watch.adopt_orphaned(self, fact)
        if isinstance(fact, Ticked):
            self._tell_of_history()
        self.context = records.record_fact(
            self.history, self.host, self.session, self.context, fact
        )
        if read := records.to_read(self.host, self.session, self.context, fact):
            self.run_worker(
                self._recalled(read), group=f"recall {type(fact).__name__}", exclusive=True
            )
        if not _awaits_the_tick(before, fact):
            self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._redraw_due:
            self._redraw_due = True
            self.set_timer(REDRAW_S, self._redraw)

    def _show_log(self, fact: LogRead) -> None:
        """Hand lines to the log, which help or a question may cover; nobody reads it: stop."""
        from console.tui.screens.logs import LogScreen

        log = next((each for each in self.screen_stack if isinstance(each, LogScreen)), None)
        if log is None:
            self.workers.cancel_group(self, "log")
        else:
            log.append(fact)

    def _redraw(self) -> None:
        from console.tui.screens.gpus import GpuScreen
        from console.tui.screens.welcome import WelcomeScreen

        self._redraw_due = False
        screen = next((each for each in reversed(self.screen_stack) if not each.is_modal), None)
        if screen is None or not screen.is_mounted or not self.is_running:
            return  # facts may come before the screen stands, and while it is taken down
        if isinstance(screen, MainScreen):
            from console.tui.views.screen import main_view

            screen.show(main_view(self.session, self.context))
        elif isinstance(screen, GpuScreen):
            screen.show(self.session.gpus)
        elif isinstance(screen, WelcomeScreen):
            screen.show(self.session)
        self._offer_keys()

    def _offer_keys(self) -> None:
        """Redraw the footer only where a key begins or ceases to act."""
        life, ab = self.session.life, self.session.ab
        left = any(each.survivors for each in self.session.servers)
        ab_runs = ab is not None and not ab.ended
        settings = self.host.settings
        offered = (life and (life.server.name, life.server.state), ab_runs, left, settings)
        if offered != self._offered:
            self._offered = offered
            self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can act now."""
        if action == "server":
            from console.tui.actions import server

            return server.can(self, str(parameters[0]))
        if action == "show" and parameters == ("logs",):
            return self.session.life is not None and not is_external(self.session.life)
        return True

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer everything by name: what Textual has, what keys do, and each server."""
        textual = super().get_system_commands(screen)
        # Textual's own leaves at once; the key's asks what becomes of a running server.
        yield from (command for command in textual if command.title != "Quit")
        from console.tui import palette

        yield from palette.commands(self, screen)

    def action_command_palette(self) -> None:
        """Open the palette."""
        from console.tui.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_server(self, what: str) -> None:
        """Start, stop or restart the watched server, or quit with regard to it."""
        from console.tui.actions import server
        from console.tui.actions.under_way import carry_out

        if what in server.ORDERS:
            carry_out(self, "server", server.ORDERS[what](self))
        else:
            self.run_worker(server.QUESTIONS[what](self), group=f"server {what}", exclusive=True)

    def action_show(self, name: "ScreenName") -> None:
        """Open another screen by its name."""
        from console.tui.screens.opened import READS

        if name in READS:
            self.run_worker(self._read_and_open(name), group="show", exclusive=True)
        else:
            self._open(name, None)

    async def _read_and_open(self, name: "ScreenName") -> None:
        from console.tui.screens.opened import READS

        try:
            found = await self.history.read(partial(READS[name], self.host))
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
        else:
            self._open(name, found)

    def _open(self, name: "ScreenName", found: "HistoryView | PlanInputs | None") -> None:
        from console.tui import feeds
        from console.tui.screens.opened import opened

        try:
            screen = opened(name, self.host, self.session, self.context, found)
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
            return
        if type(self.screen) is type(screen):
            return
        self.push_screen(screen)
        if name == "logs" and self.session.life is not None:
            life = self.session.life
            failed = failure_of(life) is not None
            self.pump(feeds.log(self.host, life.server.name, far_back=failed), "log")

    async def action_export(self) -> None:
        """Write what is on screen to files, and say where."""
        from console.tui.export import export

        try:
            folder = await export(self)
        except OSError as error:
            self.notify(f"not written: {error}", severity="error", markup=False)
        else:
            self.notify(f"written to {folder}", markup=False)


def _taken_up(host: Host) -> "tuple[MeterStore, ContextFields]":
    """Return what the history tells a console that opens, with all that no console saw."""
    from backends.operations import meter_store
    from backends.operations import records as measured
    from backends.operations.records import record_finished_starts

    record_finished_starts(host)
    return meter_store.open_meter_store(host), measured.measured_known(host)


def _awaits_the_tick(before: Session, fact: Fact) -> bool:
    """Whether a fact only renews figures, so that one frame can draw it with the passing of time.

    The tick comes each second, and four times as often while something is timed on screen.
    """
    match fact:
        case GpusSampled():
            return before.gpus is not None
        case MetricsScraped():
            return before.scraped is not None
        case ServersSeen():
            return before.servers_seen and fact.servers == before.servers
        case _:
            return False
