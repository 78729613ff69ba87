"""The keeper's process: ``python -m backends.keeper FOLDER``, its order as JSON on stdin.

An order starts a server; ``null`` adopts the one that a keeper left behind when it was killed.
"""

import contextlib
import math
import os
import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from backends.discovery.surroundings import Surroundings, home_folder
from backends.domain.address import reachable_host
from backends.domain.facts import StartIdentified, Stopped
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.host import ports
from backends.http1 import Address
from backends.keeper.clock import now
from backends.keeper.container import ContainerKeeper, ContainerTree, cause_of_container
from backends.keeper.download import left_open, watch_download
from backends.keeper.folder import ServerFolder, Unreadable, read_journal
from backends.keeper.gpu_memory import GpuMemory, sample_in_child
from backends.keeper.holders import with_holders
from backends.keeper.keeper import Keeper, Kept, Output
from backends.keeper.log import RotatedLog
from backends.keeper.log_stamps import unstamped_because
from backends.keeper.model_cache import cache_folders
from backends.keeper.observer import Observer, WatchedTree, cause_of_external
from backends.keeper.order import (
    KeeperError,
    LaunchFailed,
    LaunchOrder,
    Report,
    api_key,
    keys_of,
    load_order,
    own_drain_s,
    port_of,
    unwritable,
)
from backends.keeper.output import FollowedOutput
from backends.keeper.service import Service, Wakeup
from backends.keeper.take import (
    KeptServer,
    adopt,
    adopt_container,
    adopt_inside,
    launch_container,
    launch_inside,
    start,
    take_back,
    watch_external,
)


def main() -> None:
    """Detach, take the server, and keep it until nothing of it is left."""
    folder = ServerFolder(Path(sys.argv[1]))
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=LaunchOrder | None)
    launcher = _detach()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    wakeup = Wakeup()
    try:
        plain = order is not None and order.external is None and order.container is None
        cwd = _working_folder() if plain else None
        taken, output = _taken(folder, order, wakeup)
    except (KeeperError, Unreadable) as error:
        _report(launcher, Report(type(error).__name__, str(error)))
        sys.exit(1)
    except OSError as error:
        _report(launcher, Report(LaunchFailed.__name__, unwritable(folder.path, error)))
        sys.exit(1)
    try:
        service = Service(folder, taken.journal, wakeup)
        memory = GpuMemory(sample_in_child)
        _tell_clock(taken)
        _see_download(folder, taken, cwd)
        if taken.is_new:  # vLLM needs seconds to its first allocation
            threading.Thread(target=memory.note_before, daemon=True).start()
        kept = _kept(folder, taken, memory)
        keeper = _keeper(kept, taken, output, wakeup)
        keeper.begin()
    except Exception as error:
        # Until here nobody was promised that it is kept: without a keeper it must not run.
        if taken.is_new:
            take_back(taken.tree)
            taken.journal.record(Stopped(now()))
        why = f"the keeper failed: {error!r}; see {folder.keeper_log}"
        _report(launcher, Report(LaunchFailed.__name__, why))
        raise
    _report(launcher, Report())
    keeper.run(service)
    service.close()


def _working_folder() -> Path:
    """Return the folder that the server would run in.

    Raises:
        LaunchFailed: it was removed; vLLM asks for it as it starts, and would fail later.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise LaunchFailed(
            "the working folder was removed, and the server would run in it; cd to another one"
        ) from error


def _detach() -> int:
    """Leave the launcher's session for good; return the descriptor on which it waits for us."""
    if os.fork():
        os._exit(0)
    os.setsid()
    launcher = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return launcher


def _report(launcher: int, report: Report) -> None:
    # A launcher that was killed hears nothing; what it started is kept all the same.
    with contextlib.suppress(BrokenPipeError), os.fdopen(launcher, "wb") as file:
        file.write(msgspec.json.encode(report))


