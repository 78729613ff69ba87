"""The status strip's view."""

from backends.domain.billing.meter import Spent, read_meter
from backends.domain.lifecycle import Life
from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.rental import tariff_of
from widgets.status_strip import StatusView


def status_view(session: Session, context: Context) -> StatusView:
    """Return the watched server, what its host has cost, and which sources cannot tell."""
    problems = tuple(session.failed_sources.values())
    if session.life is None:
        return StatusView(
            simulated=context.simulated,
            replayed=context.replayed,
            read_only=context.read_only,
            looked=session.servers_seen,
            problems=problems,
        )
    server = session.life.server
    spent = _spent(session, context, server.name)
    told = session.life.note and server.state is not ServerState.READY
    note = (session.life.note,) if told else ()
    unrecorded = (server.unrecorded,) if server.unrecorded else ()
    return StatusView(
        server=server.name,
        model=server.model or "",
        state=server.state,
        pid=server.pid,
        port=server.port,
        uptime_s=_uptime_s(session, session.life),
        owner=server.owner,
        spent_usd=spent.usd if spent else None,
        usd_per_hour=spent.usd_per_hour if spent else None,
        simulated=context.simulated,
        replayed=context.replayed,
        read_only=context.read_only,
        started_by=server.started_by if server.pid is not None else "",
        problems=(*note, *unrecorded, *problems),
        end_of_service=server.end_of_service,
    )


def _spent(session: Session, context: Context, server: str) -> Spent | None:
    if session.meter is None:
        return None
    settings = context.settings
    return read_meter(session.meter, tariff_of(settings, settings.profile(server)))


def _uptime_s(session: Session, life: Life) -> float | None:
    """Return how long the server has run; by the clock that nobody sets, where its launch tells."""
    server = life.server
    if server.pid is None or server.started_at is None:
        return None
    if life.spawned_at is not None:
        return session.now.mono_s - life.spawned_at.mono_s
    return session.now.wall_s - server.started_at
