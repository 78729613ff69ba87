"""Watches a server from spawn to its end: ready, first token, health."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from backends.domain.facts import (
    BecameReady,
    FirstTokenSeen,
    FirstTokenUnavailable,
    HealthChanged,
    ServerFact,
)
from backends.host import ports, processes
from backends.host.processes import Process
from backends.http1 import Address, Cancelled, NoAnswer, WrongAnswer
from backends.keeper import probe
from backends.keeper.clock import now
from backends.keeper.tree import Tree

READY_POLL_S = 0.25
HEALTH_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What watching needs.

    Attributes:
        interrupted: true once a stop was ordered or the first process ended.
        nudge: set to look again at once; every wait clears it.
        awaits_servers: true while some of several API servers, which share one port, are not up.
    """

    tree: Tree
    address: Address
    model: str
    record: Callable[[ServerFact], object]
    interrupted: Callable[[], bool]
    nudge: threading.Event
    awaits_servers: Callable[[], bool]

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
        _follow_health(watched)


def watch_ready(watched: Watch) -> None:
    """Take over a server that was ready already, and return once it is interrupted."""
    with contextlib.suppress(Cancelled):
        _follow_health(watched)


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
    if not _holders(watch, []):
        return ""
    try:
        names = probe.served_models(watch.address, watch.interrupted)
    except WrongAnswer as error:
        return str(error)
    except NoAnswer:
        return ""
    if watch.model in names:
        return "" if watch.awaits_servers() else None
    return f"it serves {', '.join(names) or 'nothing'}, not {watch.model}: correct the served name"


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


def _follow_health(watch: Watch) -> None:
    healthy = True
    holders: list[Process] = []
    while not watch.interrupted():
        holders = _holders(watch, holders)
        reason = f"no process of the server listens on port {watch.address.port}"
        if holders:
            reason = probe.health(watch.address, watch.interrupted)
        if (not reason) != healthy:
            healthy = not reason
            watch.record(HealthChanged(now(), healthy, reason))
        watch.pause(HEALTH_EVERY_S)
    raise Cancelled
