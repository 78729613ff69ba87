"""A real console that draws as much as it ever does, beside whatever is measured meanwhile."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.console import INFERCTL, Terminal

READY_WITHIN_S = 60.0
# Long enough for the first tokens of both targets to be on the screen.
LANES_WITHIN_S = 3.0
READ_S = 0.2


class DrawingConsole:
    """`inferctl demo` in a pseudo-terminal: traffic on its server, a series in its targets."""

    def __init__(self, state: Path) -> None:
        """Start it, and return when its targets stream."""
        self._terminal = Terminal(INFERCTL, "demo", "--speed", "60", state=state)
        if self._terminal.read_for(READY_WITHIN_S, lambda seen: b"ready" in seen.lower()) is None:
            self._terminal.end()
            raise SystemExit("inferctl demo never showed a ready server")
        self._terminal.write(b"A")
        self._terminal.read_for(LANES_WITHIN_S)
        self._over = threading.Event()
        self._process = psutil.Process(self._terminal.pid)
        self._began_s, self._bytes = time.monotonic(), self._terminal.bytes_read
        self._cpu_s = self._used_s()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def told(self) -> str:
        """What it did since then: its share of a core, and what it wrote to the terminal."""
        passed_s = time.monotonic() - self._began_s
        busy = 100 * (self._used_s() - self._cpu_s) / passed_s
        written = (self._terminal.bytes_read - self._bytes) / passed_s / 1000
        return f"console {busy:.0f} % {written:.0f} kB/s"

    def end(self) -> None:
        """End it and all its helpers."""
        self._over.set()
        self._reader.join()
        self._terminal.end()

    def _used_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _read(self) -> None:
        while not self._over.is_set():
            self._terminal.read_for(READ_S)


@contextmanager
def drawing_console() -> Iterator[DrawingConsole]:
    """Let a console draw for as long as this lasts."""
    with tempfile.TemporaryDirectory(prefix="inferctl-bench-") as folder:
        console = DrawingConsole(Path(folder))
        try:
            yield console
        finally:
            console.end()
