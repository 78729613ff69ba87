"""A child process that answers lines with lines, and may hang or crash without harm to us.

A driver's library can crash the process that calls it, and a call into a wedged driver can be
neither interrupted nor killed: even the process that made it cannot end. So no driver is called
from a process that matters.
"""

import os
import selectors
import signal
import subprocess
import time

from backends.host import processes, spawn

GONE_S = 0.3
"""How long a killed child is waited for; one inside a wedged driver does not go at all."""


class Child:
    """A running ``python -m MODULE`` with the pipes to it; it ends when its input does."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._unread = b""
        self._process = subprocess.Popen(
            spawn.command(module, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=spawn.environment(),
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._process.pid

    def write(self, order: bytes) -> None:
        """Send one order; a child that has ended tells so when its answer is read."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(order + b"\n")
        except BrokenPipeError:
            return

    def line(self, within_s: float) -> bytes | None:
        """Return the next line, empty when the child has ended, None when it is not there yet."""
        assert self._process.stdout is not None
        until_s = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, until_s - time.monotonic())):
                    return None
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    return b""
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def ending(self) -> str:
        """Return how the child ended, for a sentence: ``SIGSEGV`` or ``exit code 1``."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "closed its output"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def is_gone(self) -> bool:
        """Return whether the process has ended."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Let go of the child and kill it; one that cannot be killed holds nothing up."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        processes.send_to_child(self._process.pid, signal.SIGKILL)
        try:
            self._process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            return
