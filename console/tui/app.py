"""The application: folds the facts of all sources into the session, and takes keys."""

import asyncio
import importlib
from collections.abc import Coroutine, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from backends.agent.messages import Message as RecordMessage
from backends.agent.messages import PlanJudged, Snapshot
from backends.domain.facts import (
    LogRead,
)
from backends.domain.session import Session, advance, watching
from backends.operations.context import context_of
from backends.operations.host import Host
from backends.operations.watched import Watched
from backends.settings.config import Settings
from console.tui.actions.console import UNDER_WAY, Severity
from console.tui.bindings import APP_BINDINGS
from console.tui.driver import LeanDriver, drawable
from console.tui.pace import awaits_the_tick
from console.tui.palette import Palette, commands
from console.tui.screens.main import MainScreen
from console.tui.screens.welcome import Choose, WelcomeScreen
from console.tui.themes import HIGH_CONTRAST
from console.tui.views.keys import can_act
from console.tui.views.status import status_view
from widgets.status_strip import StatusStrip
from widgets.text import safe

if TYPE_CHECKING:
    from backends.history.thread import HistoryThread
    from console.tui.actions.actions import Actions
    from console.tui.actions.show import ScreenName


class Happened(Message):
    """A source yielded a fact."""

    def __init__(self, fact: RecordMessage) -> None:
        super().__init__()
        self.fact = fact


HISTORY_END_S = 5.0
"""How long a console that is left goes on to write down what another process keeps it from."""

FIRST_FRAME_S = 0.1
"""By then the first frame is drawn; what the next ones need takes longer to load than to draw."""


