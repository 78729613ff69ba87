"""What the first frame does without is not loaded before it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from console.tui.app import InferctlApp
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from tests.console.conftest import REPOSITORY, SERVER, until
from tests.console.stage import host_in
from widgets.status_strip import StatusStrip

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


async def test_no_header_waits_for_the_first_fact_to_say_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tui.app.FIRST_FRAME_S", 1e6)  # nothing yields a fact
    app = InferctlApp(replace(host_in(tmp_path), simulated=True), SERVER)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.screen.query_one(StatusStrip).view.simulated)
        for screen in (GpuScreen(), HelpScreen({})):
            app.push_screen(screen)
            await until(pilot, lambda: app.screen is screen and screen.is_mounted)  # noqa: B023
            await until(pilot, lambda: screen.query_one(StatusStrip).view.simulated)  # noqa: B023
