"""The start-up panel's view."""

from backends.domain.lifecycle import Life
from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.domain.start import Outcome, Phase, Start
from backends.domain.startup.expectation import Expectation, eta, expectation
from backends.domain.startup.fold import as_start
from console.desk import Desk
from widgets.startup_panel import PhaseRow, PreviousStarts, StartupView

FIRST_START = "first start of this model on this host"

SETTLED = frozenset({ServerState.READY, ServerState.UNHEALTHY})


def startup_view(session: Session, desk: Desk) -> StartupView:
    """Return the phases of the watched server's start beside what earlier starts took."""
    start = start_of(session)
    expected = expectation(desk.earlier)
    if start is None or session.life is None:
        return StartupView(previous=_previous(desk.earlier))
    running = start.outcome is Outcome.INCOMPLETE
    left = eta(start, expected) if running and expected else None
    return StartupView(
        phases=(*_seen(start, expected), *_still_expected(start, expected, running=running)),
        total_s=start.total_s,
        eta_s=left.left_s if left else None,
        eta_spread_s=left.spread_s if left else None,
        eta_reason="" if left else FIRST_START,
        unlogged_s=start.unlogged_s,
        previous=_previous(desk.earlier),
        outcome=None if running else start.outcome,
        failure=session.life.server.failure or start.failure,
        compact=_compact(session.life, start),
    )


def start_of(session: Session) -> Start | None:
    """Return the watched server's start as it stands at this instant."""
    if session.life is None or session.life.start is None:
        return None
    return as_start(session.life.start, session.now)


def _compact(life: Life, start: Start) -> bool:
    return life.server.state in SETTLED and start.outcome is Outcome.READY
