"""The processes of a host, for a program that lists them again and again."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from backends.host import processes
from backends.host.processes import Process, ProcessList

T = TypeVar("T")

LATEST_S = 60.0
"""A process is read again after this long at the latest."""

AGED = 0.5
"""A process is read again once it is older by this share: what becomes another program, or takes a
title, does so soon after it began."""


@dataclass(slots=True)
class _Known:
    """What was read of one process, and until which second since boot that is believed.

    Attributes:
        inode: of its folder in ``/proc``; the process that has the same pid later has another one.
        judged: what was made of its command line, by what made it.
    """

    process: Process
    inode: int
    until_s: float
    command_line: tuple[str, ...] | None = None
    environment: dict[str, str | None] = field(default_factory=dict)
    judged: dict[Callable[..., object], object] = field(default_factory=dict)


class ProcessTable:
    """Lists all processes, and reads again only those that may have changed meanwhile.

    A host has a thousand others, and reading each takes longer than all else of a look at it. Who
    has come and who has gone is always seen. Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._listed = ProcessList()
        self._listed_s = float("-inf")
        self._lock = threading.Lock()

    def running(self, within_s: float = 0.0) -> ProcessList:
        """Return every process, in the order of pids; one that ended lately may be among them.

        Whoever shows a process or acts on it reads it again, see `living`.

        Args:
            within_s: how old the list may be, for one that others make as often.
        """
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        if now_s - self._listed_s < within_s:
            return self._listed
        with self._lock:
            self._look(now_s)
            self._listed_s = now_s
            return self._listed

    def judged(self, process: Process, judge: Callable[[tuple[str, ...]], T]) -> T:
        """Return what `judge` makes of the arguments of a process; asked once while they stand."""
        known = self._of(process)
        if known is None:
            return judge(processes.command_line(process.id.pid))
        if judge not in known.judged:
            known.judged[judge] = judge(self.command_line(process))
        return cast("T", known.judged[judge])

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

    def _look(self, now_s: float) -> None:
        """Read who has come, who has lost its parent, and who has not been read for long."""
        with os.scandir("/proc") as entries:
            inodes = {int(one.name): one.inode() for one in entries if one.name.isdigit()}
        before = self._known
        stays = {
            pid: known
            for pid, known in before.items()
            if now_s < known.until_s and inodes.get(pid) == known.inode
        }
        if len(stays) != len(before):  # one that has lost its parent has another one now
            stays = {
                pid: known
                for pid, known in stays.items()
                if not known.process.parent or known.process.parent in inodes
            }
        elif len(stays) == len(inodes):
            return
        found = dict(stays)
        for pid in inodes.keys() - stays.keys():
            if known := self._read(pid, inodes[pid], now_s):
                found[pid] = known
        self._known = {pid: found[pid] for pid in sorted(found)}
        listed = (one.process for one in self._known.values())
        self._listed = ProcessList(one for one in listed if one.state not in processes.ENDED_STATES)

    def _read(self, pid: int, inode: int, now_s: float) -> _Known | None:
        process = processes.read(pid)
        if process is None:
            return None
        age_s = max(0.0, processes.age_s(process.id))
        return _Known(process, inode, now_s + min(LATEST_S, AGED * age_s))

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
