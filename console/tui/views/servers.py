"""The server table's view: every server of this host as it was listed and sampled last."""

from backends.domain.server import Owner, Server
from backends.domain.session import SERVERS, Session
from backends.domain.vram_owners import held_by
from widgets.phase_names import LONG_NAMES
from widgets.server_table import ServerRow, ServersView

NO_SERVER = "no vLLM runs on this host, and no profile is configured"


def servers_view(session: Session, servers: tuple[Server, ...]) -> ServersView:
    """Return all servers; `servers` are those that can be watched, configured ones among them."""
    reason = NO_SERVER if session.servers_seen else "looking for servers"
    return ServersView(
        tuple(_row(session, one) for one in servers),
        session.failed_sources.get(SERVERS, reason),
    )


def _row(session: Session, server: Server) -> ServerRow:
    held = held_by(server.name, session.gpus)
    runtime = server.runtime
    restarts = "" if runtime.restarts is None else str(runtime.restarts)
    runs = server.pid is not None and server.started_at is not None
    return ServerRow(
        name=server.name,
        runtime=runtime.label,
        state=server.state,
        phase=LONG_NAMES[server.phase] if server.phase else "",
        model=server.model or "",
        address=(server.base_url or "").removeprefix("http://").removesuffix("/v1"),
        gpus=held.gpus,
        used_bytes=held.used_bytes,
        age_s=session.now.wall_s - server.started_at if runs and server.started_at else None,
        restarts=f"{restarts} {runtime.policy}".strip(),
        owner="inferctl" if server.owner is Owner.MANAGED else "not inferctl",
    )
