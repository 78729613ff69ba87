"""A console whose terminal has gone, where no hangup reaches it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
from pathlib import Path

import pytest

from tests.terminal.conftest import INFERCTL, Tmux, eventually

pytestmark = pytest.mark.terminal


def test_it_ends_within_a_second_where_hangups_are_ignored(tmux: Tmux, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if not pid:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        environment = {**os.environ, **tmux.environment, "TERM": "xterm-256color"}
        os.execve(INFERCTL, [str(INFERCTL)], {**environment, "HOME": str(tmp_path)})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    shown = b""
    while b"Quit" not in shown:
        assert select.select([terminal], [], [], 40)[0], shown
        shown += os.read(terminal, 1 << 16)
    os.close(terminal)
    try:
        # Loaded machines apart, it takes three quarters of a second at most.
        eventually(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 5.0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
