"""What the console costs, as whole-process figures: `make bench`.

Runs the installed `inferctl` in a pseudo-terminal of 120x35, on a state folder of its own, with a
simulated server that is ready: once without any traffic, once as the demo. Figures are medians; the
machine's load is printed with them.
"""

import argparse
import fcntl
import os
import pty
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

INFERCTL = str(Path(sys.executable).with_name("inferctl"))
COLUMNS, ROWS = 120, 35
FIRST_FRAME_MARK = b"quit"
"""The footer's last word: when it is on the terminal, the frame is complete."""


SETTLE_S = 10.0
"""After this the first frames are drawn, and the notices of the start have gone."""

CONFIGURATION = """
[server.idle]
model = "org/model"
vllm = "{vllm}"
port = {port}
gpu_usd_per_hour = "1.88"
[server.idle.environment]
INFERCTL_SIMULATED_SPEED = "60"
"""


def environment_of(state: Path) -> dict[str, str]:
    """Return the environment of a program that has its files under `state`."""
    homes = {f"XDG_{kind}_HOME": str(state / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    return {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **homes}


class Terminal:
    """A child process on a pseudo-terminal whose output is read and counted."""

    def __init__(self, *command: str, state: Path) -> None:
        """Start `command` with its files under `state`."""
        environment = environment_of(state)
        self.began = time.monotonic()
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)  # noqa: S606
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.seen = b""
        self.bytes_read = 0

    def read_for(
        self, limit_s: float, until: Callable[[bytes], bool] = lambda _: False
    ) -> float | None:
        """Read up to `limit_s`; return seconds since the start when `until` held, else None."""
        end = time.monotonic() + limit_s
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.file], [], [], left)[0]:
                continue
            try:
                data = os.read(self.file, 65536)
            except OSError:
                return None
            self.bytes_read += len(data)
            self.seen = (self.seen + data)[-1_000_000:]
            if until(self.seen):
                return time.monotonic() - self.began
        return None

    def write(self, keys: bytes) -> None:
        """Type keys."""
        os.write(self.file, keys)

    def answer_s(self, key: bytes, answer: bytes) -> float:
        """Seconds from a key press until its answer is on the terminal; 5 where it never comes."""
        self.seen = b""
        pressed = time.monotonic()
        os.write(self.file, key)
        self.read_for(5, lambda seen: answer in seen)
        return time.monotonic() - pressed

    def end(self) -> None:
        """Ask the program to quit, then make sure."""
        try:
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                self.read_for(0.1)
            os.kill(self.pid, signal.SIGKILL)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.file)


def first_frame_s(state: Path) -> float | None:
    """Seconds from exec of `inferctl` to a complete first frame."""
    terminal = Terminal(INFERCTL, state=state)
    try:
        return terminal.read_for(10, lambda seen: FIRST_FRAME_MARK in seen.lower())
    finally:
        terminal.end()


def help_s() -> float:
    """Seconds of `inferctl --help`, the whole process."""
    began = time.monotonic()
    subprocess.run([INFERCTL, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def beside(state: Path, seconds: float, *command: str) -> dict[str, float]:
    """CPU share, memory and terminal bytes of a console beside a ready server."""
    terminal = Terminal(INFERCTL, *command, state=state)
    try:
        if terminal.read_for(30, lambda seen: b"ready" in seen.lower()) is None:
            raise SystemExit(f"inferctl {' '.join(command)} never showed a ready server")
        terminal.read_for(SETTLE_S)
        process = psutil.Process(terminal.pid)
        cpu_before, bytes_before = process.cpu_times(), terminal.bytes_read
        began = time.monotonic()
        terminal.read_for(seconds)
        passed = time.monotonic() - began
        cpu_after = process.cpu_times()
        used = (cpu_after.user + cpu_after.system) - (cpu_before.user + cpu_before.system)
        return {
            "cpu_percent": 100 * used / passed,
            "rss_mb": process.memory_info().rss / 1e6,
            "terminal_bytes_per_s": (terminal.bytes_read - bytes_before) / passed,
        }
    finally:
        terminal.end()


def idle(state: Path, seconds: float) -> dict[str, float]:
    """Return the figures beside a simulated server that nobody sends anything to."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = state / "CONFIG" / "inferctl" / "config.toml"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(CONFIGURATION.format(vllm=f"{INFERCTL}-simulated-vllm", port=port))
    environment = environment_of(state)
    start, stop = ([INFERCTL, verb, "idle"] for verb in ("start", "stop"))
    subprocess.run([*start, "--wait", "--force"], check=True, env=environment, capture_output=True)
    try:
        return beside(state, seconds)
    finally:
        subprocess.run(stop, check=False, env=environment, capture_output=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle-seconds", type=float, default=20)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores, {COLUMNS}x{ROWS}")
    with tempfile.TemporaryDirectory() as folder:
        helps = [help_s() for _ in range(options.runs + 1)][1:]
        frames = [first_frame_s(Path(folder)) for _ in range(options.runs + 1)][1:]
        _row("inferctl --help", statistics.median(helps), "s", 0.15)
        complete = [frame for frame in frames if frame is not None]
        if complete:
            _row("first frame", statistics.median(complete), "s", 0.5)
        if len(complete) < len(frames):
            print(f"first frame never seen in {len(frames) - len(complete)} of {len(frames)} runs")
        _rows("idle", idle(Path(folder), options.idle_seconds))
        busy = beside(Path(folder), options.idle_seconds, "demo", "--speed", "60")
        _rows("2 req/s", busy, budgeted=False)


def _rows(name: str, figures: dict[str, float], *, budgeted: bool = True) -> None:
    """Print one situation; the budgets are those of a console that has nothing new to show."""
    for words, key, unit, budget in (
        ("CPU", "cpu_percent", "% of a core", 2),
        ("memory", "rss_mb", "MB", 60),
        ("terminal output", "terminal_bytes_per_s", "B/s", 1000),
    ):
        _row(f"{name}: {words}", figures[key], unit, budget if budgeted else None)


def _row(name: str, value: float, unit: str, budget: float | None) -> None:
    mark = "" if budget is None else "within" if value <= budget else "OVER"
    told = "" if budget is None else f"{mark} the budget of {budget:g}"
    print(f"{name:24}{value:10.3f} {unit:14}{told}".rstrip())


if __name__ == "__main__":
    main()
