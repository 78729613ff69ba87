"""Whether the kernel killed a process for want of memory: its counters, and its own words."""

import contextlib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
KERNEL_LOG = Path("/dev/kmsg")

RECORD_BYTES = 8192
"""More than the kernel gives for one record (``CONSOLE_EXT_LOG_MAX``)."""

CLOCK_SLACK_S = 5.0
"""The kernel stamps its log by a clock that drifts from the monotonic one by this at most."""

_KILLED = re.compile(
    r"(?P<group>Memory cgroup out of memory|Out of memory)[^:]*: Killed process (?P<pid>\d+) "
    r"\((?P<name>.*?)\).*?anon-rss:(?P<anon_kib>\d+)kB"
)


@dataclass(frozen=True, slots=True)
class OomKill:
    """One process that the kernel killed for want of memory.

    Attributes:
        line: the kernel's words; those of the counter where its log is not readable.
        name: what the kernel calls the process, at most 15 characters; empty where unknown.
        held_bytes: the anonymous memory that it held, None where unknown.
        limited: it was a memory limit that was reached, not the end of the host's memory.
        certain: false where the kill may have been that of somebody else's process.
    """

    line: str
    pid: int | None = None
    name: str = ""
    held_bytes: int | None = None
    limited: bool = False
    certain: bool = True


class OomWatch:
    """Remembers what the kernel's counters of such kills say now, and finds a later kill.

    One counter is that of the memory cgroup of `pid` (``memory.events`` in version 2 of cgroups,
    ``memory.oom_control`` in version 1), the other the whole host's (``/proc/vmstat``).

    Args:
        pid: a process of those that are watched.
        now_s: the monotonic clock's reading.
    """

    def __init__(
        self,
        pid: int,
        now_s: float,
        *,
        proc: Path = PROC,
        cgroups: Path = CGROUPS,
        kernel_log: Path = KERNEL_LOG,
    ) -> None:
        self._since_s = now_s - CLOCK_SLACK_S
        self._kernel_log = kernel_log
        self._own = tuple(_counters(pid, proc, cgroups))
        self._host = proc / "vmstat"
        self._before = {path: _kills(path) for path in (*self._own, self._host)}

    def find(self, pids: Iterable[int]) -> OomKill | None:
        """Return the kill of one of `pids`, None where nothing shows one.

        The kernel's log names the process. Where that cannot be read, a counter that rose is the
        evidence: that of the own cgroup is as good, that of the whole host may be anybody's.
        """
        wanted = set(pids)
        for kill in _logged(self._kernel_log, self._since_s):
            if kill.pid in wanted:
                return kill
        for path in self._own:
            if risen := self._risen(path):
                return OomKill(risen, limited=True)
        if not self._own and (risen := self._risen(self._host)):
            return OomKill(risen, certain=False)
        return None

    def counts(self) -> bool:
        """Tell whether any counter can be read, so that silence means something."""
        return any(count is not None for count in self._before.values())

    def _risen(self, path: Path) -> str:
        before, after = self._before[path], _kills(path)
        if before is None or after is None or after <= before:
            return ""
        return f"oom_kill rose from {before} to {after} in {path}"


def _kills(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        found = re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE)
        return int(found[1]) if found else None
    return None


def _counters(pid: int, proc: Path, cgroups: Path) -> Iterator[Path]:
    """Yield the file of the process's own cgroup, or of the mount's root where that is hidden."""
    try:
        rows = [line.split(":", 2) for line in (proc / str(pid) / "cgroup").read_text().split()]
    except OSError:
        return
    for _, controllers, group in rows:
        if "memory" in controllers.split(","):
            base, file = cgroups / "memory", "memory.oom_control"
        elif not controllers:
            base, file = cgroups, "memory.events"
        else:
            continue
        own = base / group.lstrip("/") / file
        path = own if own.exists() else base / file
        if path.exists():
            yield path


def _logged(kernel_log: Path, since_s: float) -> Iterator[OomKill]:
    for at_s, text in _records(kernel_log):
        found = _KILLED.search(text) if at_s >= since_s else None
        if found:
            yield OomKill(
                text,
                int(found["pid"]),
                found["name"],
                int(found["anon_kib"]) * 1024,
                limited=found["group"].startswith("Memory cgroup"),
            )


def _records(kernel_log: Path) -> Iterator[tuple[float, str]]:
    """Yield the records of ``/dev/kmsg``: seconds since boot and text; none where not allowed."""
    try:
        file = os.open(kernel_log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        while data := _next_records(file):
            for record in data.splitlines():  # those that begin with a space belong to one before
                head, semicolon, text = record.partition(b";")
                fields = head.split(b",")
                if semicolon and len(fields) >= 3 and fields[2].isdigit():
                    yield int(fields[2]) / 1e6, text.decode(errors="replace")
    finally:
        os.close(file)


def _next_records(file: int) -> bytes:
    while True:
        try:
            return os.read(file, RECORD_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EPIPE:  # this record was overwritten meanwhile; the next is not
                return b""
