"""Processes of a server that outlived it: naming them exactly, and ending them."""

import os
import signal
import time
from collections.abc import Callable, Iterable

from backends.domain.server import ProcessId, Survivor
from backends.host import processes
from backends.host.process_table import TABLE, living
from backends.host.processes import Process, ProcessList

MARKER = "INFERCTL_SERVER"
"""The environment variable that names server and start in every process of a server."""

POLL_S = 0.05


def belonging_to(marker: str, first: ProcessId, among: ProcessList | None = None) -> list[Process]:
    """Return the living processes of one start: those with its mark, and what descends from them.

    Args:
        marker: the value of `MARKER` in the environment of that start, ``NAME:START_ID``.
        first: the process that was launched, alive or not; none of the others is older.
        among: every process of this host, where the caller has listed them by `TABLE`.
    """
    listed = processes.running() if among is None else among
    marks = {
        one.id.pid: TABLE.environment_value(one, MARKER)
        for one in listed
        if one.id.started_ticks >= first.started_ticks and one.id.pid != os.getpid()
    }
    found = {pid for pid, mark in marks.items() if mark == marker}
    for pid in tuple(found):
        below = (one.id.pid for one in processes.descendants(pid, listed))
        found.update(each for each in below if marks.get(each, marker) is None)
    return living(one for one in listed if one.id.pid in found)


def carries(process: Process, marker: str) -> bool:
    """Tell whether a process has the mark of one start, or its nearest marked ancestor has it.

    A process that was started with an environment of its own shows no mark; its parents do.
    """
    above: Process | None = process
    while above is not None:
        mark = processes.environment_value(above.id.pid, MARKER)
        if mark is not None:
            return mark == marker
        above = processes.read(above.parent)
    return False


def survivor(process: Process) -> Survivor:
    """Return a process as what a person is shown of it."""
    return Survivor(process.id, processes.display_name(process), age_s=processes.age_s(process.id))


def end(
    survivors: Iterable[Survivor],
    may_end: Callable[[Process], bool],
    *,
    term_grace_s: float = 10.0,
) -> tuple[Survivor, ...]:
    """End these very processes, by SIGTERM and then SIGKILL, and return those that still live.

    Args:
        survivors: whom.
        may_end: tells of each, at the instant of each signal, whether it is ours to end.
        term_grace_s: an engine on a GPU needs seconds to give its memory back, and may leave it
            held when it is killed; this is how long it may take.

    Raises:
        PermissionError: one of them belongs to another user.
    """
    left = _alive(survivors)
    for number, patience_s in ((signal.SIGTERM, term_grace_s), (signal.SIGKILL, 5.0)):
        for one in left:
            processes.send(one.process, number, may_end)
        deadline = time.monotonic() + patience_s
        while left and time.monotonic() < deadline:
            time.sleep(POLL_S)
            left = _alive(left)
    return left


def _alive(survivors: Iterable[Survivor]) -> tuple[Survivor, ...]:
    return tuple(one for one in survivors if processes.is_alive(one.process))
