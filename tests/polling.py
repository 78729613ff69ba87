"""Waiting on facts: for a value that comes about, and a port that nobody has."""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

DEADLINE_S = 30.0

Value = TypeVar("Value")


def until(look: Callable[[], Value | None], within_s: float = DEADLINE_S) -> Value:
    """Look again and again until there is something, and return it."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return found


def free_port() -> int:
    """Return a port that nobody has now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
