"""Every command of the README does what it is printed for, in its order, against the demo."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
ON_A_TERMINAL = {"inferctl demo --speed 10": "SIMULATED", "inferctl": "vLLM"}
"""What the commands that open the console show first."""

SHOWN_WITHIN_S, DONE_WITHIN_S = 60.0, 300.0

pytestmark = [pytest.mark.slow, pytest.mark.process, pytest.mark.timeout(900)]


class Shell:
    """Runs lines one after another, each in the environment that the one before left."""

    def __init__(self, home: Path) -> None:
        self._dump = home / "environment"
        cache = os.environ.get("PIP_CACHE_DIR", str(Path("~/.cache/pip").expanduser()))
        kept = {name: each for name, each in os.environ.items() if not name.startswith("XDG_")}
        path = f"{home / '.local' / 'bin'}:{os.environ['PATH']}"
        self.environment = {**kept, "HOME": str(home), "PATH": path, "PIP_CACHE_DIR": cache}
        self.environment.pop("INFERCTL_HOME", None)

    def run(self, line: str) -> str:
        """Return what a line prints; it must succeed."""
        done = subprocess.run(
            ["bash", "-e", "-c", f'{line}\nenv -0 > "$0"', str(self._dump)],
            cwd=REPOSITORY,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=DONE_WITHIN_S,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        pairs = self._dump.read_text().split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if pair)
        return done.stdout

    def open(self, line: str, shows: str) -> None:
        """Run a line on a terminal of its own until that is on the screen, and end it."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 35, 120, 0, 0))
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=REPOSITORY,
            env={**self.environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        seen, deadline = b"", time.monotonic() + SHOWN_WITHIN_S
        try:
            while shows.encode() not in seen:
                assert time.monotonic() < deadline, seen[-2000:].decode(errors="replace")
                if select.select([ours], [], [], 0.1)[0]:
                    seen += os.read(ours, 65536)
        finally:
            process.terminate()
            while process.poll() is None and select.select([ours], [], [], 10.0)[0]:
                try:
                    os.read(ours, 65536)
                except OSError:  # the other side is closed
                    break
            process.wait(30.0)
            os.close(ours)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    if "INFERCTL_HOME" in made.environment:
        made.run("inferctl demo --remove")


def test_it_begins_with_the_picture_and_the_install_line() -> None:
    assert README.index("](docs/console.svg)") < README.index("## Install") < 1500
    assert LINES[0] == "make install"
    assert len(README.splitlines()) < 100


def test_every_command_is_run_as_it_is_printed(shell: Shell) -> None:
    said = {}
    for line in LINES:
        if line in ON_A_TERMINAL:
            shell.open(line, ON_A_TERMINAL[line])
        else:
            said[line] = shell.run(line)
    said_of = {line.split()[1]: text for line, text in said.items() if line.startswith("inferctl")}
    assert "gpt-oss" in said_of["ab"]
    assert "req/s" in said_of["verdict"]
    assert said_of["advise"].startswith("gpt-oss: ")
    assert "load_weights" in said_of["explain"] or "load weights" in said_of["explain"]
    assert "INFERCTL_HOME" not in shell.environment
