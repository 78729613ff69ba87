"""The application: pumps facts from the sources, folds them, and hands views to the screens."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker

from backends.domain.facts import Fact, LogRead, ServersSeen, Spawned
from backends.domain.server import ServerState
from backends.domain.session import Session, advance, watching
from backends.problem import Problem
from console import recorder, servers, sources
from console.desk import Desk, desk_of
from console.export import export
from console.keys import APP_BINDINGS, MAIN_BINDINGS
from console.machine import Machine
from console.messages import Happened
from console.screens.gpus import GpuScreen
from console.screens.logs import LogScreen
from console.screens.main import MainScreen
from console.screens.opened import opened
from console.screens.question import Question
from console.views.screen import main_view

REDRAW_S = 0.08
"""Facts are gathered this long before they are drawn: faster than an eye, slower than a flood."""

RUNNING = frozenset({ServerState.STARTING, ServerState.READY, ServerState.UNHEALTHY})

LEAVE, STOP = "leave", "stop"


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

    def __init__(
        self, machine: Machine, watched: str | None, *, start_at_once: bool = False
    ) -> None:
        super().__init__()
        self.machine = machine
        self.session = Session(machine.now())
        self.desk: Desk = desk_of(machine)
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
        self.session = replace(self.session, meter=recorder.load_meter(self.machine))
        if self._watched is not None:
            self.watch_server(self._watched)
        self.pump(sources.ticks(self.machine, lambda: self.session), "clock")
        self.pump(sources.gpus(self.machine, lambda: self.session), "gpus")
        self.pump(sources.metrics(self.machine, lambda: self.session), "metrics")
        self.pump(sources.servers(self.machine), "servers")
        if self._start_at_once:
            self.action_start()

    def watch_server(self, name: str) -> None:
        """Turn to a server: its profile, its earlier starts, its current journal."""
        profile = self.machine.settings.profile(name)
        self.session = watching(self.session, name, profile.request_model if profile else None)
        self.desk = replace(self.desk, earlier=recorder.earlier_starts(self.machine, profile))
        self._following = self.pump(sources.follow(self.machine, name), "follow")

    def pump(self, source: AsyncIterator[Fact], group: str) -> Worker[None]:
        """Post every fact of a source to this app until it ends; a newer one replaces it."""
        return self.run_worker(self._pumped(source), group=group, exclusive=True)

    async def _pumped(self, source: AsyncIterator[Fact]) -> None:
        try:
            async for fact in source:
                self.post_message(Happened(fact))
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)

    def on_happened(self, message: Happened) -> None:
        """Fold one fact, and draw soon."""
        fact = message.fact
        if isinstance(fact, LogRead):
            if isinstance(self.screen, LogScreen):
                self.screen.append(fact)
            return
        self.session = advance(self.session, fact)
        if isinstance(fact, ServersSeen):
            self._follow_what_others_started(fact)
        if isinstance(fact, Spawned):
            profile = self.machine.settings.profile(fact.server)
            earlier = recorder.earlier_starts(self.machine, profile, but=fact.start_id)
            self.desk = replace(self.desk, earlier=earlier)
        recorder.keep(self.machine, self.session, fact)
        if not self._redraw_due:
            self._redraw_due = True
            self.set_timer(REDRAW_S, self._redraw)

    def _redraw(self) -> None:
        self._redraw_due = False
        screen = self.screen
        if isinstance(screen, MainScreen):
            screen.show(main_view(self.session, self.desk))
        elif isinstance(screen, GpuScreen):
            screen.show(self.session.gpus)
        screen.refresh_bindings()

    def _follow_what_others_started(self, fact: ServersSeen) -> None:
        """Another console or a verb may have started the watched server anew."""
        life = self.session.life
        if life is None or (self._following is not None and not self._following.is_finished):
            return
        seen = next((each for each in fact.servers if each.name == life.server.name), None)
        if seen is not None and seen.keeper_pid is not None:
            self._following = self.pump(sources.follow(self.machine, life.server.name), "follow")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can act now."""
        state = self.session.life.server.state if self.session.life else None
        if action == "start":
            return state is not None and state not in {*RUNNING, ServerState.STOPPING}
        if action in {"stop", "restart"}:
            return state in RUNNING
        if action == "show" and parameters == ("logs",):
            return self.session.life is not None
        return True

    def action_show(self, name: str) -> None:
        """Open another screen by its name."""
        screen = opened(name, self)
        if type(self.screen) is not type(screen):
            self.push_screen(screen)
