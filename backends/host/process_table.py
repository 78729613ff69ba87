"""The processes of a host, for a program that lists them again and again."""

import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backends.host import processes
from backends.host.processes import Process

LATEST_S = 60.0
"""A process is read again after this long at the latest."""

AGED = 0.25
"""A process is read again once it is older by this share: what becomes another program, or takes a
title, does so soon after it began."""


@dataclass(slots=True)
class _Known:
    """What was read of one process, and until which second since boot that is believed.

    Attributes:
        inode: of its folder in ``/proc``; the process that has the same pid later has another one.
    """

    process: Process
    inode: int
    until_s: float
    command_line: tuple[str, ...] | None = None
    environment: dict[str, str | None] = field(default_factory=dict)


class ProcessTable:
    """Lists all processes, and reads again only those that may have changed meanwhile.

    A host has a thousand others, and reading each takes longer than all else of a look at it. Who
    has come and who has gone is always seen. Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._lock = threading.Lock()

    def running(self) -> list[Process]:
        """Return every process, in the order of pids; one that ended lately may be among them.

        Whoever shows a process or acts on it reads it again, see `living`.
        """
        with self._lock, os.scandir("/proc") as entries:
            inodes = {int(one.name): one.inode() for one in entries if one.name.isdigit()}
            now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
            found = (self._read(pid, inodes, now_s) for pid in sorted(inodes))
            self._known = {one.process.id.pid: one for one in found if one}
            known = self._known.values()
            return [one.process for one in known if one.process.state not in processes.ENDED_STATES]

    def command_line(self, process: Process) -> tuple[str, ...]:
        """Return the arguments of a process, see `processes.command_line`."""
        known = self._of(process)
        if known is None:
            return processes.command_line(process.id.pid)
        if known.command_line is None:
            known.command_line = processes.command_line(process.id.pid)
        return known.command_line

    def environment_value(self, process: Process, name: str) -> str | None:
        """Return one variable of a process, see `processes.environment_value`."""
        known = self._of(process)
        if known is None:
            return processes.environment_value(process.id.pid, name)
        if name not in known.environment:
            known.environment[name] = processes.environment_value(process.id.pid, name)
        return known.environment[name]

    def _read(self, pid: int, inodes: Mapping[int, int], now_s: float) -> _Known | None:
        before = self._known.get(pid)
        if before is not None and before.inode == inodes[pid] and now_s < before.until_s:
            parent = before.process.parent
            if parent in inodes or not parent:  # one that has lost it has another one now
                return before
        process = processes.read(pid)
        if process is None:
            return None
        age_s = max(0.0, processes.age_s(process.id))
        return _Known(process, inodes[pid], now_s + min(LATEST_S, AGED * age_s))

    def _of(self, process: Process) -> _Known | None:
        known = self._known.get(process.id.pid)
        return known if known is not None and known.process is process else None


def living(listed: Iterable[Process]) -> list[Process]:
    """Return those of a list that run still, as they are now."""
    now = ((one, processes.read(one.id.pid)) for one in listed)
    return [
        found
        for one, found in now
        if found and found.id == one.id and found.state not in processes.ENDED_STATES
    ]


TABLE = ProcessTable()
"""The one of this program."""
