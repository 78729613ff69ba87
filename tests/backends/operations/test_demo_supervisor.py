"""The demo's supervisor: a helper that is killed meanwhile leaves no zombie."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from backends.operations import demo
from tests.backends.simulated.conftest import children_of, until
from tests.console.stage import ROOT


def test_a_helper_that_was_killed_stays_no_zombie(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo.furnish(folder, demo.Play(), agent=False)
    supervisor = subprocess.Popen(
        [sys.executable, "-P", "-m", "backends.operations.demo_supervisor", str(folder), "2.0"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert supervisor.stdin is not None
    try:
        until(lambda: len(children_of(supervisor.pid)) == 2, "its two helpers")
        helper = children_of(supervisor.pid)[-1]
        os.kill(helper, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{helper}").exists(), "the end of the helper")
        assert supervisor.poll() is None
    finally:
        supervisor.stdin.close()
        supervisor.wait()
    assert not folder.exists()
