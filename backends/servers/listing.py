"""Every vLLM server on this host: ours, what is left of ours, and those of others."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, reduce
from pathlib import Path

from backends.domain.address import reachable_host
from backends.domain.facts import ContainerStarted, ServerFact, Spawned, StopOrdered, Stopped
from backends.domain.lifecycle import life_after, not_started
from backends.domain.server import Owner, ProcessId, Server, ServerState
from backends.domain.start import Failure, FailureKind
from backends.host import ports, processes
from backends.host.boot import boot_id, boot_wall_s
from backends.host.container import user_of
from backends.host.home import is_simulated
from backends.host.process_table import TABLE
from backends.host.processes import Process, ProcessList
from backends.host.survivors import survivor
from backends.http1 import Address
from backends.keeper.folder import (
    ServerFolder,
    Unreadable,
    left_behind,
    living_keeper,
    read_journal,
    server_folders,
)
from backends.keeper.probe import health, sleep_level
from backends.servers.external import external_servers


def server_in(name: str, facts: Iterable[ServerFact]) -> Server:
    """Return the server as its journal leaves it, alive or not; without facts it is stopped."""
    return reduce(life_after, facts, not_started(name)).server


REBOOTED = Failure(
    FailureKind.KILLED,
    None,
    "",
    "The host was restarted while the server ran.",
    "Start it again; `last -x reboot` tells when.",
)

VANISHED = Failure(
    FailureKind.KILLED,
    None,
    "",
    "The server and its keeper were both ended without a record, and the host was not restarted.",
    "Start it again; whatever ends all processes of a user or a container did it.",
)

UNSEEN = Failure(
    FailureKind.UNKNOWN,
    None,
    "",
    "The server ended while its keeper was suspended, so that nothing saw how.",
    "Let the keeper go on, which then reads the end of the log.",
)

DAMAGED = "the journal of its last start is damaged; what lives of it is listed as of others"


def list_servers(state_folder: Path | None) -> tuple[Server, ...]:
    """Return all servers of this host, ours first, in the order of their names.

    Asks servers of others for their health and their model's name, at most two seconds each;
    reads no file but ours and ``/proc``. A simulated host has its own alone: what really runs here
    is on no simulated bill.

    Args:
        state_folder: the folder that holds ``servers``, None where inferctl started nothing.
    """
    running = TABLE.running()
    ours: list[Server] = []
    pids: set[int] = set()
    for folder in filter(_was_started, server_folders(state_folder) if state_folder else ()):
        try:
            server, members = _our_server(folder, running)
        except Unreadable as problem:
            server, members = _unread(folder, problem), []
        ours.append(server)
        pids |= {one.id.pid for one in members}
    shown = [one for one in ours if one.owner is Owner.MANAGED or one.keeper_pid is not None]
    names = frozenset(one.name for one in shown)
    simulated = is_simulated(state_folder)
    others = [] if simulated else external_servers(running, frozenset(pids), names)
    names |= {one.name for one in others}
    failed = [one for one in ours if one.state is ServerState.FAILED and one.name not in names]
    return (*shown, *others, *failed)


def our_server(folder: Path) -> Server:
    """Return the server of one folder of ours, as it stands now."""
    return _our_server(ServerFolder(folder), TABLE.running())[0]


def server_pids(state_folder: Path | None, within_s: float = 0.0) -> dict[str, frozenset[int]]:
    """Return the living processes of each server that inferctl started, by its name.

    Those of a server whose journal cannot be read are not known; `list_servers` says so.

    Args:
        state_folder: the folder that holds ``servers``, None where inferctl started nothing.
        within_s: how long ago the processes of the host may have been listed.
    """
    folders = server_folders(state_folder) if state_folder else []
    running = TABLE.running(within_s) if folders else ProcessList()
    found = {}
    for folder in folders:
        with contextlib.suppress(Unreadable):
            if members := left_behind(_journaled(folder)[0], running):
                found[folder.path.name] = frozenset(one.id.pid for one in members)
    return found


def _was_started(folder: ServerFolder) -> bool:
    """Tell whether a start was journaled here, even where its journal cannot be read."""
    try:
        folder.journal.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _unread(folder: ServerFolder, problem: Unreadable) -> Server:
    """Return a server of which nothing can be said but why."""
    unread = Failure(FailureKind.UNKNOWN, None, "", str(problem), "Make it readable to this user.")
    server = not_started(folder.path.name).server
    return replace(server, state=ServerState.FAILED, failure=unread, note=str(problem))


def _journaled(folder: ServerFolder) -> tuple[list[ServerFact], Server]:
    """Return the facts of a server's journal, and the server as they leave it."""
    try:
        found = folder.journal.stat()
    except OSError:  # absent, or what reading it says
        facts = read_journal(folder.journal)
        return facts, server_in(folder.path.name, facts)
    return _folded(folder, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _folded(folder: ServerFolder, *_written: int) -> tuple[list[ServerFact], Server]:
    """Fold a journal once for as long as nothing is added; a list of servers is made for ever."""
    facts = read_journal(folder.journal)
    return facts, server_in(folder.path.name, facts)


def _our_server(folder: ServerFolder, running: ProcessList) -> tuple[Server, list[Process]]:
    facts, told = _journaled(folder)
    over = bool(facts) and isinstance(facts[-1], Stopped)
    keeper = None if over else living_keeper(folder)
    suspended = keeper is not None and _is_suspended(keeper)
    if keeper is not None and told.owner is Owner.MANAGED and not suspended:
        kept = processes.descendants(keeper.pid, running)
        adopted = told.pid is not None and told.pid not in [one.id.pid for one in kept]
        members = left_behind(facts, running) if adopted else kept
        return replace(told, keeper_pid=keeper.pid), members
    if told.owner is Owner.EXTERNAL:
        return _watched(told, None if suspended else keeper, running)
    if over or not facts:
        return told, []
    begun = next((fact for fact in facts if isinstance(fact, Spawned)), None)
    if begun is None:
        return replace(not_started(folder.path.name).server, note=DAMAGED), []
    members = left_behind(facts, running)
    server = _without_keeper(told, begun, facts, members)
    if keeper is not None:
        note = f"its keeper is suspended and looks at nothing; run: kill -CONT {keeper.pid}"
        failure = UNSEEN if server.failure is VANISHED else server.failure
        server = replace(server, keeper_pid=keeper.pid, note=note, failure=failure)
    return server, members


def _is_suspended(keeper: ProcessId) -> bool:
    """Tell whether somebody stopped a keeper, so that its journal says nothing of now."""
    found = processes.read(keeper.pid)
    return found is not None and found.state in processes.SUSPENDED_STATES


def _watched(
    told: Server, keeper: ProcessId | None, running: ProcessList
) -> tuple[Server, list[Process]]:
    """Return a server that a keeper only watches, or watched until it failed."""
    if keeper is None or told.pid is None:
        return told, []
    first = [one for one in running if one.id.pid == told.pid]
    members = [*first, *processes.descendants(told.pid, running)]
    note = told.note or f"of {user_of(told.pid)}"
    return replace(told, keeper_pid=keeper.pid, note=note), members


def _without_keeper(
    told: Server, begun: Spawned, facts: list[ServerFact], members: list[Process]
) -> Server:
    """Return a server whose keeper was killed, as its processes show it now."""
    if not members:
        return _ended_unseen(told, begun, facts)
    if told.pid not in [one.id.pid for one in members]:
        left = tuple(survivor(one) for one in members)
        return replace(told, state=ServerState.FAILED, pid=None, phase=None, survivors=left)
    address = Address(reachable_host(begun.host), begun.port)
    inside = any(isinstance(fact, ContainerStarted) for fact in facts)
    if inside and ports.listen_on(begun.port, members):
        return replace(told, state=_asked(address, told))
    return replace(told, state=_state_now(address, members, told))


def _ended_unseen(told: Server, begun: Spawned, facts: list[ServerFact]) -> Server:
    """Return a server that nothing lives of, and whose keeper did not live to see that."""
    ended = replace(told, pid=None, phase=None, survivors=())
    if any(isinstance(fact, StopOrdered) for fact in facts):
        note = f"{told.note}; its keeper was killed before the end"
        return replace(ended, state=ServerState.STOPPED, note=note)
    failure = told.failure or (REBOOTED if _was_rebooted(begun, facts) else VANISHED)
    return replace(ended, state=ServerState.FAILED, failure=failure)


def _was_rebooted(begun: Spawned, facts: list[ServerFact]) -> bool:
    """Tell whether the host was booted since; by the clock alone where the journal has no boot."""
    if begun.boot:
        return begun.boot != boot_id()
    return boot_wall_s() > facts[-1].at.wall_s


def _state_now(address: Address, members: list[Process], told: Server) -> ServerState:
    if ports.owns(address.host, address.port, members):
        return _asked(address, told)
    return ServerState.STARTING if told.ready_s is None else ServerState.UNHEALTHY


def _asked(address: Address, told: Server) -> ServerState:
    if health(address):
        return ServerState.UNHEALTHY
    # /health answers 200 while it sleeps, and only what was put to sleep is asked further.
    asleep = told.state is ServerState.SLEEPING and sleep_level(address)
    return ServerState.SLEEPING if asleep else ServerState.READY
