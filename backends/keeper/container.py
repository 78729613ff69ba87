"""A server in a container of its own: launched, watched and stopped through its engine."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace

from backends.containers.container import OURS, Container, inspect
from backends.containers.ending import SEEN_S, Ended, await_end
from backends.containers.engine import Engine, EngineRefused, EngineUnavailable
from backends.containers.images import is_here, pull
from backends.domain.facts import ContainerStarted, DownloadSeen, FailureSeen, Stopped
from backends.domain.server import Exit, ProcessId
from backends.domain.start import Failure, FailureKind
from backends.host import processes
from backends.host.container import in_container
from backends.host.processes import Process
from backends.host.survivors import MARKER
from backends.http1 import Cancelled
from backends.keeper.clock import now
from backends.keeper.end import Ending, await_memory, drain
from backends.keeper.exit_cause import cause_of
from backends.keeper.journal import Journal
from backends.keeper.keeper import Keeper, Kept
from backends.keeper.log_stamps import stamping
from backends.keeper.order import ContainerOrder, LaunchFailed, LaunchOrder, marker_value
from backends.keeper.output import FollowedOutput
from backends.keeper.service import Wakeup
from backends.keeper.spawn import ADDED_ENVIRONMENT
from backends.keeper.watch import Watch

STOP_GRACE_S = 60
"""An engine kills after 10 s by itself; vLLM gives its GPUs' memory back within this time."""
SWALLOWED_S = 3.0
"""How long a start may take to obey the first SIGTERM, as outside a container."""
LAST_LINES_S = 5.0
POLL_S = 0.1
TELL_EVERY_S = 1.0
_NO_INIT = "container-init binary not found"
_PORT_TAKEN = ("port is already allocated", "address already in use")
"""What docker and podman say of a port that is published twice."""
NOBODY = ProcessId(0, 0)
"""The first process of a container that does not run yet."""


class ContainerTree:
    """The processes of one container: its engine ends them, and no signal of this keeper does."""

    def __init__(self, engine: Engine, container: str = "", first: ProcessId = NOBODY) -> None:
        self.engine = engine
        self.container = container
        self.first = first
        self.over: Ended | None = None
        self.log_lost: Callable[[], bool] = lambda: False
        self._lock = threading.Lock()

    def members(self) -> list[Process]:
        """Return every process that has not ended."""
        return in_container(self.container) if self.container else []

    def exit(self) -> Exit | None:
        """Return how the first process ended, None while it runs or does not run yet."""
        if self.over is None and self.first != NOBODY and not processes.is_alive(self.first):
            with self._lock:
                self.over = self.over or await_end(
                    self.engine, self.container, lost=self.log_lost()
                )
        return self.over.exit if self.over else None

    def is_gone(self) -> bool:
        """Tell whether every process has ended."""
        return not self.members()

    def may_end(self, process: Process) -> bool:
        """Allow no signal: a container is ended by its engine."""
        del process
        return False


def find(engine: Engine, order: LaunchOrder) -> Container | None:
    """Return the container of this start, by its label, None where the engine has none.

    Raises:
        EngineUnavailable: it cannot be asked.
    """
    filters = f'{{"label":["{OURS}={marker_value(order)}"]}}'
    for one in engine.read("/containers/json", all="1", filters=filters):
        return inspect(engine, one["Id"])
    return None


def remove_earlier(engine: Engine, ordered: ContainerOrder) -> None:
    """Remove the container of an earlier start, which has ended; nothing is removed by force.

    Raises:
        LaunchFailed: it runs, or is not inferctl's; the message says what helps.
        EngineUnavailable: the engine cannot be asked.
    """
    earlier = inspect(engine, ordered.name)
    if earlier is None:
        return
    if OURS not in earlier.labels:
        raise LaunchFailed(
            f"a container is called {ordered.name} that inferctl did not start; rename it: "
            f"{engine.kind} rename {ordered.name} NEW-NAME"
        )
    if earlier.is_up:
        raise LaunchFailed(f"container {ordered.name} runs; run: {earlier.how_to_end(engine.kind)}")
    with contextlib.suppress(EngineRefused):
        engine.order(f"/containers/{earlier.id}", method="DELETE", v="0", force="0")


