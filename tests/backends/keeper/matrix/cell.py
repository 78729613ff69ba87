"""One signal to one process in one state, and what became of the server."""

import asyncio
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from backends.domain.facts import StopOrdered, Stopped
from backends.domain.server import Server, ServerState
from backends.host import processes
from backends.http1 import Address
from backends.keeper import client
from backends.keeper.probe import health
from backends.servers.listing import list_servers
from backends.simulated.gpus import SimulatedGpus
from console.cli.status import remarks
from tests.backends.keeper.conftest import eventually
from tests.backends.keeper.matrix.census import Census
from tests.backends.keeper.matrix.consoles import inferctl
from tests.backends.keeper.matrix.held import STATES, State
from tests.backends.keeper.matrix.scene import NAME, VICTIMS, Scene, Victim, scene

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
LIMIT_S = 30.0
QUIET_S = 12.0
"""At vLLM's own speed: longer than it was ever seen to take from a signal to the end it causes."""


@dataclass(frozen=True)
class Cell:
    """What is sent to whom, and when."""

    number: signal.Signals
    victim: Victim
    state: State

    def __str__(self) -> str:
        return f"{self.number.name}-{self.victim}-{self.state}"


@dataclass(frozen=True)
class Outcome:
    """What became of the server of a cell.

    Attributes:
        end: ``gone``, ``kept``, or how an orphan came to its end.
        left: names of processes that nobody keeps, which must be none.
        seconds: from the signal to the end, or to the quiet that shows that it goes on.
        status: what ``inferctl status`` said then.
        wrong: what must not be, empty where all is well.
    """

    cell: Cell
    end: str
    left: tuple[str, ...]
    seconds: float
    status: str
    wrong: str = ""


ALL_CELLS = tuple(
    Cell(number, victim, state) for number in SIGNALS for victim in VICTIMS for state in STATES
)


async def play(cell: Cell, home: Path, *, speed: float, census: Census) -> Outcome:
    """Play one cell."""
    async with scene(home, cell.state, cell.victim, speed=speed, census=census) as at:
        struck_s = time.monotonic()
        at.strike(cell.number)
        end = await _settle(at, struck_s)
        if end == "orphaned":
            return await _next_inferctl(cell, at, struck_s)
        outcome = await _told(cell, at, end, struck_s)
        if end == "kept" and not outcome.wrong:
            return await _stop_afterwards(outcome, at)
        return outcome


async def _settle(at: Scene, struck_s: float) -> str:
    quiet_s = QUIET_S / at.speed
    kept_since: float | None = None
    while time.monotonic() - struck_s < LIMIT_S:
        await asyncio.sleep(0.1)
        if _is_gone(at):
            return "gone"
        if _is_orphaned(at) and _is_quiet(struck_s, 1.0):
            return "orphaned"
        alive = at.keeper_lives() and _first_lives(at)
        kept_since = (kept_since or time.monotonic()) if alive else None
        if kept_since is not None and _is_quiet(kept_since, quiet_s) and not _is_ending(at):
            return "kept"
    return "unsettled"


def _is_quiet(since_s: float, seconds: float) -> bool:
    return time.monotonic() - since_s > seconds


def _is_ending(at: Scene) -> bool:
    return any(isinstance(fact, StopOrdered) for fact in at.facts())


def _first_lives(at: Scene) -> bool:
    return processes.is_alive(at.spawned().process)


def _is_gone(at: Scene) -> bool:
    facts = at.facts()
    return (
        not at.members()
        and bool(facts)
        and isinstance(facts[-1], Stopped)
        and _can_be_bound(at.port)
        and _at_baseline(at)
    )


def _is_orphaned(at: Scene) -> bool:
    told = at.facts()
    over = bool(told) and isinstance(told[-1], Stopped)
    return not over and not at.keeper_lives() and bool(at.members())


def _can_be_bound(port: int) -> bool:
    """Try what vLLM does: connections that linger after their end are no hindrance to it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def _at_baseline(at: Scene) -> bool:
    sample = SimulatedGpus(at.gpu_file).sample(processes=True)
    return not any(gpu.processes for gpu in sample.gpus)


async def _told(cell: Cell, at: Scene, end: str, struck_s: float) -> Outcome:
    seconds = time.monotonic() - struck_s
    server = await asyncio.to_thread(_listed, at)
    left = _names(at) if end == "unsettled" else ()
    return Outcome(cell, end, left, seconds, _sentence(server), _wrong(at, end, server))


def _listed(at: Scene) -> Server:
    (server,) = [one for one in list_servers(at.home / "STATE" / "inferctl") if one.name == NAME]
    return server


def _wrong(at: Scene, end: str, server: Server) -> str:
    match end, server.state:
        case "gone", ServerState.STOPPED | ServerState.FAILED:
            told = server.failure or server.note
            return "" if told else "status does not say why"
        case "kept", ServerState.STARTING:
            return "" if at.state in ("importing", "loading", "compiling") else "not serving"
        case "kept", ServerState.READY:
            return health(Address("127.0.0.1", at.port))
        case _:
            return f"{end}, yet status says {server.state}"


def _sentence(server: Server) -> str:
    told = [str(server.state)]
    told += [server.note] if server.note and not server.failure else []
    return "; ".join([*told, *remarks(server)[:1]])


async def _stop_afterwards(outcome: Outcome, at: Scene) -> Outcome:
    """What is kept must end like any other when it is told to."""
    async with asyncio.timeout(LIMIT_S):
        async for _ in client.stop(at.folder, "the matrix"):
            pass
        await eventually(lambda: _is_gone(at), LIMIT_S)
    return outcome


async def _next_inferctl(cell: Cell, at: Scene, struck_s: float) -> Outcome:
    """After its keeper was killed: the next verb names what lives, and a stop ends it."""
    names = _names(at)
    _, _, said = await inferctl("history", environment=at.environment)
    server = await asyncio.to_thread(_listed, at)
    if not at.members():  # an end that the keeper had begun went on without it
        return await _told(cell, at, "gone", struck_s)
    wrong = "" if NAME in said and "keeper" in said else "the next verb says nothing of it"
    if not wrong and at.state == "ready":
        code, _, said = await inferctl("adopt", "--port", str(at.port), environment=at.environment)
        wrong = "" if code == 0 and at.keeper_lives() else f"not adopted: {said}"
    code, _, said = await inferctl("stop", NAME, environment=at.environment)
    seconds = time.monotonic() - struck_s
    at.census.look_anew()
    if code or not _is_gone(at):
        wrong = wrong or f"stop answers {code}, {said}; left: {_names(at)}"
    status = f"{_sentence(server)}; named: {', '.join(names)}"
    return Outcome(cell, "named, ended", (), seconds, status, wrong)


def _names(at: Scene) -> tuple[str, ...]:
    return tuple(sorted(processes.display_name(one) for one in at.members()))
