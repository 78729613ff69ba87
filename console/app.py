"""The application: pumps facts from the sources, folds them, and hands views to the screens."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.worker import Worker

from backends.domain.facts import Fact, LogRead, ServersSeen, Spawned
from backends.domain.server import ServerState
from backends.domain.session import Session, advance, watching
from backends.problem import Problem
from console import records, servers, sources
from console.desk import Desk, desk_of
from console.export import export
from console.keys import APP_BINDINGS
from console.machine import Machine
from console.messages import Happened
from console.screens.costs import CostScreen
from console.screens.gpus import GpuScreen
from console.screens.help import HelpScreen
from console.screens.history import HistoryScreen
from console.screens.logs import LogScreen
from console.screens.main import MainScreen
from console.screens.question import Question

REDRAW_S = 0.08
"""Facts are gathered this long before they are drawn: faster than an eye, slower than a flood."""

RUNNING = frozenset({ServerState.STARTING, ServerState.READY, ServerState.UNHEALTHY})


class InferctlApp(App[None]):
    """The console over one machine.

    Args:
        machine: what can be asked of this host.
        watched: name of the server shown, None where no profile exists.
        start_at_once: launch it as soon as the screen is up.
    """

    TITLE = "inferctl"
    CSS_PATH = "inferctl.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_BINDINGS
    MODES: ClassVar = {}

    def __init__(self, machine: Machine, watched: str | None, *, start_at_once: bool) -> None:
        super().__init__()
        self.machine = machine
        self.desk = desk_of(machine)
        self.session = Session(machine.now())
        self._watched = watched
        self._start_at_once = start_at_once
        self._redraw_due = False
        self._following: Worker[None] | None = None

    def on_mount(self) -> None:
        """Take the user's theme and keys, open the main screen and start the sources."""
        settings = self.machine.settings
        if settings.theme:
            self.theme = settings.theme
        self.set_keymap(dict(settings.keys))
        self.push_screen(MainScreen(id="main"))
        if self._watched is not None:
            profile = settings.profile(self._watched)
            model = profile.request_model if profile else None
            self.session = watching(self.session, self._watched, model)
            self.desk = replace(self.desk, earlier=records.earlier_starts(self.machine, profile))
        self.pump(sources.ticks(self.machine, lambda: self.session), "clock")
        self.pump(sources.gpus(self.machine, lambda: self.session), "gpus")
        self.pump(sources.metrics(self.machine, lambda: self.session), "metrics")
        self.pump(sources.servers(self.machine), "servers")
        if self._start_at_once:
            self.action_start()

    def pump(self, source: AsyncIterator[Fact], group: str) -> Worker[None]:
        """Post every fact of a source to this app until it ends; a newer one replaces it."""
        return self.run_worker(self._pumped(source), group=group, exclusive=True)

    async def _pumped(self, source: AsyncIterator[Fact]) -> None:
        async for fact in source:
            self.post_message(Happened(fact))

    def on_happened(self, message: Happened) -> None:
        """Fold one fact, and draw soon."""
        fact = message.fact
        if isinstance(fact, LogRead):
            return
        self.session = advance(self.session, fact)
        if isinstance(fact, ServersSeen):
            self._follow_if_kept()
        if isinstance(fact, Spawned):
            profile = self.machine.settings.profile(fact.server)
            self.desk = replace(self.desk, earlier=records.earlier_starts(self.machine, profile))
        records.remember(self.machine, self.session, fact)
        if not self._redraw_due:
            self._redraw_due = True
            self.set_timer(REDRAW_S, self._redraw)
