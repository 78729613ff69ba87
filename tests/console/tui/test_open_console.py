"""``inferctl`` without a verb, as a process on a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from backends.settings.paths import config_file
from tests.console.stage import ROOT

DEADLINE_S = 60.0

pytestmark = pytest.mark.terminal


class Terminal:
    """A process on a pseudo-terminal of 120x35, and what it has written there."""

    def __init__(self, process: subprocess.Popen[bytes], file: int) -> None:
        self.process = process
        self._file = file
        self._seen = b""

    def press(self, key: str) -> None:
        """Send a key, and forget what was seen before it."""
        self._seen = b""
        os.write(self._file, key.encode())

    def see(self, text: str) -> None:
        """Wait until a text was written."""
        self._read(lambda: text.encode() in self._seen)

    def ended(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        self._read(lambda: self.process.poll() is not None)
        return self.process.wait()

    def _read(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, self._seen[-2000:].decode(errors="replace")
            if select.select([self._file], [], [], 0.05)[0]:
                try:
                    self._seen += os.read(self._file, 65536)
                except OSError:  # how a pseudo-terminal says that the other side is closed
                    self.process.wait()


@contextmanager
def inferctl() -> Iterator[Terminal]:
    """Run the console on a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 35, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "console"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
        os.close(ours)


def test_the_demo_goes_on_where_the_welcome_ends() -> None:
    with inferctl() as terminal:
        terminal.see("Found on this host")
        terminal.press("d")
        terminal.see("gpt-oss")
        terminal.see("SIMULATED")
        terminal.press("q")
        assert terminal.ended() == 0


def test_a_broken_configuration_is_one_sentence_and_a_usage_error() -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text('[server.mine]\nmodel = "org/mine"\nprot = 8000\n')
    with inferctl() as terminal:
        terminal.see("did you mean port?")
        assert terminal.ended() == 2
