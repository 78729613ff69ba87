"""The server table's view: every server of this host as it was listed and sampled last."""

from backends.domain.server import Owner, Server
from backends.domain.session import SERVERS, Session
from backends.domain.start import PHASE_TITLES
from backends.domain.vram_owners import held_by
from backends.operations.billing import Charge, charges_of
from backends.operations.context import Context
from backends.operations.rental import tariff_of
from backends.operations.scenario import watched_profile
from widgets.server_table import ServerRow, ServersView

NO_SERVER = "no vLLM runs on this host, and no profile is configured"


def servers_view(session: Session, context: Context, servers: tuple[Server, ...]) -> ServersView:
    """Return all servers; `servers` are those that can be watched, configured ones among them."""
    reason = NO_SERVER if session.servers_seen else "looking for servers"
    profile = watched_profile(session, context.settings)
    charges = charges_of(session, tariff_of(context.settings, profile))
    charged = {each.server: each for each in charges if each.server is not None}
    return ServersView(
        tuple(_row(session, context, one, charged.get(one.name)) for one in servers),
        session.failed_sources.get(SERVERS, reason),
    )


def _row(session: Session, context: Context, server: Server, charge: Charge | None) -> ServerRow:
    held = held_by(server.name, session.gpus)
    plan = context.plans.get(server.name)
    runtime = server.runtime
    restarts = "" if runtime.restarts is None else str(runtime.restarts)
    runs = server.pid is not None and server.started_at is not None
    return ServerRow(
        name=server.name,
        runtime=runtime.label,
        state=server.state,
        phase=PHASE_TITLES[server.phase] if server.phase else "",
        model=server.model or "",
        address=(server.base_url or "").removeprefix("http://").removesuffix("/v1"),
        gpus=held.gpus,
        used_bytes=held.used_bytes,
        age_s=session.now.wall_s - server.started_at if runs and server.started_at else None,
        restarts=f"{restarts} {runtime.policy}".strip(),
        share=None if charge is None else charge.share,
        usd=None if charge is None else charge.spent.usd,
        verdict="" if plan is None or plan.kind is None else plan.kind.value.replace("_", " "),
        owner=_owner(server),
    )


def _owner(server: Server) -> str:
    if server.owner is not Owner.MANAGED:
        return "external"
    return f"managed, started by {server.started_by}" if server.started_by else "managed"
