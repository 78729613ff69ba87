"""How a keeper comes by its server: it starts one, or takes over one whose keeper was killed."""

import contextlib
import errno
import fcntl
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from backends.containers.ending import Ended
from backends.containers.engine import Engine, EngineUnavailable
from backends.domain.facts import BecameReady, ContainerStarted, ServerFact, Spawned, Stopped
from backends.domain.redaction import without_secrets
from backends.domain.server import PLAIN_PROCESS, Owner, ProcessId, Runtime, RuntimeKind
from backends.domain.stamp import Stamp
from backends.host import processes
from backends.host.boot import boot_id
from backends.host.files import PRIVATE_FILE
from backends.host.processes import Process
from backends.keeper.clock import now
from backends.keeper.container import ContainerTree, find, remove_earlier
from backends.keeper.folder import (
    ServerFolder,
    keeper_id,
    leave_mark,
    left_behind,
    link_journal,
    prepare,
    read_journal,
)
from backends.keeper.inside import start_inside
from backends.keeper.journal import Journal
from backends.keeper.observer import WatchedTree
from backends.keeper.order import (
    AlreadyKept,
    ContainerOrder,
    External,
    KeeperError,
    LaunchFailed,
    LaunchOrder,
    LogSource,
    NotRunning,
    keys_of,
    load_order,
    marker_value,
    save_order,
    unwritable,
)
from backends.keeper.output import EARLY_S, FollowedOutput
from backends.keeper.spawn import become_subreaper, open_pipe, spawn
from backends.keeper.tree import AdoptedTree, KeptTree, Tree
from backends.keeper.watch import Watch, watch, watch_ready

LEAVING_S = 5.0
"""How long a keeper may take to leave once its server has stopped."""


@dataclass(frozen=True, slots=True)
class KeptServer:
    """A server that this process keeps from now on.

    Attributes:
        pipe: the reading end of its output.
        is_new: it was started just now.
    """

    order: LaunchOrder
    tree: Tree
    journal: Journal
    pipe: int
    watching: Callable[[Watch], None]
    is_new: bool


def start(folder: ServerFolder, order: LaunchOrder, on_growth: Callable[[], None]) -> KeptServer:
    """Start the server.

    Raises:
        AlreadyKept: a keeper or processes of an earlier start are there.
        LaunchFailed: its program cannot be executed, or the journal cannot be begun.
        OSError: the folder takes no files.
    """
    prepare(folder)
    _lock(folder)
    _refuse_beside_survivors(folder)
    become_subreaper()
    pipe = open_pipe(folder)
    begun = now()
    first = spawn(folder, order)
    os.set_blocking(pipe, True)
    tree = KeptTree(first)
    try:
        journal = _begin_journal(folder, order, begun, first, on_growth)
    except OSError as error:
        take_back(tree)
        raise LaunchFailed(unwritable(folder.path, error)) from error
    return KeptServer(order, tree, journal, pipe, watch, is_new=True)


def _begin_journal(
    folder: ServerFolder,
    order: LaunchOrder,
    begun: Stamp,
    first: ProcessId,
    on_growth: Callable[[], None],
) -> Journal:
    """Write down what is needed to find, follow and stop this server later.

    Raises:
        OSError: some of it could not be written.
    """
    save_order(folder.order, order)
    keys = keys_of(order)
    journal = Journal(link_journal(folder, order.start_id), on_growth, keys=keys)
    journal.record(
        Spawned(
            begun,
            order.start_id,
            order.server,
            order.model,
            tuple(without_secrets(order.argv)),
            first,
            processes.identity(os.getpid()),
            order.host,
            order.port,
            boot_id(),
            Owner.MANAGED if order.external is None else Owner.EXTERNAL,
            _runtime(order),
            order.external.log.reason if order.external else "",
            by=order.by,
        )
    )
    if journal.waits:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return journal


