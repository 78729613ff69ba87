"""The output of a server that this keeper did not start with a pipe, as if it came through one.

It is read from wherever its runtime keeps it: a file, a container engine, systemd's journal, a
pod's file. Every line whose time that place knows gets the keeper's own stamp, so that nothing
behind the pipe knows the difference.
"""

import contextlib
import math
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from backends.containers.container import inspect, wall_s
from backends.containers.engine import Engine, EngineRefused, EngineUnavailable, frames
from backends.domain.startup.lines import head_of
from backends.host import processes
from backends.http1 import Cancelled, NoAnswer
from backends.keeper.log import complain
from backends.keeper.order import LogSource

POLL_S = 0.1
AGAIN_S = 1.0
"""How soon an engine that went away is asked again."""
ENGINE_END_S = 1.0
"""How long an engine may take to send the last lines of a process that ended."""
LOST_S = 60.0
"""How long after it let go of a log the end of a container may be due to the end of its engine."""
QUARTER_HOUR_S = 900.0
"""What time zones differ by, or a multiple of it."""
END_BYTES = 65536
EARLY_S = 2.0
"""vLLM's own times are whole seconds: a line may seem to be older than its process by one."""

_REDRAWN = re.compile(rb"\r(?!\n)")

Line = tuple[float | None, bytes]
"""Seconds since 1970, None for a line that came just now, and its bytes."""


class FollowedOutput:
    """One server's output.

    Attributes:
        caught_up: set once everything was read and understood that was there before.

    Args:
        source: where it is kept.
        since_wall_s: what is older belongs to an earlier start.
        ended: tells whether the server has ended.
    """

    def __init__(self, source: LogSource, since_wall_s: float, ended: Callable[[], bool]) -> None:
        self.source = source
        self.since_wall_s = since_wall_s
        self.ended = ended
        self.caught_up = threading.Event()
        self._lost_s = -math.inf
        self.receiver, self._sender = os.pipe()
        self._begun = False
        self._live = False
        self._on_the_way_bytes = 0
        self._lock = threading.Lock()

    def begin(self) -> int:
        """Begin to read in a thread of its own, and return the end of the pipe it comes from."""
        self._begun = True
        threading.Thread(target=self._copy, args=(self._sender,), daemon=True).start()
        return self.receiver

    def lost_lately(self) -> bool:
        """Tell whether an engine let go of the log of a server that ran on, as one that ends."""
        return time.monotonic() - self._lost_s < LOST_S

    def close(self) -> None:
        """End the pipe of an output that was never begun."""
        if not self._begun:
            self._begun = True
            os.close(self._sender)

    def taken(self, count: int) -> None:
        """Note that so many bytes were read from the pipe and understood."""
        with self._lock:
            self._on_the_way_bytes -= count
            if self._live and self._on_the_way_bytes <= 0:
                self.caught_up.set()

    def _is_live(self) -> None:
        """Note that what comes from now on comes as it is written."""
        self._live = True
        self.taken(0)

    def _copy(self, sender: int) -> None:
        try:
            with os.fdopen(sender, "wb", buffering=0) as pipe:
                for at_s, line in self._lines():
                    data = line if at_s is None or b"\x02" in line else _stamped(at_s, line)
                    with self._lock:
                        self._on_the_way_bytes += len(data)
                    pipe.write(data)
        except (OSError, EngineUnavailable, EngineRefused) as error:
            complain(f"log: its output is no longer read: {error}")
        finally:
            self._is_live()

    def _lines(self) -> Iterator[Line]:
        match self.source.kind:
            case "file":
                yield from self._of_file(Path(self.source.place))
            case "engine":
                yield from self._of_engine()
            case "journal":
                yield from self._of_journal()
            case "pod":
                for _, line in self._appended(Path(self.source.place)):
                    yield _of_container_file(line)
            case "none":
                return

    def _of_file(self, path: Path) -> Iterator[Line]:
        """Yield the lines of a file from this start on, with the times that vLLM wrote."""
        zone_s = _zone_s(path)
        at_s: float | None = None
        begun = False
        for before, line in self._appended(path):
            if not before:
                yield None, line
                continue
            own_s = _vllm_s(line)
            at_s = at_s if own_s is None else own_s + zone_s
            begun = begun or (at_s is not None and at_s >= self.since_wall_s - EARLY_S)
            if begun or at_s is None:
                yield at_s, line

    def _appended(self, path: Path) -> Iterator[tuple[bool, bytes]]:
        """Yield the lines of a file, first those that it holds already, until the server ended."""
        pending = b""
        with path.open("rb") as file:
            while True:
                over = self.ended()
                data = file.read(1 << 18)
                *whole, pending = (pending + data).split(b"\n")
                for line in whole:
                    yield not self._live, line + b"\n"
                if data:
                    continue
                self._is_live()
                if over:
                    break
                if os.fstat(file.fileno()).st_size < file.tell():
                    file.seek(0)  # it was truncated, as a rotation does
                time.sleep(POLL_S)
        if pending:
            yield False, pending

    def _of_engine(self) -> Iterator[Line]:
        engine = Engine(self.source.engine, self.source.socket)
        since = f"{max(0.0, self.since_wall_s - EARLY_S):.6f}"
        container = inspect(engine, self.source.place)
        framed = container is None or not container.terminal
        over_at_s: list[float] = []

        def is_over() -> bool:
            if self.ended():
                over_at_s.append(time.monotonic())
            return bool(over_at_s) and time.monotonic() - over_at_s[0] > ENGINE_END_S

        while True:
            follow = self._live
            with contextlib.suppress(Cancelled, NoAnswer, EngineUnavailable):
                for line in self._asked(engine, since, framed=framed, follow=follow, over=is_over):
                    stamp, _, text = line.partition(b" ")
                    since = _just_after(stamp.decode(errors="replace")) or since
                    yield wall_s(stamp.decode(errors="replace")) or None, text
            self._is_live()
            if follow:
                # An engine that is restarted may let its containers live.
                if self.ended():
                    return
                self._lost_s = time.monotonic()
                time.sleep(AGAIN_S)

    def _asked(
        self, engine: Engine, since: str, *, framed: bool, follow: bool, over: Callable[[], bool]
    ) -> Iterator[bytes]:
        asked = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(follow), "since": since}
        reply = engine.ask(
            f"/containers/{self.source.place}/logs",
            query=asked,
            timeout_s=float("inf"),
            cancelled=over,
        )
        yield from _whole_lines(frames(reply.pieces) if framed else reply.pieces)

    def _of_journal(self) -> Iterator[Line]:
        read = ("journalctl", f"--unit={self.source.place}", "--output=short-unix", "--no-hostname")
        cursor = ""
        since = f"--since=@{int(self.since_wall_s - EARLY_S)}"
        for line in _printed((*read, since, "--show-cursor"), lambda: False):
            if line.startswith(b"-- cursor: "):
                cursor = line[11:].decode().strip()
            elif not line.startswith(b"-- "):
                yield _of_journal_line(line)
        self._is_live()
        after = f"--after-cursor={cursor}" if cursor else "--lines=0"
        for line in _printed((*read, "--follow", after), self.ended):
            if not line.startswith(b"-- "):
                yield _of_journal_line(line)


