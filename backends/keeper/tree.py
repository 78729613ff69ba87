"""The processes of one server, as the keeper that started it or one that adopted it sees them."""

import os
import threading
from typing import Protocol

from backends.domain.server import Exit, ProcessId
from backends.host import processes
from backends.host.processes import Process
from backends.host.survivors import belonging_to, carries
from backends.keeper.helper import running_helpers


class Tree(Protocol):
    """A server's processes; `first` is its API server."""

    first: ProcessId

    def members(self) -> list[Process]:
        """Return every process that has not ended."""
        ...

    def exit(self) -> Exit | None:
        """Return how the first process ended, None while it runs."""
        ...

    def is_gone(self) -> bool:
        """Tell whether every process has ended."""
        ...

    def may_end(self, process: Process) -> bool:
        """Tell by the process table of this instant whether a process is one of these."""
        ...


class KeptTree:
    """Processes that descend from this keeper: as a subreaper it inherits every orphan."""

    def __init__(self, first: ProcessId) -> None:
        self.first = first
        self._exit: Exit | None = None
        self._childless = False
        self._lock = threading.Lock()

    def members(self) -> list[Process]:
        """Return every process that has not ended."""
        running = processes.running()
        helpers = running_helpers()
        own = {one.id.pid for pid in helpers for one in processes.descendants(pid, running)}
        return [
            one
            for one in processes.descendants(os.getpid(), running)
            if one.id.pid not in helpers | own
        ]

    def exit(self) -> Exit | None:
        """Return how the first process ended, None while it runs."""
        self.reap()
        return self._exit

    def is_gone(self) -> bool:
        """Tell whether every process has ended; exact, as every orphan becomes a child here."""
        self.reap()
        if running_helpers():  # one scan can miss a process that changes its parent meanwhile
            return not self.members() and not self.members()
        return self._childless

    def may_end(self, process: Process) -> bool:
        """Tell whether a process descends from this keeper, whatever its environment is."""
        return processes.descends_from(process, os.getpid())

    def reap(self) -> None:
        """Take the exit status of every child and inherited orphan that has ended."""
        with self._lock:
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    self._childless = True
                    return
                if pid == 0:
                    return
                if pid == self.first.pid and self._exit is None:
                    self._exit = _exit_of(status)


class AdoptedTree:
    """Processes of a server whose keeper was killed; they cannot tell how they end."""

    def __init__(self, first: ProcessId, marker: str) -> None:
        self.first = first
        self._marker = marker

    def members(self) -> list[Process]:
        """Return every process that has not ended."""
        return belonging_to(self._marker, self.first)

    def exit(self) -> Exit | None:
        """Return an exit without code and signal once the first process is gone."""
        return None if processes.is_alive(self.first) else Exit(None, None)

    def is_gone(self) -> bool:
        """Tell whether every process has ended."""
        # One scan can miss a process that changes its parent or forks meanwhile.
        return not self.members() and not self.members()

    def may_end(self, process: Process) -> bool:
        """Tell whether a process has the mark of this start; the journal alone proves nothing."""
        return carries(process, self._marker)


def _exit_of(status: int) -> Exit:
    code = os.waitstatus_to_exitcode(status)
    return Exit(code, None) if code >= 0 else Exit(None, -code)
