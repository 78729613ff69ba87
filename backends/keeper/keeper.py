"""One keeper: three threads around one server.

The calling thread answers clients and signals, one moves the server's output, one watches the
server and ends it.
"""

import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from backends.domain.facts import (
    BecameReady,
    Exited,
    FailureSeen,
    HealthChanged,
    PhaseBegan,
    ServerFact,
    StopOrdered,
    Stopped,
)
from backends.domain.server import Exit
from backends.domain.start import Failure
from backends.domain.startup.diagnosis import after_a_hang
from backends.host.oom import OomWatch
from backends.http1 import Address
from backends.keeper.clock import now
from backends.keeper.end import Ending, await_memory, drain, end_rest, terminate
from backends.keeper.exit_cause import after_the_kernel, cause_of
from backends.keeper.journal import Journal
from backends.keeper.log import RotatedLog, complain
from backends.keeper.log_stamps import LONGEST_ON_THE_WAY_S
from backends.keeper.pump import Reader, Splitter, pump
from backends.keeper.service import Service, Wakeup
from backends.keeper.serving_health import ServingHealth
from backends.keeper.tree import Tree
from backends.keeper.watch import READY_POLL_S, Watch

UNWATCHED = "inferctl fails to watch it, see keeper.log; it is kept and can be stopped"

LAST_WORDS_S = 1.0
"""How long a flood of last lines may hold up the end of what outlived the server."""

LAST_LINES_S = 2.0
"""How long the last output of a server that ended may take through the pipe."""


@dataclass(frozen=True, slots=True)
class Output:
    """The server's output: the pipe it comes from, the log it goes to, who reads it for facts.

    Attributes:
        keys: what the server was started with and its log may show; hidden from who reads it.
        longest_on_the_way_s: how old a line may be as it comes.
        taken: called with the number of bytes that were read and understood.
    """

    pipe: int
    log: RotatedLog
    splitter: Splitter
    reader: Reader
    keys: tuple[str, ...] = ()
    longest_on_the_way_s: float = LONGEST_ON_THE_WAY_S
    taken: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Kept:
    """The server that is kept, and how.

    Attributes:
        watching: what to do until a stop is ordered or the first process ends.
        memory_released: tells whether the GPUs gave the server's memory back, None where unknown.
        with_holders: adds to a failure who holds what the server lacked.
        own_drain_s: how long the server itself lets requests finish after a SIGTERM.
        listens: tells that it listens, where its processes hold no port of this host's network.
        cause_of: the failure that its exit alone stands for.
        any_model: it may serve its model under another name than `model`.
    """

    tree: Tree
    address: Address
    model: str
    output: Output
    watching: Callable[[Watch], None]
    term_grace_s: float
    memory_released: Callable[[], bool | None]
    with_holders: Callable[[Failure], Failure]
    own_drain_s: float = 0.0
    listens: Callable[[], bool] | None = None
    cause_of: Callable[[Exit | None], Failure | None] = cause_of
    any_model: bool = False


