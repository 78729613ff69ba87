"""Short-lived children that look at what a keeper itself must not load or hang on."""

import os
import select
import signal
import sys
import time

from backends.host import processes, spawn

_running: set[int] = set()


def running_helpers() -> frozenset[int]:
    """Return the pids of this process's helpers, which are no part of the server it keeps."""
    return frozenset(_running)


def printed_by(module: str, *arguments: str, within_s: float) -> bytes:
    """Run a module and return what it prints; the keeper's subreaper takes its exit status.

    Raises:
        TimeoutError: it takes longer; it is killed then.
    """
    receiver, sender = os.pipe()
    child = os.posix_spawn(
        sys.executable,
        spawn.command(module, *arguments),
        spawn.environment(),
        file_actions=[(os.POSIX_SPAWN_DUP2, sender, 1)],
    )
    _running.add(child)
    os.close(sender)
    try:
        return _read(receiver, within_s)
    except TimeoutError:
        processes.send_to_child(child, signal.SIGKILL)
        raise
    finally:
        _running.discard(child)
        os.close(receiver)


def _read(descriptor: int, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    content = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        piece = os.read(descriptor, 65536)
        if not piece:
            return content
        content += piece
