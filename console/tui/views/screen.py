"""The whole main screen as one value."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all
from console.tui.views.ab import ab_view, prompt_words
from console.tui.views.cost import cost_view, main_verdict_view
from console.tui.views.load import load_strip_view
from console.tui.views.log_tail import log_tail_view
from console.tui.views.serving import serving_view
from console.tui.views.startup import SETTLED, startup_view
from console.tui.views.status import status_view
from console.tui.views.study import study_strip_view
from console.tui.views.vram import vram_view
from widgets.ab_panel import AbView
from widgets.cost_panel import CostView
from widgets.load_strip import LoadStripView
from widgets.log_tail import LogTailView
from widgets.serving_panel import ServingView
from widgets.startup_panel import StartupView
from widgets.status_strip import StatusView
from widgets.study_strip import StudyStripView
from widgets.verdict_line import VerdictView
from widgets.vram_panel import VramView

Layout = Literal["stopped", "starting", "serving", "failed"]
"""What the main screen is about; it gives most of its room to that."""

_STARTING = frozenset({ServerState.STARTING, ServerState.STOPPING})


@dataclass(frozen=True, slots=True)
class MainView:
    """One view for each widget of the main screen, and how they are laid out.

    Attributes:
        compares: an A/B is under way or has been shown, and needs room.
    """

    layout: Layout
    compares: bool
    status: StatusView
    startup: StartupView
    serving: ServingView
    vram: VramView
    ab: AbView
    cost: CostView
    verdict: VerdictView
    load: LoadStripView
    study: StudyStripView
    tail: LogTailView


def main_view(session: Session, context: Context) -> MainView:
    """Project the session."""
    decision = decision_of(session, context)
    startup = startup_view(session, context)
    ab = ab_view(session, context.settings, context.beside)
    ab = replace(ab, prompt=prompt_words(session, context.prompt))
    return MainView(
        layout=_layout(session, startup),
        compares=bool(ab.targets or ab.past),
        status=status_view(session, context),
        startup=startup,
        serving=serving_view(session),
        vram=vram_view(session, startup.axis_s),
        ab=ab,
        cost=cost_view(session, context, decision, _today(session)),
        verdict=main_verdict_view(decision),
        load=load_strip_view(context.load, session.now.mono_s),
        study=study_strip_view(context.study, session.now.mono_s),
        tail=log_tail_view(session, context),
    )


def _layout(session: Session, startup: StartupView) -> Layout:
    if startup.failure is not None:
        return "failed"
    if startup.compact:
        return "serving"
    state = session.life.server.state if session.life else None
    if state in _STARTING and startup.total_s is not None:
        return "starting"
    return "serving" if state in SETTLED else "stopped"


def decision_of(session: Session, context: Context) -> Decision:
    """Return what is decided of a session on its day."""
    return decide_all(session, context, _today(session))


def _today(session: Session) -> date:
    return datetime.fromtimestamp(session.now.wall_s, UTC).date()
