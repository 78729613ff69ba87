"""Opens the screens beside the main one, each with what it shows."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from textual.screen import Screen

from backends.domain.lifecycle import failure_of
from backends.domain.session import Session
from backends.history.history import open_history
from backends.history.series import recent_series
from console.capacity import known_capacities
from console.decision import decide_all
from console.desk import Desk
from console.machine import Machine
from console.measured import with_measured
from console.recorded import finding_of
from console.screens.costs import CostScreen
from console.screens.gpus import GpuScreen
from console.screens.help import HelpScreen
from console.screens.history import HistoryScreen
from console.screens.logs import LogScreen
from console.screens.welcome import WelcomeScreen
from console.views.history import history_view
from widgets.history_table import HistoryView

ScreenName = Literal["logs", "costs", "history", "gpus", "help", "welcome"]


def opened(name: ScreenName, machine: Machine, session: Session, desk: Desk) -> Screen[None]:
    """Return a new screen that shows the session as it stands.

    Raises:
        Problem: the history cannot be read.
    """
    match name:
        case "logs":
            return LogScreen(failure_of(session.life) if session.life else None)
        case "gpus":
            return GpuScreen()
        case "welcome":
            return WelcomeScreen()
        case "help":
            return HelpScreen(dict(machine.settings.keys))
        case "history":
            return HistoryScreen(recent(machine))
        case "costs":
            today = datetime.fromtimestamp(session.now.wall_s, UTC).date()
            known = replace(desk, capacities=known_capacities(machine.state_folder))
            # What this host has measured says nothing of a recording, which may be of another.
            measured = known if desk.replayed else with_measured(known, machine)
            return CostScreen(decide_all(session, measured, today))


def recent(machine: Machine) -> HistoryView:
    """Return what the history keeps, as its table shows it.

    Raises:
        Problem: the history cannot be read.
    """
    with closing(open_history(machine.history_file)) as history:
        found = (*history.findings.recent("load"), *history.findings.recent("coldhunt"))
        starts, series = history.recent_starts(), recent_series(history)
        return history_view(starts, series, [finding_of(record) for record in found])
