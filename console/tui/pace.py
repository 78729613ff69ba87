"""How often the screen is drawn."""

from backends.domain.facts import Fact, GpusSampled, HostTicked, MetricsScraped, ServersSeen
from backends.domain.server import ServerState
from backends.domain.session import Session

TIMED_S = 0.25
"""While a start or an A/B is timed on screen."""

FIGURES_S = 1.0
"""While a server is asked: as often as it is read."""

QUIET_S = 2.0
"""While nothing but time passes: a console may stay open for days, beside a server that is paid
for."""


def tick_s(session: Session) -> float:
    """Return the seconds from one tick, which draws a frame, to the next."""
    if _timed(session):
        return TIMED_S
    return QUIET_S if _quiet(session) else FIGURES_S


def awaits_the_tick(before: Session, fact: Fact) -> bool:
    """Whether a fact only renews figures, so that one frame can draw it with the passing of time.

    What ends the quiet is drawn at once.
    """
    match fact:
        case HostTicked():
            return True
        case GpusSampled():
            return before.gpus is not None
        case MetricsScraped() if before.life and fact.server == before.life.server.name:
            known = before.scraped
            return known is not None and (known.counters == fact.counters or not _quiet(before))
        case MetricsScraped():
            return True
        case ServersSeen():
            return before.servers_seen and fact.servers == before.servers
        case _:
            return False


def _timed(session: Session) -> bool:
    ab_runs = session.ab is not None and not session.ab.ended
    return ab_runs or _state(session) in {ServerState.STARTING, ServerState.STOPPING}


def _quiet(session: Session) -> bool:
    """Tell whether the watched server serves nobody, as it was read last, or does not run."""
    if _state(session) in {ServerState.STOPPED, ServerState.FAILED}:
        return True
    read, serving = session.scraped, session.serving
    if read is None or serving is None:
        return False
    return not read.counters.requests_running and not serving.output_tokens_per_s


def _state(session: Session) -> ServerState:
    return session.life.server.state if session.life else ServerState.STOPPED