class ContainerKeeper(Keeper):
    """Keeps one container from now until nothing of it is left.

    Args:
        kept: the server; its tree is a `ContainerTree`.
        order: what to launch, None for a container that runs.
        output: follows the container's log once there is one.
    """

    def __init__(
        self,
        kept: Kept,
        journal: Journal,
        wakeup: Wakeup,
        output: FollowedOutput,
        *,
        order: LaunchOrder | None,
    ) -> None:
        assert isinstance(kept.tree, ContainerTree)
        self._tree = kept.tree
        self._output = output
        self._order = order
        self._then = kept.watching
        self._fetching = False
        super().__init__(replace(kept, watching=self._launch_and_watch), journal, wakeup)

    def _launch_and_watch(self, watch: Watch) -> None:
        if self._order is not None:
            try:
                self._launch(self._order)
            except Cancelled:
                return
            except (EngineRefused, EngineUnavailable, ProcessLookupError) as error:
                self._not_launched(error)
                return
        self._then(watch)

    def _launch(self, order: LaunchOrder) -> None:
        assert order.container is not None
        engine, ordered = self._tree.engine, order.container
        if not is_here(engine, ordered.image):
            self._pull(ordered.image)
        variables = {
            **order.environment,
            **ADDED_ENVIRONMENT,
            **stamping(order.environment),
            MARKER: marker_value(order),
        }
        body = {**ordered.request, "Env": [f"{name}={value}" for name, value in variables.items()]}
        made = engine.order("/containers/create", body, timeout_s=60.0, name=ordered.name)
        self._tree.container = made["Id"]
        self._output.source = replace(self._output.source, place=made["Id"])
        engine.order(f"/containers/{made['Id']}/start", timeout_s=120.0)
        self._output.begin()
        self._begun(inspect(engine, made["Id"]))

    def _begun(self, container: Container | None) -> None:
        if container is None or not container.pid:  # it has ended already
            self._tree.over = Ended(container)
            return
        first = processes.identity(container.pid)
        self._journal.record(ContainerStarted(now(), container.id, first))
        self._tree.first = first
        processes.announce_end(first, self._wakeup.wake)

    def _pull(self, image: str) -> None:
        self._fetching = True
        since = last = now()
        for step in pull(self._tree.engine, image, self._interrupted):
            at = now()
            if at.mono_s - last.mono_s >= TELL_EVERY_S:
                last = at
                rate = step.fetched_bytes / max(at.mono_s - since.mono_s, TELL_EVERY_S)
                seen = DownloadSeen(at, since, step.fetched_bytes, step.total_bytes, rate)
                self._journal.record(seen)
        if last != since:
            done = step.fetched_bytes
            self._journal.record(DownloadSeen(now(), since, done, done, None, over=True))
        self._fetching = False

    def _not_launched(self, error: Exception) -> None:
        assert self._order is not None
        assert self._order.container is not None
        engine, ordered = self._tree.engine.kind, self._order.container
        self._tree.over = Ended()
        kind, remedy = FailureKind.UNKNOWN, "Fix what the engine reports, then start it again."
        if self._fetching:
            kind = FailureKind.DOWNLOAD_FAILED
            remedy = f"Look whether {ordered.image} exists and this host reaches its registry, or "
            remedy += f"bring it here: {engine} load --input FILE."
        elif _NO_INIT in str(error):
            kind = FailureKind.DEPENDENCY_ERROR
            remedy = f"{engine} lacks its init, which reaps what vLLM leaves: install catatonit."
        elif any(word in str(error) for word in _PORT_TAKEN):
            kind = FailureKind.PORT_IN_USE
            remedy = (
                f"Choose another port than {self._order.port} in the profile, or end what holds it."
            )
        what = f"{engine} did not start {ordered.image}: {error}"
        self._journal.record(FailureSeen(now(), Failure(kind, None, str(error), what, remedy)))

    def _interrupted(self) -> bool:
        return self._stop is not None or self._tree.exit() is not None

    def _end(self) -> None:
        ending = Ending(
            self._tree,
            self._kept.address,
            self._journal.record,
            now,
            self._kept.term_grace_s,
            self._kept.memory_released,
        )
        ordered = self._stop
        if ordered is not None and self._tree.container:
            if ordered[0].drain_s > 0 and self._journal.was_ready:
                drain(ending, ordered[0].drain_s)
            self._stop_container(ending, starting=not self._journal.was_ready)
        self._output.close()
        if self._tree.first != NOBODY or self._tree.over is not None:
            self._record_exit()
        self._output_mover.join(LAST_LINES_S)
        if ordered is None and not self._journal.has_failure:
            self._tell_cause(by_exit=False)
        if self._tree.container:
            await_memory(ending)
        with self._lock:
            self._over = True
            self._journal.record(Stopped(now()))

    def _stop_container(self, ending: Ending, *, starting: bool) -> None:
        """Have the engine stop it; while vLLM starts it swallows the first SIGTERM."""
        engine, place = self._tree.engine, f"/containers/{self._tree.container}"
        with contextlib.suppress(EngineRefused):  # it has ended meanwhile
            if starting:
                ending.say(f"SIGTERM to container {self._tree.container[:12]}")
                engine.order(f"{place}/kill", signal="SIGTERM")
                if ending.exited_within(SWALLOWED_S):
                    return
            ending.say(f"{engine.kind} stop, which kills after {STOP_GRACE_S} s")
            try:
                engine.order(f"{place}/stop", timeout_s=STOP_GRACE_S + 30.0, t=STOP_GRACE_S)
            except EngineUnavailable as error:
                ending.say(f"its engine cannot be asked: {error}")
                while not ending.exited_within(POLL_S):
                    with contextlib.suppress(EngineUnavailable):
                        engine.order(f"{place}/stop", timeout_s=STOP_GRACE_S + 30.0, t=STOP_GRACE_S)
        ending.gone_within(SEEN_S)


def cause_of_container(tree: ContainerTree, ended: Exit | None) -> Failure | None:
    """Return why a container ended that nobody ordered to, as its engine tells."""
    over = tree.over or Ended()
    if not over.removed:
        known = over.container is not None or over.engine_down
        return over.failure(tree.engine.kind) if known else cause_of(ended)
    return Failure(
        FailureKind.KILLED,
        None,
        f"no container {tree.container[:12]}",
        f"The container was removed from {tree.engine.kind} while it ran, and its log with it.",
        "Find out who removed it by force (rm -f, compose down), and start it again.",
    )
