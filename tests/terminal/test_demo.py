"""The installed demo in a terminal: what an operator sees, and that nothing of it stays."""

import os
import re
import signal
import unicodedata
from pathlib import Path

import psutil
import pytest

from tests.terminal.conftest import INFERCTL, Tmux, eventually

pytestmark = pytest.mark.terminal

SIZES = [(80, 24), (120, 35), (160, 45)]


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_an_operator_sees_everything_at_once(tmux: Tmux, size: tuple[int, int]) -> None:
    pane = tmux.open(str(INFERCTL), "demo", "--speed", "20", size=size)
    shown = pane.until(lambda text: "● ready" in text and bool(re.search(r"out +[1-9]\d*", text)))
    assert "SIMULATED" in shown
    assert re.search(r"used 1\d\d of 192 GiB", shown), shown
    assert re.search(r"out +[\d.]+ tok/s", shown), shown
    assert "$1.88/h" in shown
    assert re.search(
        r"INSUFFICIENT DATA|CAPACITY UNKNOWN|API CHEAPER|TOO CLOSE|SELF HOST CHEAPER", shown
    ), shown
    assert re.search(r"q Quit", shown.splitlines()[-1]), shown
    assert max(columns(line) for line in shown.splitlines()) <= size[0]
    assert len(shown.splitlines()) <= size[1]
    pane.press("q")
    eventually(lambda: not left_behind(tmux), 20, lambda: str(left_behind(tmux)))


def test_a_console_that_is_killed_leaves_nothing_of_the_demo(tmux: Tmux) -> None:
    pane = tmux.open(str(INFERCTL), "demo", "--speed", "20")
    pane.until(lambda text: "● ready" in text)
    assert len(left_behind(tmux)) >= 4
    os.kill(pane.pid(), signal.SIGKILL)
    eventually(lambda: not left_behind(tmux), 20, lambda: str(left_behind(tmux)))
    temporary = Path(tmux.environment["TMPDIR"])
    eventually(lambda: not list(temporary.glob("inferctl-demo-*")))


def test_a_failed_start_is_explained(tmux: Tmux) -> None:
    pane = tmux.open(
        str(INFERCTL), "demo", "--speed", "20", "--fail", "gpu_out_of_memory", size=(100, 30)
    )
    shown = pane.until(lambda text: "✖ failed" in text and "Fix:" in text)
    assert "out of memory" in shown
    assert "● ready" not in shown


def left_behind(tmux: Tmux) -> list[str]:
    """Return the processes that were started with this test's folder for temporary files."""
    folder = tmux.environment["TMPDIR"]
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == folder and process.name() != "tmux: server":
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found
