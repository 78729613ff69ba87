"""Opens the screens beside the main one, each with what it shows, and exports what is on screen."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from textual.screen import Screen

from backends.domain.ab.series import AbSeries
from backends.domain.facts import LogRead
from backends.domain.lifecycle import failure_of
from backends.domain.server import Server
from backends.operations.capacity import Capacity, known_capacities
from backends.operations.decision import Decision
from backends.operations.host import Host
from backends.operations.last_month import LastMonth, last_month_of
from backends.operations.records import measured_here
from backends.operations.scenario import Measured
from backends.operations.watched import Watched, watchable, watched_of
from backends.problem import Problem
from console.tui import feeds
from console.tui.actions.console import Console, Running, pumped
from console.tui.actions.drawing import Drawing
from console.tui.actions.history import HistoryActions
from console.tui.export import export
from console.tui.screens.comparison import ComparisonScreen
from console.tui.screens.costs import CostScreen
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogScreen
from console.tui.screens.problems import ProblemsScreen
from console.tui.screens.record import RecordScreen
from console.tui.screens.series import Rows, SeriesScreen
from console.tui.screens.servers import ServersScreen
from console.tui.screens.welcome import Choose, WelcomeScreen
from console.tui.views.screen import decision_of

ScreenName = Literal[
    "logs", "costs", "history", "gpus", "servers", "next", "problems", "help", "welcome", "series"
]


class ShowActions:
    """Opens a screen once, however often its key is pressed.

    Args:
        console: what is acted for.
        drawing: draws the main screen.
        choose: acts on what is chosen on the welcome.
        turn_to: shows another server.
        read_series: returns figures of a server over time, at a step in seconds.
    """

    def __init__(
        self,
        console: Console,
        drawing: Drawing,
        choose: Choose,
        turn_to: Callable[[Watched], None],
        read_series: Callable[[str, float], Awaitable[Rows]],
    ) -> None:
        self._console = console
        self._drawing = drawing
        self._choose = choose
        self._turn_to: Callable[[Server], None] = lambda server: turn_to(watched_of(server))
        self._read_series = read_series
        self._history = HistoryActions(console, self.compare_with)
        self._log: Running | None = None

    def show(self, name: ScreenName) -> None:
        """Open a screen by its name."""
        console = self._console
        match name:
            case "logs":
                self._show_log()
            case "costs":
                console.carry_out(self._show_costs(), "show")
            case "history":
                console.carry_out(self._show_history(), "show")
            case "gpus":
                self._open(GpuScreen())
            case "servers":
                self._open(ServersScreen(partial(watchable, console.host), self._turn_to))
            case "next":
                self._show_next()
            case "problems":
                self._open(ProblemsScreen())
            case "series":
                self._show_series()
            case "help":
                self._open(HelpScreen(dict(console.host.settings.keys)))
            case "welcome":
                self._open(WelcomeScreen(console.session, self._choose))

    def _open(self, screen: Screen[None]) -> bool:
        """Open a screen, unless the one on top is of its kind; return whether it was opened."""
        if type(self._console.screen_stack[-1]) is type(screen):
            return False
        self._console.push_screen(screen)
        self._drawing.soon()
        return True

    def _show_series(self) -> None:
        console = self._console
        life = console.session.life
        if life is not None:
            self._open(
                SeriesScreen(life.server.name, self._read_series, lambda: console.host.now().wall_s)
            )

    def _show_next(self) -> None:
        """Turn to the server after the watched one, as the table lists them."""
        console = self._console
        found = watchable(console.host, console.session)
        life = console.session.life
        names = [one.name for one in found]
        at = names.index(life.server.name) if life and life.server.name in names else -1
        if len(found) > 1 or (found and at < 0):
            self._turn_to(found[(at + 1) % len(found)])

    def _show_log(self) -> None:
        console = self._console
        life = console.session.life
        failure = failure_of(life) if life else None
        if self._open(LogScreen(failure)) and life is not None:
            far_back = failure is not None
            lines = feeds.log(console.host, life.server.name, far_back=far_back)
            self._log = console.carry_out(pumped(console, lines), "log")

    def append_log(self, fact: LogRead) -> None:
        """Hand lines to the log, which help or a question may cover; nobody reads it: stop."""
        stack = self._console.screen_stack
        log = next((each for each in stack if isinstance(each, LogScreen)), None)
        if log is not None:
            log.append(fact)
        elif self._log is not None:
            self._log.cancel()

    async def _show_costs(self) -> None:
        console = self._console
        try:
            capacities, measured = await console.history.read(partial(_measured, console.host))
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
            return

        def newest() -> Decision:
            context = replace(console.context, capacities=capacities)
            # What this host has measured says nothing of a recording, which may be of another.
            if not context.replayed:
                context = replace(context, measured=measured)
            return decision_of(console.session, context)

        def past(decision: Decision) -> LastMonth | None:
            return last_month_of(decision, console.session, console.session.now.wall_s)

        self._open(CostScreen(newest(), newest, past))

    async def _show_history(self) -> None:
        console = self._console
        try:
            view = await self._history.listed("")
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
        else:
            self._open(HistoryScreen(view, self._history))

    def compare_with(self, series: AbSeries | None) -> None:
        """Show a recorded series beside the live targets, on the main screen; None: these alone."""
        self._console.context = replace(self._console.context, beside=series)
        self._drawing.to_main()
        self._drawing.soon()

    def export(self) -> None:
        """Write what is on screen to files, and say where."""
        self._console.carry_out(self._export(self._console.export_screenshot()), "export")

    async def _export(self, picture: str) -> None:
        console = self._console
        top = console.screen_stack[-1]
        shown = top.shown if isinstance(top, RecordScreen | ComparisonScreen) else console.session
        try:
            folder = await asyncio.to_thread(export, _exports(console.host), picture, shown)
        except OSError as error:
            console.notify(f"not written: {error}", severity="error", markup=False)
        else:
            console.notify(f"written to {folder}", markup=False)


def _exports(host: Host) -> Path:
    """Return the folder for exports: what a demo keeps is removed with it."""
    return Path.cwd() if host.simulated else host.state_folder / "exports"


def _measured(host: Host) -> tuple[tuple[Capacity, ...], Measured]:
    """Return what was measured on this host.

    Raises:
        Problem: it cannot be read.
    """
    return known_capacities(host.state_folder), measured_here(host)
