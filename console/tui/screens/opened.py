"""Opens the screens beside the main one, each with what it shows."""

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from textual.screen import Screen

from backends.domain.lifecycle import failure_of
from backends.domain.session import Session
from backends.history.database import HistoryUnavailable
from backends.history.history import open_history
from backends.history.series import recent_series
from backends.operations.capacity import Capacity, known_capacities
from backends.operations.context import Context
from backends.operations.decision import decide_all
from backends.operations.host import Host
from backends.operations.record_files import finding_of
from backends.operations.records import measured_here
from backends.operations.scenario import Measured
from console.tui.screens.costs import CostScreen
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogScreen
from console.tui.screens.welcome import WelcomeScreen
from console.tui.views.history import history_view
from widgets.history_table import HistoryView


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What a plan rests on that may have changed since the console opened."""

    measured: Measured
    capacities: tuple[Capacity, ...]


ScreenName = Literal["logs", "costs", "history", "gpus", "help", "welcome"]


def opened(
    name: ScreenName,
    host: Host,
    session: Session,
    context: Context,
    found: HistoryView | PlanInputs | None,
) -> Screen[None]:
    """Return a new screen that shows the session as it stands.

    Args:
        name: which screen.
        host: the host.
        session: what is shown.
        context: what lies beside it.
        found: what was read for this screen, see `READS`.
    """
    match name:
        case "logs":
            return LogScreen(failure_of(session.life) if session.life else None)
        case "gpus":
            return GpuScreen()
        case "welcome":
            return WelcomeScreen()
        case "help":
            return HelpScreen(dict(host.settings.keys))
        case "history":
            assert isinstance(found, HistoryView)
            return HistoryScreen(found)
        case "costs":
            today = datetime.fromtimestamp(session.now.wall_s, UTC).date()
            known = context
            if isinstance(found, PlanInputs):
                known = replace(known, capacities=found.capacities)
                # What this host measured says nothing of a recording, which may be of another.
                if not context.replayed:
                    known = replace(known, measured=found.measured)
            return CostScreen(decide_all(session, known, today))


def recent(host: Host) -> HistoryView:
    """Return what the history keeps, as its table shows it.

    Raises:
        Problem: the history cannot be read.
    """
    with closing(open_history(host.history_file)) as history:
        found = (*history.findings.recent("load"), *history.findings.recent("coldprobe"))
        starts, series = history.recent_starts(), recent_series(history)
        reports = []
        for record in found:
            with suppress(HistoryUnavailable):  # one that is not known here hides no other
                reports.append(finding_of(record))
        return history_view(starts, series, reports)


def plan_inputs(host: Host) -> PlanInputs:
    """Return what was measured on this host.

    Raises:
        Problem: the history or the capacities cannot be read.
    """
    return PlanInputs(measured_here(host), known_capacities(host.state_folder))


READS: Mapping[ScreenName, Callable[[Host], HistoryView | PlanInputs]] = {
    "history": recent,
    "costs": plan_inputs,
}
"""What a screen shows beside the session, read from files before it is opened."""