def watch_external(
    folder: ServerFolder, order: LaunchOrder, external: External, on_growth: Callable[[], None]
) -> tuple[KeptServer, FollowedOutput]:
    """Watch a server that something else started; return it, and its output.

    Raises:
        AlreadyKept: a keeper watches it, or keeps a server of that name.
        NotRunning: it has ended.
        OSError: the folder takes no files.
    """
    prepare(folder)
    _lock(folder)
    if not processes.is_alive(external.process):
        raise NotRunning(f"{order.server} has ended; inferctl status lists what runs")
    at, age_s = now(), processes.age_s(external.process)
    begun = Stamp(at.mono_s - age_s, at.wall_s - age_s)
    (folder.starts / f"{order.start_id}.jsonl").unlink(missing_ok=True)  # it is all told again
    tree = WatchedTree(external)
    journal = _begin_journal(folder, order, begun, external.process, on_growth)
    output = FollowedOutput(external.log, begun.wall_s, lambda: tree.exit() is not None)
    tree.log_lost = output.lost_lately
    key = processes.environment_value(external.process.pid, "VLLM_API_KEY")
    order = replace(order, environment={"VLLM_API_KEY": key} if key else {})
    processes.announce_end(external.process, on_growth)
    kept = KeptServer(order, tree, journal, output.begin(), watch, is_new=False)
    return kept, output


def launch_container(
    folder: ServerFolder, order: LaunchOrder, ordered: ContainerOrder, on_growth: Callable[[], None]
) -> tuple[KeptServer, FollowedOutput]:
    """Prepare the start of a server in a container of its own; return it, and its output.

    Raises:
        AlreadyKept: a keeper or a container of an earlier start is there.
        LaunchFailed: its engine cannot be asked, or the journal cannot be begun.
        OSError: the folder takes no files.
    """
    prepare(folder)
    _lock(folder)
    _refuse_beside_survivors(folder)
    engine = Engine(ordered.engine, ordered.socket)
    try:
        remove_earlier(engine, ordered)
    except EngineUnavailable as error:
        raise LaunchFailed(str(error)) from error
    tree, begun = ContainerTree(engine), now()
    journal = _begin_journal(folder, order, begun, tree.first, on_growth)
    source = LogSource("engine", "", ordered.engine, ordered.socket)
    output = FollowedOutput(source, begun.wall_s, lambda: tree.exit() is not None)
    tree.log_lost = output.lost_lately
    return KeptServer(order, tree, journal, output.receiver, watch, is_new=True), output


def launch_inside(
    folder: ServerFolder, order: LaunchOrder, ordered: ContainerOrder, on_growth: Callable[[], None]
) -> tuple[KeptServer, FollowedOutput]:
    """Start a server in a container that runs; return it, and its output.

    Raises:
        AlreadyKept: a keeper or processes of an earlier start are there.
        LaunchFailed: the container does not run, or the journal cannot be begun.
        OSError: the folder takes no files.
    """
    prepare(folder)
    _lock(folder)
    _refuse_beside_survivors(folder)
    begun = now()
    tree = start_inside(order, ordered)
    journal = _begin_journal(folder, order, begun, tree.first, on_growth)
    processes.announce_end(tree.first, on_growth)
    output = _file_of(tree, begun.wall_s)
    return KeptServer(order, tree, journal, output.begin(), watch, is_new=True), output


def adopt_inside(
    folder: ServerFolder, on_growth: Callable[[], None]
) -> tuple[KeptServer, FollowedOutput]:
    """Take over a server in a container that a keeper left behind.

    Raises:
        AlreadyKept: its keeper lives.
        NotRunning: nothing of it is left.
    """
    kept = adopt(folder, on_growth)
    os.close(kept.pipe)
    output = _file_of(kept.tree, time.time())
    return replace(kept, pipe=output.begin()), output


def _file_of(tree: Tree, since_wall_s: float) -> FollowedOutput:
    source = LogSource("file", f"/proc/{tree.first.pid}/fd/1")
    return FollowedOutput(source, since_wall_s, lambda: tree.exit() is not None)


def adopt_container(
    folder: ServerFolder, order: LaunchOrder, ordered: ContainerOrder, on_growth: Callable[[], None]
) -> tuple[KeptServer, FollowedOutput]:
    """Take over the container of a keeper that was killed; its engine knows what became of it.

    Raises:
        AlreadyKept: its keeper lives.
        NotRunning: the container was removed, or was never made.
        LaunchFailed: its engine cannot be asked.
    """
    with contextlib.suppress(_NoMark):
        _lock(folder)
    facts = read_journal(folder.journal)
    engine = Engine(ordered.engine, ordered.socket)
    try:
        found = find(engine, order)
    except EngineUnavailable as error:
        raise LaunchFailed(str(error)) from error
    if found is None or (facts and isinstance(facts[-1], Stopped)):
        raise NotRunning(f"{order.server} does not run")
    written_s = folder.log.stat().st_mtime if folder.log.exists() else found.started_wall_s
    was_ready = any(isinstance(fact, BecameReady) for fact in facts)
    journal = Journal(folder.journal.resolve(), on_growth, was_ready=was_ready)
    tree = ContainerTree(engine, found.id)
    if found.is_up:
        tree.first = processes.identity(found.pid)
        processes.announce_end(tree.first, on_growth)
        journal.record(ContainerStarted(now(), found.id, tree.first))
    else:
        tree.over = Ended(found)
    source = LogSource("engine", found.id, ordered.engine, ordered.socket)
    output = FollowedOutput(source, written_s + EARLY_S, lambda: tree.exit() is not None)
    tree.log_lost = output.lost_lately
    watching = watch_ready if was_ready else watch
    return KeptServer(order, tree, journal, output.begin(), watching, is_new=False), output


