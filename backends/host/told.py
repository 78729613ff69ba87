"""What a journal tells of its server: the facts folded into one `Server`."""

from collections.abc import Iterable
from dataclasses import replace

from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    HealthChanged,
    PhaseBegan,
    ServerFact,
    Spawned,
    StopOrdered,
    Stopped,
    SurvivorsFound,
)
from backends.domain.server import Owner, Server, ServerState
from backends.domain.start import PhaseName
from backends.host.ports import reachable_host


def server_told(name: str, facts: Iterable[ServerFact]) -> Server:
    """Return the server as its journal leaves it, alive or not; without facts it is stopped."""
    server = Server(name, Owner.INFERCTL, ServerState.STOPPED)
    began_s = 0.0
    for fact in facts:
        if isinstance(fact, Spawned):
            began_s = fact.at.mono_s
        server = _after(server, fact, began_s)
    return server


def _after(server: Server, fact: ServerFact, began_s: float) -> Server:  # noqa: PLR0911
    match fact:
        case Spawned():
            return _launched(server, fact)
        case PhaseBegan(phase=phase) if server.state is ServerState.STARTING:
            return replace(server, phase=phase)
        case BecameReady(at=at):
            return replace(server, state=ServerState.READY, phase=None, ready_s=at.mono_s - began_s)
        case FirstTokenSeen(at=at):
            return replace(server, first_token_s=at.mono_s - began_s)
        case HealthChanged(healthy=healthy):
            state = ServerState.READY if healthy else ServerState.UNHEALTHY
            return replace(server, state=state)
        case FailureSeen(failure=failure):
            return replace(server, failure=server.failure or failure)
        case StopOrdered() | Exited():
            ended = fact.exit if isinstance(fact, Exited) else server.exit
            return replace(server, state=ServerState.STOPPING, phase=None, exit=ended)
        case SurvivorsFound(survivors=survivors):
            return replace(server, survivors=survivors)
        case Stopped():
            state = ServerState.FAILED if server.failure else ServerState.STOPPED
            return replace(server, state=state, phase=None, pid=None, survivors=())
        case _:
            return server


def _launched(server: Server, fact: Spawned) -> Server:
    return replace(
        server,
        state=ServerState.STARTING,
        pid=fact.process.pid,
        port=fact.port,
        base_url=f"http://{_bracketed(reachable_host(fact.host))}:{fact.port}/v1",
        model=fact.model,
        phase=PhaseName.LAUNCH,
        started_at=fact.at.wall_s,
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
