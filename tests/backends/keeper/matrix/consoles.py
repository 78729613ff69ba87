"""The console as a victim: the true program on a terminal of its own."""

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
ALTERNATE_SCREEN = b"\x1b[?1049h"


class Terminal:
    """A program on a pseudo terminal of 120 by 35, which is read for as long as it runs."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 35, 120, 0, 0))
        self.shown = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=REPOSITORY,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    @property
    def pid(self) -> int:
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            self.shown += os.read(self._ours, 65536)
        except OSError:  # nobody has the other end open any more
            asyncio.get_running_loop().remove_reader(self._ours)


async def inferctl(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run one verb; return its exit code, what it printed and what it said on stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
    )
    try:
        printed, said = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode is not None
    return process.returncode, printed.decode(), said.decode()
