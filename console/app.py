"""The application: pumps facts from the sources, folds them, and hands views to the screens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.worker import Worker

from backends.domain.facts import Fact, LogRead, ServersSeen
from backends.domain.session import Session, advance, watching
from backends.problem import Problem
from console import recorder, server_keys, sources
from console.desk import desk_of
from console.export import export
from console.keys import APP_BINDINGS
from console.machine import Machine
from console.messages import Happened
from console.screens.gpus import GpuScreen
from console.screens.logs import LogScreen
from console.screens.main import MainScreen
from console.screens.opened import ScreenName, opened
from console.views.screen import main_view

REDRAW_S = 0.08
"""Facts are gathered this long before they are drawn: faster than an eye, slower than a flood."""


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
        self.desk = desk_of(machine)
        self.race_cancelled = asyncio.Event()
        self._watched = watched
        self._start_at_once = start_at_once
        self._redraw_due = False
        self._offered: object = None
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
            self.follow_server(self._watched)
        self.pump(sources.ticks(self.machine, lambda: self.session), "clock")
        self.pump(sources.gpus(self.machine, lambda: self.session), "gpus")
        self.pump(sources.metrics(self.machine, lambda: self.session), "metrics")
        self.pump(sources.servers(self.machine), "servers")
        if self._start_at_once:
            self.action_server("start")

    def follow_server(self, name: str) -> None:
        """Turn to a server: its profile, its earlier starts, its current journal."""
        profile = self.machine.settings.profile(name)
        if self.session.life is None or self.session.life.server.name != name:
            self.session = watching(self.session, name, profile.request_model if profile else None)
        self.desk = replace(self.desk, earlier=recorder.earlier_starts(self.machine, profile))
        self._following = self.pump(sources.follow(self.machine, name), "follow")

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
        fact = message.fact
        if isinstance(fact, LogRead):
            self._show_log(fact)
            return
        self.session = advance(self.session, fact)
        if isinstance(fact, ServersSeen):
            self._follow_what_others_started(fact)
        self.desk = recorder.keep(self.machine, self.session, self.desk, fact)
        if not self._redraw_due:
            self._redraw_due = True
            self.set_timer(REDRAW_S, self._redraw)

    def _show_log(self, fact: LogRead) -> None:
        """Hand lines to the log, which help or a question may cover; nobody reads it: stop."""
        log = next((each for each in self.screen_stack if isinstance(each, LogScreen)), None)
        if log is None:
            self.workers.cancel_group(self, "log")
        else:
            log.append(fact)

    def _redraw(self) -> None:
        self._redraw_due = False
        screen = next((each for each in reversed(self.screen_stack) if not each.is_modal), None)
        if screen is None:
            return  # the last facts arrive while the app closes
        if isinstance(screen, MainScreen):
            screen.show(main_view(self.session, self.desk))
        elif isinstance(screen, GpuScreen):
            screen.show(self.session.gpus)
        self._offer_keys()

    def _offer_keys(self) -> None:
        """Redraw the footer only where a key begins or ceases to act."""
        life, ab = self.session.life, self.session.ab
        offered = (life and life.server.state, ab is not None and not ab.ended)
        if offered != self._offered:
            self._offered = offered
            self.screen.refresh_bindings()

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
        if action == "server":
            return server_keys.can(self, str(parameters[0]))
        if action == "show" and parameters == ("logs",):
            return self.session.life is not None
        return True

    def action_server(self, what: str) -> None:
        """Start, stop or restart the watched server, or quit with regard to it."""
        self.run_worker(server_keys.ACTIONS[what](self), group=f"server {what}", exclusive=True)

    def action_show(self, name: ScreenName) -> None:
        """Open another screen by its name."""
        screen = opened(name, self.machine, self.session)
        if type(self.screen) is type(screen):
            return
        self.push_screen(screen)
        if name == "logs" and self.session.life is not None:
            self.pump(sources.log(self.machine, self.session.life.server.name), "log")

    def action_export(self) -> None:
        """Write what is on screen to files, and say where."""
        try:
            folder = export(self)
        except OSError as error:
            self.notify(f"not written: {error}", severity="error", markup=False)
        else:
            self.notify(f"written to {folder}", markup=False)
