"""Watches a server from spawn to its end: ready, first token, health."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

from backends.domain.facts import (
    BecameReady,
    FirstTokenSeen,
    FirstTokenUnavailable,
    HealthChanged,
    RequestErrorsCounted,
    ServerFact,
    SleepChanged,
)
from backends.domain.serving import RequestErrors
from backends.domain.stamp import Stamp
from backends.host import ports, processes
from backends.host.processes import Process
from backends.http1 import Address, Cancelled, NoAnswer, WrongAnswer
from backends.keeper import probe
from backends.keeper.clock import now
from backends.keeper.serving_health import ServingHealth
from backends.keeper.tree import Tree

READY_POLL_S = 0.25
HEALTH_EVERY_S = 3.0
ERRORS_EVERY_S = 300.0
"""A count of errors is journaled this often at most, as it may rise for days."""

CAUGHT_UP_S = 20.0
"""How long the log so far may take to be read before the server is asked."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What watching needs.

    Attributes:
        interrupted: true once a stop was ordered or the first process ended.
        nudge: set to look again at once; every wait clears it.
        awaits_servers: true while some of several API servers, which share one port, are not up.
        serving: looks at the server once it is ready.
        logged_5xx: how many answers with an error of the server its log told of.
        listens: tells that the server listens, where its processes hold no port of this host's.
        any_model: it may serve its model under another name than `model`.
    """

    tree: Tree
    address: Address
    model: str
    record: Callable[[ServerFact], object]
    interrupted: Callable[[], bool]
    nudge: threading.Event
    awaits_servers: Callable[[], bool]
    serving: ServingHealth
    logged_5xx: Callable[[], int]
    listens: Callable[[], bool] | None = None
    any_model: bool = False

    def pause(self, seconds: float) -> None:
        """Wait, or less long when nudged."""
        self.nudge.wait(seconds)
        self.nudge.clear()


def watch(watched: Watch) -> None:
    """Record what becomes of the server, and return once it is interrupted."""
    with contextlib.suppress(Cancelled):
        _await_ready(watched)
        watched.record(BecameReady(now()))
        _see_first_token(watched)
        _follow_health(watched, told=(True, False))


def watch_ready(watched: Watch) -> None:
    """Take over a server that was ready already, and return once it is interrupted."""
    with contextlib.suppress(Cancelled):
        _follow_health(watched, told=None)


def observe(
    watched: Watch, caught_up: threading.Event, ready_at: Callable[[], Stamp | None]
) -> None:
    """Record what becomes of a server that runs already, and return once it is interrupted.

    Args:
        watched: the server.
        caught_up: set once the log was read as far as it went.
        ready_at: when the log says that it became ready, None where it does not.
    """
    caught_up.wait(CAUGHT_UP_S)
    with contextlib.suppress(Cancelled):
        if _obstacle(watched) is None:
            at = ready_at()
            watched.record(BecameReady(at or now(), seen=at is not None))
        else:
            _await_ready(watched)
            watched.record(BecameReady(now()))
            _see_first_token(watched)
        _follow_health(watched, told=(True, False))


def _await_ready(watch: Watch) -> None:
    told = ""
    while (obstacle := _obstacle(watch)) is not None:
        if obstacle and obstacle != told:
            watch.record(HealthChanged(now(), False, obstacle))
            told = obstacle
        watch.pause(READY_POLL_S)


def _obstacle(watch: Watch) -> str | None:
    """Return what keeps a server from being ready: empty while it starts, None when it is."""
    if watch.interrupted():
        raise Cancelled
    if not _listens(watch, []):
        return ""
    try:
        names = probe.served_models(watch.address, watch.interrupted)
    except WrongAnswer as error:
        return str(error)
    except NoAnswer:
        return ""
    if watch.model in names or (names and watch.any_model):
        return "" if watch.awaits_servers() else None
    return f"it serves {', '.join(names) or 'nothing'}, not {watch.model}: correct the served name"


def _listens(watch: Watch, known: list[Process]) -> bool:
    """Tell whether the server listens, by whichever of its processes."""
    if watch.listens is not None:
        return watch.listens()
    known[:] = _holders(watch, known)
    return bool(known)


def _holders(watch: Watch, known: list[Process]) -> list[Process]:
    """Return our processes that hold the port, `known` where they still do; none if not ours."""
    host, port = watch.address.host, watch.address.port
    alive = [process for process in known if processes.is_alive(process.id)]
    if alive and ports.owns(host, port, alive):
        return alive
    # The table of sockets is quick to read; every process of the host is looked at only then.
    return ports.holders(host, port, watch.tree.members()) if ports.is_listening(port) else []


def _see_first_token(watch: Watch) -> None:
    try:
        answer = probe.first_token(watch.address, watch.model, watch.interrupted)
    except NoAnswer as error:
        answer = probe.Refused(f"the probe got no token: {error}")
    if isinstance(answer, probe.Refused):
        watch.record(FirstTokenUnavailable(now(), answer.reason))
    else:
        watch.record(FirstTokenSeen(answer))


def _follow_health(watch: Watch, told: tuple[bool, bool] | None) -> None:
    """Record each change of health; `told` is whether it was last called well, and hung."""
    holders: list[Process] = []
    errors = _ErrorsJournaled(watch)
    # A keeper before this one may have journaled any level.
    asleep = None if told is None else 0
    try:
        while not watch.interrupted():
            reason = f"no process of the server listens on port {watch.address.port}"
            if _listens(watch, holders):
                reason = watch.serving.look(watch.interrupted)
            seen = (not reason, bool(watch.serving.hung))
            if seen != told:
                told = seen
                watch.record(HealthChanged(now(), not reason, reason))
            if (level := watch.serving.sleep_level) is not None and level != asleep:
                asleep = level
                watch.record(SleepChanged(now(), level))
            errors.record()
            watch.pause(HEALTH_EVERY_S)
    finally:
        errors.record(last=True)
    raise Cancelled


class _ErrorsJournaled:
    """The count of errors as it was journaled last; it may rise for days."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._errors = RequestErrors()
        self._next_s = 0.0

    def record(self, *, last: bool = False) -> None:
        """Journal the count where it has changed, the first error at once."""
        errors, logged = self._watch.serving.errors, self._watch.logged_5xx()
        if logged > (errors.http_5xx or 0):
            errors = replace(errors, http_5xx=float(logged))
        at = now()
        if errors == self._errors or (at.mono_s < self._next_s and not last):
            return
        self._errors = errors
        if any(astuple(errors)):
            self._next_s = at.mono_s + ERRORS_EVERY_S
        self._watch.record(RequestErrorsCounted(at, errors))