class Keeper:
    """Keeps one server from now until nothing of it is left."""

    def __init__(self, kept: Kept, journal: Journal, wakeup: Wakeup) -> None:
        self._kept = kept
        self._journal = journal
        self._wakeup = wakeup
        self._nudge = threading.Event()
        self._done = threading.Event()
        self._output_ignored = threading.Event()
        self._seen = {kept.tree.first.pid}
        self._oom = OomWatch(kept.tree.first.pid, now().mono_s)
        self._serving = ServingHealth(kept.address)
        self._lock = threading.Lock()
        self._stop: tuple[StopOrdered, int] | None = None
        self._signal: signal.Signals | None = None
        self._over = False
        self._life = threading.Thread(target=self._live, daemon=True)
        self._output_mover = threading.Thread(target=self._move_output, daemon=True)

    def begin(self) -> None:
        """Read the server's output and watch it; from now on SIGTERM and SIGINT order the stop."""
        signal.set_wakeup_fd(self._wakeup.sender, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: self._remember(received))
        # Any handler makes the signal wake the service; see `_look_after`.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._output_mover.start()
        self._life.start()

    def run(self, service: Service) -> None:
        """Answer clients until the server is gone."""
        service.run(self.order_stop, self._look_after)
        self._life.join()

    def order_stop(self, by: str, drain_s: float) -> int:
        """Order the stop unless one is under way; return where the winning order is journaled."""
        with self._lock:
            if self._over:
                return 0
            if self._stop is None:
                failure = after_a_hang(None, self._serving.hung)
                if not self._journal.was_ready:
                    failure = failure or self._kept.output.reader.failed
                if failure is not None:
                    self._journal.record(FailureSeen(now(), failure))
                order = StopOrdered(now(), by, drain_s)
                self._stop = order, self._journal.record(order)
                self._nudge.set()
            return self._stop[1]

    # A handler may run in the middle of anything that this thread does, so it takes no lock.
    def _remember(self, number: int) -> None:
        self._signal = signal.Signals(number)

    def _look_after(self) -> bool:
        """Act on the signals that came; True once the server is gone."""
        if self._kept.tree.exit() is not None:
            self._nudge.set()
        if self._signal is not None:
            self.order_stop(f"{self._signal.name} to the keeper", 0.0)
        return self._done.is_set()

    def _interrupted(self) -> bool:
        return self._stop is not None or self._kept.tree.exit() is not None

    def _live(self) -> None:
        try:
            self._watch()
            self._end()
        finally:
            self._done.set()
            self._wakeup.wake()

    def _watch(self) -> None:
        kept = self._kept
        watch = Watch(
            kept.tree,
            kept.address,
            kept.model,
            self._journal.record,
            self._interrupted,
            self._nudge,
            lambda: kept.output.reader.awaits_servers,
            self._serving,
            lambda: kept.output.reader.answers_5xx,
            kept.listens,
            kept.any_model,
        )
        try:
            kept.watching(watch)
        except Exception:  # whatever is wrong with our looking, the server has to be ended later
            complain(f"watch: the server runs, but is not watched: {traceback.format_exc()}")
            self._journal.record(HealthChanged(now(), False, UNWATCHED))
            while not self._interrupted():
                watch.pause(READY_POLL_S)

    def _end(self) -> None:
        kept = self._kept
        ending = Ending(
            kept.tree,
            kept.address,
            self._journal.record,
            now,
            kept.term_grace_s,
            kept.memory_released,
            self._stop_accepting_output,
            kept.own_drain_s,
        )
        ordered = self._stop
        if ordered is not None:
            if ordered[0].drain_s > 0 and self._journal.was_ready:
                drain(ending, ordered[0].drain_s)
            terminate(ending, starting=not self._journal.was_ready)
        ended = self._record_exit()
        end_rest(
            ending, orderly=ordered is not None or (ended is not None and ended.code is not None)
        )
        if ended is None:
            self._record_exit()
        self._output_mover.join(LAST_LINES_S)
        if ordered is None:
            self._tell_cause()
        await_memory(ending)
        with self._lock:
            self._over = True
            self._journal.record(Stopped(now()))

    def _stop_accepting_output(self) -> None:
        """Stop reading output as a cause of failure, since processes that are stopped log errors.

        What the first process wrote as it ended may still be in the pipe; it is read first.
        """
        deadline = time.monotonic() + LAST_WORDS_S
        while self._output_mover.is_alive() and time.monotonic() < deadline:
            try:
                waiting, _, _ = select.select([self._kept.output.pipe], [], [], 0)
            except OSError:  # its mover has just closed it
                break
            if not waiting:
                break
            time.sleep(0.01)
        self._output_ignored.set()

    def _record_exit(self) -> Exit | None:
        ended = self._kept.tree.exit()
        if ended is not None:
            self._journal.record(Exited(now(), ended))
        return ended

    def _tell_cause(self, *, by_exit: bool = True) -> None:
        ended = self._kept.tree.exit()
        seen = ended if by_exit and ended != Exit(None, None) else None
        failure = None
        for fact in self._kept.output.reader.close(now(), seen):
            if isinstance(fact, FailureSeen):
                failure = fact.failure
            else:
                self._tell(fact)
        if not self._journal.has_failure:
            failure = after_the_kernel(failure or self._kept.cause_of(ended), self._oom, self._seen)
            failure = after_a_hang(failure, self._serving.hung)
        if failure is not None:
            self._journal.record(FailureSeen(now(), self._kept.with_holders(failure)))

    def _note_members(self) -> None:
        """Remember every process: the kernel names what it killed by a pid that is then gone."""
        self._seen |= {one.id.pid for one in self._kept.tree.members()}

    def _move_output(self) -> None:
        output = self._kept.output
        try:
            pump(
                output.pipe,
                output.log,
                output.splitter,
                output.reader,
                tell=self._tell,
                now=now,
                accept_output=lambda: not self._output_ignored.is_set(),
                keys=output.keys,
                longest_on_the_way_s=output.longest_on_the_way_s,
                taken=output.taken,
            )
        finally:
            # Nobody may be left waiting to write: without a reader the server's writes just fail.
            os.close(output.pipe)
            output.log.close()

    def _tell(self, fact: ServerFact) -> None:
        """Journal the facts of the log, except those that only asking the server can prove."""
        match fact:
            case BecameReady():
                self._nudge.set()
            case PhaseBegan():
                self._journal.record(fact)
                self._note_members()
            case _:
                self._journal.record(fact)
