"""Processes of a server that outlived it: naming them exactly, and ending them."""

import os
import signal
import time
from collections.abc import Iterable

from backends.domain.server import ProcessId, Survivor
from backends.host import processes
from backends.host.processes import Process

MARKER = "INFERCTL_SERVER"
"""The environment variable that names server and start in every process of a server."""

POLL_S = 0.05


def belonging_to(marker: str, first: ProcessId) -> list[Process]:
    """Return the living processes of one start.

    Args:
        marker: the value of `MARKER` in the environment of that start, ``NAME:START_ID``.
        first: the process that was launched, alive or not; it led a session of its own.
    """
    return [process for process in processes.running() if _belongs(process, marker, first)]


def survivor(process: Process) -> Survivor:
    """Return a process as what a person is shown of it."""
    return Survivor(process.id, processes.display_name(process), age_s=processes.age_s(process.id))


def end(survivors: Iterable[Survivor], *, term_grace_s: float = 10.0) -> tuple[Survivor, ...]:
    """End these very processes, by SIGTERM and then SIGKILL, and return those that still live.

    An engine on a GPU needs seconds to give its memory back, and may leave it held when it is
    killed; `term_grace_s` is how long it may take.

    Raises:
        PermissionError: one of them belongs to another user.
    """
    left = _alive(survivors)
    for number, patience_s in ((signal.SIGTERM, term_grace_s), (signal.SIGKILL, 5.0)):
        for one in left:
            processes.send(one.process, number)
        deadline = time.monotonic() + patience_s
        while left and time.monotonic() < deadline:
            time.sleep(POLL_S)
            left = _alive(left)
    return left


def _alive(survivors: Iterable[Survivor]) -> tuple[Survivor, ...]:
    return tuple(one for one in survivors if processes.is_alive(one.process))


def _belongs(process: Process, marker: str, first: ProcessId) -> bool:
    if process.id == first:
        return True
    if process.id.pid == os.getpid() or process.id.started_ticks < first.started_ticks:
        return False
    found = processes.environment_value(process.id.pid, MARKER)
    if found is not None:
        return found == marker
    # A process that gave itself a title may have written over its environment.
    return process.session == first.pid and processes.display_name(process).startswith("VLLM::")
