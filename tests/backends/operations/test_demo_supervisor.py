"""The demo's caretaker: a helper that is killed meanwhile leaves no zombie."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.backends.simulated.conftest import children_of, until
from tests.console.stage import ROOT, free_port


def test_a_helper_that_was_killed_stays_no_zombie(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    ports = (str(free_port()), str(free_port()))
    caretaker = subprocess.Popen(
        [sys.executable, "-P", "-m", "backends.operations.demo_supervisor", str(folder), *ports],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert caretaker.stdin is not None
    try:
        until(lambda: len(children_of(caretaker.pid)) == 2, "its two helpers")
        helper = children_of(caretaker.pid)[-1]
        os.kill(helper, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{helper}").exists(), "the end of the helper")
        assert caretaker.poll() is None
    finally:
        caretaker.stdin.close()
        caretaker.wait()
    assert not folder.exists()