def _stamped(at_s: float, line: bytes) -> bytes:
    """Return a line that carries its time, as does each bar that redraws another in it."""
    stamp = b"\x02%.6f\x03" % at_s
    return stamp + _REDRAWN.sub(b"\r" + stamp, line)


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    pending = b""
    for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if pending:
        yield pending


def _printed(command: tuple[str, ...], over: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what a program prints, until it ends or `over` becomes true."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        if over():
            processes.send_to_child(child.pid, signal.SIGTERM)
        ender = threading.Thread(target=_end_when, args=(child, over), daemon=True)
        ender.start()
        yield from child.stdout


def _end_when(child: "subprocess.Popen[bytes]", over: Callable[[], bool]) -> None:
    while child.poll() is None:
        if over():
            time.sleep(ENGINE_END_S)
            processes.send_to_child(child.pid, signal.SIGTERM)
            return
        time.sleep(POLL_S)


def _of_journal_line(line: bytes) -> Line:
    """Return a line of ``journalctl --output=short-unix``: seconds, who, and what was written."""
    seconds, _, rest = line.partition(b" ")
    _, _, text = rest.partition(b": ")
    try:
        return float(seconds), text
    except ValueError:
        return None, line


def _of_container_file(line: bytes) -> Line:
    """Return a line of a pod's log: time, stream, ``F`` or ``P`` for a part, and the line."""
    stamp, _, rest = line.partition(b" ")
    _, _, rest = rest.partition(b" ")
    tag, _, text = rest.partition(b" ")
    return wall_s(stamp.decode(errors="replace")) or None, text[:-1] if tag == b"P" else text


def _just_after(stamp: str) -> str:
    """Return the nanosecond after an engine's time, as its ``since`` takes it; empty for none."""
    seconds, fraction = int(wall_s(stamp)), stamp.partition(".")[2].rstrip("Z")
    if not seconds or not fraction.isdigit():
        return ""
    nanoseconds = seconds * 10**9 + int(fraction.ljust(9, "0")) + 1
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _vllm_s(line: bytes) -> float | None:
    """Return the time that vLLM wrote into a line, as if its zone was this host's; None for none.

    It carries no year: it is this one, or the last where that would be in the future.
    """
    stamp = head_of(line.rpartition(b"\r")[2].decode(errors="replace")).stamp
    try:
        month, day = int(stamp[0:2]), int(stamp[3:5])
        hour, minute, second = int(stamp[6:8]), int(stamp[9:11]), float(stamp[12:])
    except ValueError:
        return None
    now = time.localtime()
    year = now.tm_year - ((month, day) > (now.tm_mon, now.tm_mday + 1))
    whole = time.mktime((year, month, day, hour, minute, int(second), 0, 0, -1))
    return whole + second % 1.0


def _zone_s(path: Path) -> float:
    """Return what the times in a file are behind this host's, as a container's zone differs.

    The last line that has a time was written at most a quarter of an hour before the file was
    changed last.
    """
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - END_BYTES))
        times = (_vllm_s(line) for line in reversed(file.read().split(b"\n")))
        last_s = next((one for one in times if one is not None), None)
        changed_s = os.fstat(file.fileno()).st_mtime
    if last_s is None:
        return 0.0
    return (changed_s - last_s + EARLY_S) // QUARTER_HOUR_S * QUARTER_HOUR_S
