"""A container that was started by hand: adopted in its third second, to ready, A/B and stop.

The screens are written down as they change, at 80x24; INFERCTL_RECORDING names the file to keep.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docker_host import IMAGE, MOUNTS, ROOT, DockerHost
from tests.polling import free_port
from tests.terminal.conftest import INFERCTL, Pane, Tmux

pytestmark = pytest.mark.terminal
MODEL = "org/theirs"
NAME = "by-hand"
LONG_S = 200.0


class Recording(threading.Thread):
    """Writes down every screen that differs from the one before, with its second."""

    def __init__(self, pane: Pane, path: Path) -> None:
        super().__init__(daemon=True)
        self._pane = pane
        self._path = path
        self._over = threading.Event()

    def run(self) -> None:
        began_s, before = time.monotonic(), ""
        with self._path.open("w", encoding="utf-8") as file:
            while not self._over.wait(0.3):
                shown = self._pane.text()
                if shown != before:
                    file.write(f"--- {time.monotonic() - began_s:.1f} s\n{shown}")
                    before = shown

    def end(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def serverless() -> Iterator[int]:
    """Run a simulated serverless endpoint; give its port."""
    order = [sys.executable, "-m", "backends.simulated.endpoint", "--model", MODEL, "--speed", "5"]
    process = subprocess.Popen(order, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def configure(port: int) -> None:
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "inferctl" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'[endpoint.serverless]\nbase_url = "http://127.0.0.1:{port}/v1"\nmodel = "{MODEL}"\n'
    )


def typed(pane: Pane, line: str) -> None:
    pane.press("-l", line)
    pane.press("Enter")


def test_a_container_by_hand_from_its_third_second_to_its_stop(
    docker: DockerHost, tmux: Tmux, tmp_path: Path
) -> None:
    kept = os.environ.get("INFERCTL_RECORDING", "")
    path = Path(kept) if kept else tmp_path / "recording.txt"
    mounts = " ".join(f"-v {each}:{each}:ro" for each in MOUNTS)
    port = free_port()
    publish = f"-p 127.0.0.1:{port}:8000" if docker.bridge else "--network=host"
    listen = "--host 0.0.0.0" if docker.bridge else f"--port {port}"
    script = tmp_path / "run-it"
    script.write_text(
        f"docker run -d --name {NAME} {publish} {mounts} -e INFERCTL_SIMULATED_SPEED=1 "
        f"-e INFERCTL_SIMULATED_SERVING_SPEED=5 {IMAGE} vllm serve {MODEL} {listen}\n"
    )
    places = {
        "DOCKER_HOST": f"unix://{docker.engine.socket}",
        "PATH": f"{INFERCTL.parent}:{os.environ['PATH']}",
        "PS1": "$ ",
    }
    tmux.environment.update(places)
    with serverless() as endpoint:
        configure(endpoint)
        pane = tmux.open("bash", "--norc", size=(80, 24))
        pane.until(lambda shown: "$" in shown)
        recording = Recording(pane, path)
        recording.start()
        try:
            played(pane, script)
        finally:
            recording.end()
    told = path.read_text()
    assert "load weights" in told
    assert "TTFT difference" in told
    found = docker.cli("inspect", "-f", "{{.State.Running}}", NAME)
    assert found == "false"


def played(pane: Pane, script: Path) -> None:
    typed(pane, f"cat {script}; sh {script} && sleep 2 && inferctl adopt {NAME} && inferctl")
    pane.until(lambda shown: f"{NAME}, starting" in shown, LONG_S)
    pane.until(lambda shown: f"● ready  {NAME}" in shown, LONG_S)
    pane.until(lambda shown: "a A/B" in shown, LONG_S)
    pane.press("a")
    pane.until(lambda shown: "no A/B" not in shown and " ms" in shown, LONG_S)
    pane.press("q")
    pane.until(lambda shown: shown.rstrip().endswith("$"), LONG_S)
    typed(pane, f"clear; inferctl stop {NAME} --yes; docker ps -a")
    stopped = f"{NAME} has ended"
    pane.until(lambda shown: stopped in shown and shown.rstrip().endswith("$"), LONG_S)
