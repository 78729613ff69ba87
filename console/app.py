"""The application: pumps facts from the sources, folds them, and hands views to the screens."""

from collections.abc import AsyncIterator
from functools import partial
from typing import ClassVar

from textual.app import App
from textual.binding import BindingType

from backends.domain.facts import Fact, ServersSeen, Ticked
from backends.domain.server import ServerState
from backends.domain.session import Session, advance, watching
from backends.problem import Problem
from console import sources
from console.desk import Desk
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

TICK_S = {True: 0.25, False: 1.0}
"""Seconds between ticks while something is timed on screen, and while nothing is."""


class InferctlApp(App[None]):
    """The console over one machine.

    Args:
        machine: what can be asked of this host.
        watched: the server shown first, None to wait for one.
        start_at_once: launch it as soon as the screen is up.
    """

    TITLE = "inferctl"
    CSS_PATH = "inferctl.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_BINDINGS
    SCREENS = {
        "logs": LogScreen,
        "costs": CostScreen,
        "history": HistoryScreen,
        "gpus": GpuScreen,
        "help": HelpScreen,
    }

    def __init__(self, machine: Machine, watched: str | None, *, start_at_once: bool) -> None:
        super().__init__()
        self.machine = machine
        self.session = Session(machine.now())
        self.desk = Desk.of(machine)
        self._watched = watched
        self._start_at_once = start_at_once
        self._redraw_due = False