def _tell_clock(taken: KeptServer) -> None:
    """Say in the journal when the instants are those at which the lines arrived."""
    because = unstamped_because(taken.order.argv, taken.order.environment)
    if taken.is_new and because:
        times = ("line_times", f"on arrival, as {because} configures the logging")
        taken.journal.record(StartIdentified(now(), None, None, (times,)))


def _see_download(folder: ServerFolder, taken: KeptServer, cwd: Path | None) -> None:
    """Watch what a new server fetches; of one that is taken over, say how far that was seen."""
    journal, order = taken.journal, taken.order
    if cwd is None:
        unfinished = left_open(read_journal(folder.journal))
        if unfinished:
            journal.record(unfinished)
        return
    around = Surroundings(home_folder(order.environment), cwd, order.environment)
    folders = cache_folders(order.argv, around)
    if folders:
        looking = (folders, journal.record, now, journal.start_over)
        threading.Thread(target=watch_download, args=looking, daemon=True).start()


def _kept(folder: ServerFolder, taken: KeptServer, memory: GpuMemory) -> Kept:
    order = taken.order
    return Kept(
        tree=taken.tree,
        address=Address(
            reachable_host(order.host), order.port, api_key(order.argv, order.environment)
        ),
        model=order.model,
        output=Output(
            taken.pipe,
            RotatedLog(
                folder.log,
                fresh=taken.is_new or order.external is not None,
                on_refused=taken.journal.note_refused,
            ),
            LineSplitter(),
            StartReader(),
            keys_of(order),
        ),
        watching=taken.watching,
        term_grace_s=order.term_grace_s,
        memory_released=memory.is_released,
        with_holders=lambda failure: with_holders(failure, folder.path.parents[1], order.port),
        own_drain_s=own_drain_s(order.argv),
    )


def _taken(
    folder: ServerFolder, order: LaunchOrder | None, wakeup: Wakeup
) -> tuple[KeptServer, FollowedOutput | None]:
    """Launch, watch or take over; the output is None of what writes to this keeper's own pipe."""
    if order is None:
        return _taken_over(folder, wakeup)
    if order.external is not None:
        return watch_external(folder, order, order.external, wakeup.wake)
    if order.container is not None and not order.container.image:
        return launch_inside(folder, order, order.container, wakeup.wake)
    if order.container is not None:
        return launch_container(folder, order, order.container, wakeup.wake)
    return start(folder, order, wakeup.wake), None


def _taken_over(folder: ServerFolder, wakeup: Wakeup) -> tuple[KeptServer, FollowedOutput | None]:
    earlier = load_order(folder.order)
    if earlier.container is not None and not earlier.container.image:
        return adopt_inside(folder, wakeup.wake)
    if earlier.container is not None:
        return adopt_container(folder, earlier, earlier.container, wakeup.wake)
    return adopt(folder, wakeup.wake), None


def _keeper(kept: Kept, taken: KeptServer, output: FollowedOutput | None, wakeup: Wakeup) -> Keeper:
    if output is None:
        return Keeper(kept, taken.journal, wakeup)
    if taken.order.external is not None:
        return Observer(_watched(kept, output), taken.journal, wakeup, output.caught_up)
    tree, own_port = taken.tree, port_of(taken.order.argv)
    contained = replace(
        kept,
        output=replace(kept.output, longest_on_the_way_s=math.inf, taken=output.taken),
        listens=lambda: ports.listen_on(own_port, tree.members()),
    )
    if not isinstance(tree, ContainerTree):
        return Keeper(contained, taken.journal, wakeup)
    contained = replace(contained, cause_of=partial(cause_of_container, tree))
    order = taken.order if taken.is_new else None
    return ContainerKeeper(contained, taken.journal, wakeup, output, order=order)


def _watched(kept: Kept, output: FollowedOutput) -> Kept:
    """Return what is kept, as a server that is only watched."""
    tree = kept.tree
    assert isinstance(tree, WatchedTree)
    return replace(
        kept,
        output=replace(kept.output, longest_on_the_way_s=math.inf, taken=output.taken),
        listens=tree.listens,
        cause_of=partial(cause_of_external, tree),
        any_model=True,
    )


if __name__ == "__main__":
    main()
