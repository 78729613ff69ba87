"""The life of one server, folded from what its keeper journalled."""

from dataclasses import dataclass, replace
from typing import assert_never

from backends.domain.address import base_url
from backends.domain.facts import (
    BecameReady,
    ContainerStarted,
    DownloadSeen,
    Exited,
    FailureSeen,
    FirstTokenSeen,
    FirstTokenUnavailable,
    HealthChanged,
    KvCacheSized,
    MemoryReported,
    PhaseBegan,
    PhaseProgressed,
    PhaseReported,
    RecordingChanged,
    RequestErrorsCounted,
    ServerFact,
    SleepChanged,
    Spawned,
    StartIdentified,
    StartWaits,
    StopOrdered,
    Stopped,
    StopProgressed,
    SurvivorsFound,
)
from backends.domain.server import SERVING, Owner, Server, ServerState
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, PhaseName
from backends.domain.startup.fold import apply, running_phase
from backends.domain.startup.state import StartState, begin

UNORDERED = "it ended with exit code 0, as after a SIGTERM or SIGINT that inferctl did not send"


@dataclass(frozen=True, slots=True)
class Life:
    """Everything the journal of one server tells.

    Attributes:
        spawned_at: the launch; None before the first fact.
        note: the newest sentence about a stop, its health or its first-token probe.
        no_log: why its output cannot be read; empty where it can.
        stopped_by: who ordered its end; empty where nobody did through inferctl.
        ended_at: when its first process ended; None while it runs.
    """

    server: Server
    spawned_at: Stamp | None = None
    start: StartState | None = None
    argv: tuple[str, ...] = ()
    note: str = ""
    no_log: str = ""
    stopped_by: str = ""
    ended_at: Stamp | None = None


def not_started(name: str, model: str | None = None) -> Life:
    """Return the life of a server that was never started."""
    return Life(Server(name, Owner.MANAGED, ServerState.STOPPED, model=model))


def failure_of(life: Life) -> Failure | None:
    """Return why the server or its start failed, None where neither did."""
    return life.server.failure or (life.start.failure if life.start else None)


def life_after(life: Life, fact: ServerFact) -> Life:  # noqa: PLR0911, PLR0912
    """Return the life after one fact."""
    if isinstance(fact, Spawned):
        return _spawned(fact)
    start = apply(life.start, fact) if life.start is not None else None
    life = replace(_without_wait(life, start), start=start)
    match fact:
        case StartWaits() if life.server.state is ServerState.STARTING:
            return replace(_server(life, note=fact.reason), note=fact.reason)
        case PhaseBegan() | DownloadSeen() if life.server.state is ServerState.STARTING:
            return life if start is None else _server(life, phase=running_phase(start))
        case BecameReady():
            since_s = _since(life, fact.at) if fact.seen else None
            ready = _server(life, phase=None, ready_s=since_s)
            return ready if _is_ending(life) else _server(ready, state=ServerState.READY)
        case ContainerStarted():
            return _server(life, pid=fact.process.pid)
        case FirstTokenSeen():
            return _server(life, first_token_s=_since(life, fact.at))
        case FirstTokenUnavailable():
            return replace(life, note=f"no first token: {fact.reason}")
        case FailureSeen():
            return _server(life, failure=life.server.failure or fact.failure)
        case HealthChanged():
            return _health_changed(life, fact)
        case SleepChanged():
            return _sleep_changed(life, fact)
        case RequestErrorsCounted():
            return _server(life, request_errors=fact.errors)
        case StopOrdered():
            return replace(
                _server(life, state=ServerState.STOPPING, phase=None, note=_ordered(fact)),
                note=_ordered(fact),
                stopped_by=fact.by,
            )
        case StopProgressed():
            return replace(life, note=fact.step)
        case Exited():
            return _exited(life, fact)
        case RecordingChanged():
            return _server(life, unrecorded=fact.refused)
        case SurvivorsFound():
            return _server(life, survivors=fact.survivors)
        case Stopped():
            return _stopped(life)
        case PhaseBegan() | DownloadSeen() | PhaseReported() | PhaseProgressed() | StartWaits():
            return life
        case StartIdentified() | MemoryReported() | KvCacheSized():
            return life
        case _:
            assert_never(fact)


def _without_wait(life: Life, start: StartState | None) -> Life:
    """Return the life without a wait that was announced and is over."""
    waited = life.start.waiting if life.start else ""
    if not waited or (start is not None and start.waiting):
        return life
    # What was said since, such as that a stop was ordered, stays.
    kept = life if life.server.note != waited else _server(life, note="")
    return replace(kept, note="" if life.note == waited else life.note)


def _ordered(fact: StopOrdered) -> str:
    return f"stop ordered by {fact.by}"


def _spawned(fact: Spawned) -> Life:
    server = Server(
        name=fact.server,
        owner=fact.owner,
        state=ServerState.STARTING,
        phase=PhaseName.LAUNCH,
        pid=fact.process.pid or None,
        port=fact.port,
        base_url=base_url(fact.host, fact.port),
        model=fact.model,
        started_at=fact.at.wall_s,
        runtime=fact.runtime,
        started_by=fact.by,
    )
    start = begin(fact.start_id, fact.at)
    return Life(server, spawned_at=fact.at, start=start, argv=fact.argv, no_log=fact.no_log)


def _is_ending(life: Life) -> bool:
    """Return whether its end is ordered or has come, which no late word of a probe undoes."""
    return life.server.state in {ServerState.STOPPING, ServerState.STOPPED, ServerState.FAILED}


def _health_changed(life: Life, fact: HealthChanged) -> Life:
    """A server that was never ready is still starting; the reason says what it waits for."""
    if _is_ending(life):
        return life
    if life.server.state is ServerState.STARTING:
        return replace(life, note=fact.reason)
    if life.server.state is ServerState.SLEEPING and fact.healthy:
        return life  # /health answers 200 while it sleeps
    state = ServerState.READY if fact.healthy else ServerState.UNHEALTHY
    return replace(_server(life, state=state, note=fact.reason), note=fact.reason)


def _sleep_changed(life: Life, fact: SleepChanged) -> Life:
    before = life.server.state
    if before not in SERVING or (not fact.level and before is not ServerState.SLEEPING):
        return life
    state = ServerState.SLEEPING if fact.level else ServerState.READY
    note = asleep_note(fact.level) if fact.level else ""
    return replace(_server(life, state=state, note=note), note=note)


def asleep_note(level: int) -> str:
    """Return what it means that a server sleeps."""
    return f"asleep at level {level}: requests wait until it wakes, and its GPU is still billed"


def _exited(life: Life, fact: Exited) -> Life:
    """The first process has ended; what it left is being ended, until `Stopped` says so."""
    note = life.server.note
    if life.server.state is not ServerState.STOPPING:
        note = UNORDERED if fact.exit.code == 0 else ""
    served_s = None
    if life.start is not None and life.start.ready_s is not None:
        served_s = fact.at.mono_s - life.start.ready_s
    ending = ServerState.STOPPING
    life = replace(life, ended_at=fact.at)
    return _server(life, state=ending, exit=fact.exit, phase=None, note=note, served_s=served_s)


def _stopped(life: Life) -> Life:
    state = ServerState.FAILED if life.server.failure else ServerState.STOPPED
    return _server(life, state=state, pid=None, phase=None, survivors=())


def _server(life: Life, **changes: object) -> Life:
    return replace(life, server=replace(life.server, **changes))  # type: ignore[arg-type]


def _since(life: Life, at: Stamp) -> float | None:
    return None if life.spawned_at is None else at.mono_s - life.spawned_at.mono_s
