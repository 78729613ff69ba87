"""A terminal that closes takes nothing with it: the start goes on, and is shown as it was."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.terminal.conftest import INFERCTL, Tmux, eventually

pytestmark = pytest.mark.terminal

CONFIGURATION = """
[server.chat]
model = "org/model"
vllm = "{vllm}"
port = {port}
gpu_usd_per_hour = "1.88"
[server.chat.environment]
INFERCTL_SIMULATED_SPEED = "8"
INFERCTL_SIMULATED_GPU = "{gpu}"
"""


def inferctl(tmux: Tmux, *argv: str) -> Any:
    ran = subprocess.run(
        [str(INFERCTL), *argv, "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**tmux.environment, "PATH": "/usr/bin:/bin"},
    )
    return json.loads(ran.stdout)


@pytest.fixture
def profile(tmux: Tmux, tmp_path: Path) -> Iterator[Path]:
    """Configure a simulated server; whatever runs of it at the end is ended."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    vllm = Path(sys.executable).with_name("inferctl-simulated-vllm")
    file = Path(tmux.environment["XDG_CONFIG_HOME"]) / "inferctl" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(CONFIGURATION.format(vllm=vllm, port=port, gpu=tmp_path / "gpu.json"))
    yield file
    for server in inferctl(tmux, "status", "chat")["servers"]:
        for pid in (server["keeper_pid"], server["pid"]):
            if pid is None:
                continue
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                below = process.children(recursive=True)
                for each in (process, *below):
                    each.send_signal(signal.SIGKILL)


def test_a_start_goes_on_when_its_terminal_closes(tmux: Tmux, profile: Path) -> None:
    first = tmux.open(str(INFERCTL))
    first.until(lambda text: "s Start" in text)
    first.press("s")
    first.until(lambda text: "◔ starting" in text and "load weights" in text)
    (before,) = inferctl(tmux, "status", "chat")["servers"]
    first.close()
    eventually(lambda: status(tmux)["state"] == "ready" and status(tmux)["first_token_s"])
    after = status(tmux)
    assert (after["pid"], after["keeper_pid"]) == (before["pid"], before["keeper_pid"])
    assert after["started_at"] == before["started_at"]

    (start,) = inferctl(tmux, "explain", inferctl(tmux, "logs", "chat")["log"])["starts"]
    assert start["outcome"] == "ready"

    second = tmux.open(str(INFERCTL))
    shown = second.until(lambda text: "● ready" in text and "ready in" in text)
    total = re.search(r"ready in ([\d.]+) s", shown)
    assert total is not None
    told = {f"{after[key]:.1f}" for key in ("ready_s", "first_token_s")}
    assert total[1] in told
    slowest = re.search(r"most of it load weights ([\d.]+) s", shown)
    assert slowest is not None, shown
    weights = next(each for each in start["phases"] if each["name"] == "load_weights")
    assert float(slowest[1]) == pytest.approx(weights["duration_s"], abs=0.2)

    third = tmux.open(str(INFERCTL))
    again = third.until(lambda text: "● ready" in text and "ready in" in text)
    line = r"✔ ready in [^│]*"
    assert re.search(line, again)[0] == re.search(line, shown)[0]  # type: ignore[index]


def status(tmux: Tmux) -> Any:
    (server,) = inferctl(tmux, "status", "chat")["servers"]
    return server
