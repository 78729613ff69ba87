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
from backends.host import ports
from backends.keeper import probe
from backends.keeper.clock import now
from backends.keeper.http1 import Address, Cancelled, NoAnswer
from backends.keeper.tree import Tree

READY_POLL_S = 0.25
HEALTH_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Watch:
    """What watching needs.

    Attributes:
        interrupted: true once a stop was ordered or the first process ended.
        nudge: set to look again at once; every wait clears it.
    """

    tree: Tree
    address: Address
    model: str
    record: Callable[[ServerFact], object]
    interrupted: Callable[[], bool]
    nudge: threading.Event

    def pause(self, seconds: float) -> None:
        """Wait, or less long when nudged."""
        self.nudge.wait(seconds)
        self.nudge.clear()


def watch(watch: Watch) -> None:
    """Record what becomes of the server, and return once it is interrupted."""
    with contextlib.suppress(Cancelled):
        while not _is_ready(watch):
            watch.pause(READY_POLL_S)
        watch.record(BecameReady(now()))
        _see_first_token(watch)
        _follow_health(watch)


def watch_ready(watch: Watch) -> None:
    """Take over a server that was ready already, and return once it is interrupted."""
    with contextlib.suppress(Cancelled):
        _follow_health(watch)


def _is_ready(watch: Watch) -> bool:
    if watch.interrupted():
        raise Cancelled
    if not _owns_port(watch):
        return False
    try:
        return watch.model in probe.served_models(watch.address, watch.interrupted)
    except NoAnswer:
        return False


def _owns_port(watch: Watch) -> bool:
    # The table of sockets is quick to read; the files of our processes are looked at only then.
    if not ports.is_listening(watch.address.port):
        return False
    return ports.owns(watch.address.host, watch.address.port, watch.tree.members())


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
    while not watch.interrupted():
        reason = _illness(watch)
        if (not reason) != healthy:
            healthy = not reason
            watch.record(HealthChanged(now(), healthy, reason))
        watch.pause(HEALTH_EVERY_S)
    raise Cancelled


def _illness(watch: Watch) -> str:
    if not _owns_port(watch):
        return f"no process of the server listens on port {watch.address.port}"
    return probe.health(watch.address, watch.interrupted)
