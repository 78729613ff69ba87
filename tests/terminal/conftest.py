"""The installed program in a true terminal: tmux on a socket of its own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

INFERCTL = Path(sys.executable).with_name("inferctl")
LIMIT_S = 40.0


@dataclass
class Tmux:
    """Panes that each run one command line of the installed program."""

    socket: Path
    environment: dict[str, str]
    opened: list[str] = field(default_factory=list)

    def open(self, *argv: str, size: tuple[int, int] = (120, 35)) -> "Pane":
        name = f"pane{len(self.opened)}"
        self.opened.append(name)
        columns, rows = (str(each) for each in size)
        named = [f"-e{key}={value}" for key, value in self.environment.items()]
        self.run("new-session", "-d", "-s", name, "-x", columns, "-y", rows, *named, *argv)
        return Pane(self, name)

    def run(self, *arguments: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **self.environment, "TERM": "xterm-256color"},
        )
        return ran.stdout


@dataclass(frozen=True)
class Pane:
    """One pane, and what it shows."""

    tmux: Tmux
    name: str

    def text(self) -> str:
        return self.tmux.run("capture-pane", "-p", "-t", self.name)

    def pid(self) -> int:
        return int(self.tmux.run("display-message", "-p", "-t", self.name, "#{pane_pid}"))

    def press(self, *keys: str) -> None:
        self.tmux.run("send-keys", "-t", self.name, *keys)

    def close(self) -> None:
        self.tmux.run("kill-session", "-t", self.name)

    def until(self, shown: Callable[[str], bool], within_s: float = LIMIT_S) -> str:
        """Return the screen as soon as it shows what is waited for."""
        seen = ""

        def looks_right() -> bool:
            nonlocal seen
            seen = self.text()
            return shown(seen)

        eventually(looks_right, within_s, lambda: seen)
        return seen


def eventually(
    holds: Callable[[], bool], within_s: float = LIMIT_S, tell: Callable[[], str] = str
) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.1)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """Open panes whose program has its files in this test's folder."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    if not INFERCTL.exists():
        pytest.skip(f"inferctl is not installed beside {sys.executable}")
    homes = {f"XDG_{kind}_HOME": os.environ[f"XDG_{kind}_HOME"] for kind in KINDS}
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    # A path under tmp_path can be longer than the 107 bytes that a Unix socket's name may have.
    made = Tmux(
        Path(f"/tmp/inferctl-test-{os.getpid()}"),
        {**homes, "TMPDIR": str(temporary), "COLORTERM": "truecolor"},
    )
    yield made
    if made.opened:
        subprocess.run(
            ["tmux", "-S", str(made.socket), "kill-server"], check=False, capture_output=True
        )
    made.socket.unlink(missing_ok=True)


KINDS = ("CONFIG", "STATE", "CACHE", "DATA")
