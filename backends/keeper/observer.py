"""A keeper that only watches: same journal and log, and no signal, whatever happens."""

import threading
from collections.abc import Callable
from dataclasses import replace

from backends.containers.ending import Ended, await_end
from backends.containers.engine import Engine
from backends.domain.facts import BecameReady, ServerFact, Stopped
from backends.domain.server import Exit, ProcessId
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, FailureKind
from backends.host import ports, processes
from backends.host.processes import Process
from backends.keeper.clock import now
from backends.keeper.exit_cause import cause_of
from backends.keeper.journal import Journal
from backends.keeper.keeper import Keeper, Kept
from backends.keeper.order import External
from backends.keeper.service import Wakeup
from backends.keeper.watch import Watch, observe

LAST_LINES_S = 3.0
"""How long the last output of a server that ended may take to be read."""


class WatchedTree:
    """The processes of a server that something else started: looked at, never signalled."""

    def __init__(self, external: External) -> None:
        self.first: ProcessId = external.process
        self._external = external
        self.over: Ended | None = None
        self.log_lost: Callable[[], bool] = lambda: False
        self._lock = threading.Lock()
        self.container_engine = external.engine

    def members(self) -> list[Process]:
        """Return every process that has not ended."""
        running = processes.running()
        first = [one for one in running if one.id == self.first]
        return [*first, *processes.descendants(self.first.pid, running)] if first else []

    def exit(self) -> Exit | None:
        """Return how the first process ended, None while it runs.

        Only a container's engine can tell how: nobody but its parent learns that of a process.
        """
        if self.over is None and not processes.is_alive(self.first):
            with self._lock:
                self.over = self.over or self._as_its_engine_says()
        return self.over.exit if self.over else None

    def is_gone(self) -> bool:
        """Tell whether every process has ended."""
        return not self.members()

    def may_end(self, process: Process) -> bool:
        """Allow no signal."""
        del process
        return False

    def listens(self) -> bool:
        """Tell whether it listens on its port."""
        return ports.listen_on(self._external.port, self.members())

    def _as_its_engine_says(self) -> Ended:
        external = self._external
        if not external.container:
            return Ended()
        engine = Engine(external.engine, external.socket)
        return await_end(engine, external.container, lost=self.log_lost())


class Observer(Keeper):
    """Watches one server until it ends, or until a signal makes this keeper leave it as it is.

    Args:
        kept: the server.
        journal: of its start.
        wakeup: wakes the thread that answers clients.
        caught_up: set once the log was read as far as it went.
    """

    def __init__(
        self, kept: Kept, journal: Journal, wakeup: Wakeup, caught_up: threading.Event
    ) -> None:
        self._caught_up = caught_up
        self._ready_at: Stamp | None = None
        super().__init__(replace(kept, watching=self._observe), journal, wakeup)

    def order_stop(self, by: str, drain_s: float) -> int:
        """Stop nothing: inferctl did not start it. Whoever orders it learns what follows."""
        del by, drain_s
        return self._journal.size

    def _observe(self, watch: Watch) -> None:
        observe(watch, self._caught_up, lambda: self._ready_at)

    def _look_after(self) -> bool:
        if self._interrupted():
            self._nudge.set()
        return self._done.is_set()

    def _interrupted(self) -> bool:
        return self._signal is not None or self._kept.tree.exit() is not None

    def _end(self) -> None:
        if self._record_exit() is None:
            return
        self._output_mover.join(LAST_LINES_S)
        if self._kept.output.reader.stopping_at is None:
            self._tell_cause(by_exit=False)  # whatever runs it knows more than the exit says
        self._journal.record(Stopped(now()))

    def _tell(self, fact: ServerFact) -> None:
        if isinstance(fact, BecameReady):
            self._ready_at = fact.at
        super()._tell(fact)


def cause_of_external(tree: WatchedTree, ended: Exit | None) -> Failure | None:
    """Return why an external server ended, as far as its engine or its exit tells."""
    over = tree.over or Ended()
    if over.container is not None or over.engine_down:
        return over.failure(tree.container_engine)
    if ended != Exit(None, None):
        return cause_of(ended)
    return Failure(
        FailureKind.UNKNOWN,
        None,
        "",
        "The server ended, and only the program that started it knows its exit status.",
        "Look at the end of its log, and in `dmesg` for the out-of-memory killer.",
    )
