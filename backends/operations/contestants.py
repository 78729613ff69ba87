"""Who can stand in an A/B now, without all that it takes to run one."""

from backends.domain.ab.run import LaneName
from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session
from backends.settings.config import Settings

LANES: tuple[LaneName, ...] = ("a", "b", "c", "d")

LEAST_LANES = 2


def contestants(session: Session, settings: Settings) -> tuple[str, ...]:
    """Return the endpoints that a key press sends the prompt to: the watched server first."""
    server = session.life.server if session.life else None
    ready = (_reference(server),) if server and _answers(server) else ()
    return (*ready, *(endpoint.name for endpoint in settings.endpoints))[: len(LANES)]


def why_no_race(session: Session, settings: Settings) -> str:
    """Return what is missing for an A/B, empty where nothing is."""
    if len(contestants(session, settings)) >= LEAST_LANES:
        return ""
    return "it needs two, a ready server and an [endpoint.NAME], or two endpoints"


def _answers(server: Server) -> bool:
    if server.owner is Owner.FOREIGN:
        return server.state is ServerState.FOREIGN and None not in (server.base_url, server.model)
    return server.state is ServerState.READY


def _reference(server: Server) -> str:
    """Return the profile of a server, or the address of one that somebody else runs."""
    return f"{server.base_url}#{server.model}" if server.owner is Owner.FOREIGN else server.name
