"""Processes of this host, read from ``/proc``."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from backends.domain.server import ProcessId

ENDED_STATES = ("Z", "X")
SUSPENDED_STATES = ("T", "t")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one instant.

    Attributes:
        state: the letter of ``/proc/PID/stat``; ``Z`` and ``X`` hold nothing any more.
        command: the kernel's name for it, at most 15 bytes.
    """

    id: ProcessId
    parent: int
    group: int
    session: int
    state: str
    command: str


def read(pid: int) -> Process | None:
    """Return the process that has this pid now, None where there is none."""
    try:
        return _parsed(content(f"/proc/{pid}/stat"))
    except (FileNotFoundError, ProcessLookupError):
        return None


class ProcessList(list[Process]):
    """Processes of one instant; who is whose child is worked out once."""

    @cached_property
    def children(self) -> Mapping[int, list[Process]]:
        """The children of each parent, by its pid."""
        found: dict[int, list[Process]] = {}
        for process in self:
            found.setdefault(process.parent, []).append(process)
        return found


def running() -> ProcessList:
    """Return every process that has not ended, in the order of pids."""
    with os.scandir("/proc") as entries:
        pids = sorted(int(entry.name) for entry in entries if entry.name.isdigit())
    found = (read(pid) for pid in pids)
    return ProcessList(one for one in found if one and one.state not in ENDED_STATES)


def is_alive(process: ProcessId) -> bool:
    """Tell whether this very process runs: a reused pid or a zombie does not count."""
    now = read(process.pid)
    return now is not None and now.id == process and now.state not in ENDED_STATES


def identity(pid: int) -> ProcessId:
    """Return the identity of a process that is known to exist.

    Raises:
        ProcessLookupError: there is no such process.
    """
    process = read(pid)
    if process is None:
        raise ProcessLookupError(f"there is no process {pid}")
    return process.id


def descendants(ancestor: int, among: Iterable[Process]) -> list[Process]:
    """Return the children of `ancestor`, their children and so on, without itself."""
    listed = among if isinstance(among, ProcessList) else ProcessList(among)
    found: list[Process] = []
    pending, seen = [ancestor], set[int]()
    while pending:
        parent = pending.pop()
        if parent not in seen:  # a list that was made in pieces may have a circle
            seen.add(parent)
            born = listed.children.get(parent, [])
            found.extend(born)
            pending.extend(process.id.pid for process in born)
    return found


def command_line(pid: int) -> tuple[str, ...]:
    """Return the arguments of a process, or the title it gave itself; empty where unreadable."""
    return tuple(part for part in _strings(pid, "cmdline") if part)


def environment_value(pid: int, name: str, proc: Path = PROC) -> str | None:
    """Return one variable of the environment a process began with.

    None where it is not set or where the process belongs to another user.
    """
    prefix = f"{name}="
    for entry in _strings(pid, "environ", proc):
        if entry.startswith(prefix):
            return entry[len(prefix) :]
    return None


def are_files_hidden(pid: int) -> bool:
    """Tell whether this user may not see which files a process has open."""
    return not os.access(f"/proc/{pid}/fd", os.R_OK | os.X_OK)


def display_name(process: Process) -> str:
    """Return what a person knows a process by: ``VLLM::EngineCore``, or its program's name.

    A script is known by its own name and not by that of the interpreter which runs it.
    """
    arguments = command_line(process.id.pid)
    if not arguments:
        return process.command
    if arguments[0].startswith("VLLM::"):
        return arguments[0]
    name = Path(arguments[0]).name
    script = arguments[1:2]
    if name.startswith("python") and script and not script[0].startswith("-"):
        return Path(script[0]).name
    return name


def age_s(process: ProcessId) -> float:
    """Return the seconds since a process was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - process.started_ticks / os.sysconf(
        "SC_CLK_TCK"
    )


def descends_from(process: Process, ancestor: int) -> bool:
    """Tell whether `ancestor` is the parent of a process, or its parent's parent and so on."""
    above: Process | None = process
    while above is not None and above.parent not in (0, ancestor):
        above = read(above.parent)
    return above is not None and above.parent == ancestor


def send(process: ProcessId, number: signal.Signals, may_end: Callable[[Process], bool]) -> bool:
    """Send a signal to this very process; False where it has ended or may not be ended.

    This is the only place that sends one. Pid and start time may come out of a file, which anybody
    may have written; `may_end` tells by what the kernel shows of the process. Both checks and the
    signal go through one pidfd, so no other process can slip in between.

    Args:
        process: whom it is meant for.
        number: the signal.
        may_end: tells whether it is ours to end, by its environment, command line or parents.

    Raises:
        PermissionError: it belongs to another user.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        found = read(process.pid)
        if found is None or found.id != process or found.state in ENDED_STATES:
            return False
        if not may_end(found):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def announce_end(process: ProcessId, on_end: Callable[[], None]) -> None:
    """Call `on_end`, in a thread, once a process that is nobody's child here has ended."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return

    def wait() -> None:
        select.select([handle], [], [])
        os.close(handle)
        on_end()

    threading.Thread(target=wait, daemon=True).start()


def send_to_child(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a child or grandchild of this process; False where there is none."""
    found = read(pid)
    if found is None:
        return False
    return send(found.id, number, lambda one: descends_from(one, os.getpid()))


def _parsed(stat: bytes) -> Process | None:
    # The command stands in parentheses and may itself contain any of them, and spaces.
    head, closing, tail = stat.rpartition(b")")
    if not closing:
        return None
    pid, _, command = head.partition(b" (")
    fields = tail.split()
    return Process(
        id=ProcessId(int(pid), int(fields[19])),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        state=fields[0].decode(),
        command=command.decode(errors="replace"),
    )


def content(path: str) -> bytes:
    """Return what a file of the kernel's holds, at a third of what `Path` takes for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = os.read(descriptor, 65536)
        while len(found) % 65536 == 0 and (more := os.read(descriptor, 65536)):
            found += more
        return found
    finally:
        os.close(descriptor)


def _strings(pid: int, file_name: str, proc: Path = PROC) -> list[str]:
    try:
        return content(f"{proc}/{pid}/{file_name}").decode(errors="replace").split("\0")
    except OSError:
        return []
