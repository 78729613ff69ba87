"""The whole main screen as one value."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all
from console.tui.views.ab import ab_view
from console.tui.views.cost import cost_view, plan_view
from console.tui.views.load import load_strip_view
from console.tui.views.serving import serving_view
from console.tui.views.startup import startup_view
from console.tui.views.status import status_view
from console.tui.views.vram import vram_view
from widgets.ab_panel import AbView
from widgets.cost_panel import CostView
from widgets.load_strip import LoadStripView
from widgets.serving_panel import ServingView
from widgets.startup_panel import StartupView
from widgets.status_strip import StatusView
from widgets.verdict_line import VerdictView
from widgets.vram_panel import VramView


@dataclass(frozen=True, slots=True)
class MainView:
    """One view for each widget of the main screen."""

    status: StatusView
    startup: StartupView
    serving: ServingView
    vram: VramView
    ab: AbView
    cost: CostView
    verdict: VerdictView
    load: LoadStripView


def main_view(session: Session, context: Context) -> MainView:
    """Project the session."""
    decision = decision_of(session, context)
    startup = startup_view(session, context)
    return MainView(
        status=status_view(session, context),
        startup=startup,
        serving=serving_view(session),
        vram=vram_view(session, startup.axis_s),
        ab=ab_view(session, context.settings, context.beside),
        cost=cost_view(session, context, decision, _today(session)),
        verdict=plan_view(decision),
        load=load_strip_view(context.load, session.now.mono_s),
    )


def decision_of(session: Session, context: Context) -> Decision:
    """Return what is decided of a session on its day."""
    return decide_all(session, context, _today(session))


def _today(session: Session) -> date:
    return datetime.fromtimestamp(session.now.wall_s, UTC).date()
