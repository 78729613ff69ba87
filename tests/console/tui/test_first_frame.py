"""What the first frame does without is not loaded before it."""

import subprocess
import sys

from tests.console.conftest import REPOSITORY

LATER = {
    "console.tui.actions.actions",
    "console.tui.feeds",
    "console.tui.views.screen",
    "backends.operations.servers",
    "backends.prober.client",
    "sqlite3",
}


def test_the_app_loads_no_action_source_or_history() -> None:
    code = "import sys, console.tui.app; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not set(ran.stdout.split()) & LATER


def test_an_idle_console_does_not_load_what_writes_a_configuration() -> None:
    code = "import sys, console.tui.app, console.tui.actions.actions; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not set(ran.stdout.split()) & {"tomlkit", "sysconfig"}