def _runtime(order: LaunchOrder) -> Runtime:
    if order.external is not None:
        return order.external.runtime
    if order.container is not None:
        kind = order.container.engine if order.container.image else RuntimeKind.EXEC
        return Runtime(kind, order.container.name)
    return PLAIN_PROCESS


def take_back(tree: Tree) -> None:
    """End a server that nobody would keep or could find later."""
    while not tree.is_gone():
        for one in tree.members():
            processes.send(one.id, signal.SIGKILL, tree.may_end)
        time.sleep(0.01)


def adopt(folder: ServerFolder, on_growth: Callable[[], None]) -> KeptServer:
    """Take over the server that a keeper left behind.

    Raises:
        AlreadyKept: its keeper lives.
        NotRunning: nothing of it is left.
    """
    order = load_order(folder.order)
    with contextlib.suppress(_NoMark):  # the process table tells who keeps; what lives has to end
        _lock(folder)
    facts = read_journal(folder.journal)
    left = left_behind(facts)
    if not left:
        raise NotRunning(f"{order.server} does not run")
    become_subreaper()
    first = spawned(facts).process
    pipe = open_pipe(folder)
    os.set_blocking(pipe, True)
    order = replace(order, environment=_key_of(left))
    was_ready = any(isinstance(fact, BecameReady) for fact in facts)
    journal = Journal(folder.journal.resolve(), on_growth, keys=keys_of(order), was_ready=was_ready)
    tree = AdoptedTree(first, marker_value(order))
    processes.announce_end(first, on_growth)
    return KeptServer(order, tree, journal, pipe, watch_ready if was_ready else watch, is_new=False)


def spawned(facts: list[ServerFact]) -> Spawned:
    """Return how the start of this journal began.

    Raises:
        KeeperError: the journal does not say.
    """
    for fact in facts:
        if isinstance(fact, Spawned):
            return fact
    raise KeeperError("the journal of the last start does not tell which process was started")


def _lock(folder: ServerFolder) -> None:
    """Become this folder's only keeper, for as long as this process lives."""
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    deadline = time.monotonic() + LEAVING_S
    while not _is_locked(descriptor):
        # The keeper of a server that has stopped is about to leave: a restart comes right then.
        if not _is_over(folder) or time.monotonic() > deadline:
            os.close(descriptor)
            raise AlreadyKept(_who_keeps(folder))
        time.sleep(0.02)
    try:
        leave_mark(folder)
    except OSError as error:
        raise _NoMark(error.errno, error.strerror) from error


class _NoMark(OSError):
    """This process keeps the folder, and the disk does not take down that it does."""


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_over(folder: ServerFolder) -> bool:
    facts = read_journal(folder.journal)
    return bool(facts) and isinstance(facts[-1], Stopped)


def _who_keeps(folder: ServerFolder) -> str:
    keeper = keeper_id(folder)
    who = f"process {keeper.pid}" if keeper else "another process, started just now"
    return f"{folder.path.name} is already kept, by {who}; stop it first"


def _refuse_beside_survivors(folder: ServerFolder) -> None:
    left = left_behind(read_journal(folder.journal))
    if left:
        names = ", ".join(f"{processes.display_name(one)} {one.id.pid}" for one in left)
        raise AlreadyKept(
            f"{folder.path.name} has processes of an earlier start, whose keeper was killed: "
            f"{names}; stop or adopt it first"
        )


def _key_of(left: list[Process]) -> Mapping[str, str]:
    """Return the API key that the server began with; it is written down nowhere else."""
    for process in left:
        key = processes.environment_value(process.id.pid, "VLLM_API_KEY")
        if key:
            return {"VLLM_API_KEY": key}
    return {}
