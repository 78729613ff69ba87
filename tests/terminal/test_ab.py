"""A series in a true terminal: the console is killed, and no finished run is lost."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal.conftest import INFERCTL, Tmux, eventually

pytestmark = pytest.mark.terminal
MODEL = "org/model"


def history() -> list[dict[str, object]]:
    told = subprocess.run(
        [str(INFERCTL), "history", "--series", "--json"], capture_output=True, check=True
    )
    found: list[dict[str, object]] = json.loads(told.stdout)["series"]
    return found


def test_a_killed_console_leaves_every_finished_run_in_the_history(tmux: Tmux) -> None:
    endpoint = subprocess.Popen(
        [sys.executable, "-m", "backends.simulated.endpoint", "--model", MODEL, "--speed", "5"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    try:
        assert endpoint.stdout is not None
        port = int(endpoint.stdout.readline())
        file = Path(os.environ["XDG_CONFIG_HOME"]) / "inferctl" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        tables = (
            f'[endpoint.{name}]\nbase_url = "http://127.0.0.1:{port}/v1"\nmodel = "{MODEL}"\n'
            for name in ("one", "two")
        )
        file.write_text(
            "[server.idle]\nmodel = 'org/model'\nvllm = '/bin/false'\n" + "".join(tables)
        )
        pane = tmux.open(str(INFERCTL), size=(80, 24))
        pane.until(lambda shown: "Series" in shown)
        pane.press("A")
        pane.until(lambda shown: "3/20" in shown)
        os.kill(pane.pid(), signal.SIGKILL)
        eventually(lambda: len(history()) == 1)
        (record,) = history()
        shown = subprocess.run(
            [str(INFERCTL), "history", str(record["series_id"]), "--json"],
            capture_output=True,
            check=True,
        )
        document = json.loads(shown.stdout)
        assert document["complete"] is False
        assert all(len(target["runs"]) >= 2 for target in document["targets"].values())
    finally:
        endpoint.terminate()
        endpoint.wait()
        assert endpoint.stdout is not None
        endpoint.stdout.close()