class InferctlApp(App[str]):
    """The console over one host; left with `setup.DEMO` to open the demo instead.

    Args:
        host: what can be asked of this host.
        watched: the server shown, None for the welcome, where one is chosen.
        start_at_once: launch it as soon as the screen is up.
    """

    TITLE = "inferctl"
    CSS_PATH = "inferctl.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_BINDINGS

    def __init__(self, host: Host, watched: Watched | None, *, start_at_once: bool = False) -> None:
        super().__init__()
        self.register_theme(HIGH_CONTRAST)
        self.host = host
        self.session = Session(host.now())
        self.context = context_of(host)
        self._watched = watched
        self._start_at_once = start_at_once
        self._first_theme = self.theme

    @cached_property
    def history(self) -> "HistoryThread":
        """The thread that reads and writes the history, so that this one never waits for a disk."""
        from backends.history.thread import HistoryThread  # noqa: PLC0415 - SQLite takes 9 ms

        return HistoryThread(self.host.history_file)

    @cached_property
    def actions(self) -> "Actions":
        """What keys, facts and the palette lead to."""
        # All but the main screen: it would delay the first frame by 190 ms, a third of it.
        from console.tui.actions.actions import Actions  # noqa: PLC0415

        return Actions(self)

    @property
    def size(self) -> Size:
        """How much of the terminal is drawn."""
        return drawable(super().size)

    def get_driver_class(self) -> type[Driver]:
        """Return the driver that sends a terminal the least."""
        found = super().get_driver_class()
        return LeanDriver if found is LinuxDriver else found

    def on_mount(self) -> None:
        """Take the user's theme and keys, and draw the first screen; the sources come after it."""
        settings = self.host.settings
        self.take_looks(settings)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        self.push_screen(MainScreen(id="main"))
        if isinstance(self._watched, str):
            profile = settings.profile(self._watched)
            model = profile.request_model if profile else None
            self.session = watching(self.session, self._watched, model)
        elif self._watched is None:
            # The actions are not loaded yet.
            choose: Choose = lambda *chosen: self.actions.setup.choose(*chosen)  # noqa: E731, PLW0108
            self.push_screen(WelcomeScreen(self.session, choose))
        self.set_timer(FIRST_FRAME_S, lambda: self.carry_out(self.begin(), "begin"))

    def take_looks(self, settings: Settings) -> None:
        """Take the theme and the keys of a configuration."""
        if settings.theme in self.available_themes:
            self.theme = settings.theme
        elif settings.theme:
            said = f"there is no theme {settings.theme}; choose one in the palette (ctrl+p, Theme)"
            self.notify(said, severity="warning", markup=False)
        self.set_keymap(dict(settings.keys))

    def _theme_changed(self, theme: Theme) -> None:
        """Keep a theme that was chosen in the palette."""
        if theme.name != (self.host.settings.theme or self._first_theme):
            self.actions.forms.keep_theme(theme.name)

    async def begin(self) -> None:
        """Start everything that yields facts; what that needs is loaded while keys are answered."""
        await asyncio.to_thread(importlib.import_module, "console.tui.actions.actions")
        await self.actions.begin(self._watched, start_at_once=self._start_at_once)

    async def on_unmount(self) -> None:
        """Let what waits be written, for a bounded time."""
        await asyncio.to_thread(self.history.close, HISTORY_END_S)

    def carry_out(self, work: Coroutine[Any, Any, None], group: str) -> Worker[None] | None:
        """Begin work, or say that an order of the same kind is under way; see `Console`."""
        if group not in UNDER_WAY:
            return self.run_worker(work, group=group, exclusive=True)
        if any(each.group == group and not each.is_finished for each in self.workers):
            work.close()
            self.notify(UNDER_WAY[group], severity="warning", markup=False)
            return None
        return self.run_worker(work, group=group)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something above the footer; a path begins with ~, and stays whole in a narrow row.

        A name in it may be of others.
        """
        said = safe(message.replace(f"{Path.home()}/", "~/"), keep_newlines=True)
        super().notify(said, title=title, severity=severity, timeout=timeout, markup=markup)

    def happened(self, fact: RecordMessage) -> None:
        """Take a fact from any source."""
        self.post_message(Happened(fact))

    def on_happened(self, message: Happened) -> None:
        """Fold one fact, and draw soon."""
        fact = message.fact
        if isinstance(fact, LogRead):
            self.actions.show.append_log(fact)
            return
        if isinstance(fact, Snapshot | PlanJudged):
            self.actions.records.take(fact)
            self.actions.drawing.soon()
            return
        before, self.session = self.session, advance(self.session, fact)
        self.actions.follow_up(fact)
        if not awaits_the_tick(before, fact):
            self.actions.drawing.soon()

    def on_status_strip_mounted(self, message: StatusStrip.Mounted) -> None:
        """Give the header of a new screen its view."""
        message.strip.view = status_view(self.session, self.context)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can act now."""
        return can_act(action, str(parameters[0]) if parameters else "", self.session, self.context)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer everything by name: what Textual has, what keys do, and each server."""
        textual = super().get_system_commands(screen)
        # Textual's own leaves at once; the key's asks what becomes of a running server.
        yield from (command for command in textual if command.title != "Quit")
        yield from commands(self, self.actions, screen)

    def action_command_palette(self) -> None:
        """Open the palette."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_server(self, what: str) -> None:
        """Start, stop or restart the watched server, end orphans, or quit."""
        self.actions.server.act(what)

    def action_ab(self, what: str) -> None:
        """Measure once or in a series, cancel, or choose the prompt."""
        self.actions.ab.act(what)

    def action_load(self, what: str) -> None:
        """Begin a load test, show the one that runs, or end it."""
        self.actions.load.act(what)

    def action_study(self, what: str) -> None:
        """Begin a study, or end the one that runs."""
        self.actions.study.act(what)

    def action_show(self, name: "ScreenName") -> None:
        """Open another screen by its name."""
        self.actions.show.show(name)

    def action_configure(self) -> None:
        """Choose a form over a table of the configuration."""
        self.actions.forms.choose()

    def action_export(self) -> None:
        """Write what is on screen to files."""
        self.actions.show.export()
