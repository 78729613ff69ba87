"""The status strip's view."""

from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.operations.context import Context
from widgets.status_strip import StatusView


def status_view(session: Session, context: Context) -> StatusView:
    """Return the watched server at a glance, and which sources cannot tell."""
    problems = tuple(session.failed_sources.values())
    if session.life is None:
        return StatusView(
            simulated=context.simulated,
            replayed=context.replayed,
            looked=session.servers_seen,
            problems=problems,
        )
    server = session.life.server
    running = server.pid is not None and server.started_at is not None
    uptime_s = session.now.wall_s - server.started_at if running and server.started_at else None
    told = session.life.note and server.state is not ServerState.READY
    note = (session.life.note,) if told else ()
    return StatusView(
        server=server.name,
        model=server.model or "",
        state=server.state,
        pid=server.pid,
        port=server.port,
        uptime_s=uptime_s,
        owner=server.owner,
        simulated=context.simulated,
        replayed=context.replayed,
        problems=(*note, *problems),
        end_of_service=server.end_of_service,
    )
