"""What the whole main screen looks like: fixed sessions by sizes, themes and without colour."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Mount

from backends.domain.session import Session
from backends.gpus.source import GpuSource
from backends.operations.host import Host
from backends.settings.config import Settings
from console.tui.app import InferctlApp
from console.tui.screens.main import MainScreen
from console.tui.views.screen import main_view
from tests.console import sessions
from tests.console.conftest import REPOSITORY

Compare = Callable[..., bool]
SIZES = ((80, 24), (120, 35), (160, 45))
STATES = {
    "starting": sessions.STARTING,
    "ready": sessions.READY,
    "failed": sessions.FAILED,
}


class Picture(InferctlApp):
    """The console over one session that nothing changes."""

    CSS_PATH = str(REPOSITORY / "console" / "tui" / "inferctl.tcss")

    def __init__(self, session: Session, theme: str = "textual-dark") -> None:
        settings: Settings = replace(sessions.SETTINGS, theme=theme)
        super().__init__(Host(settings, Path(), Path(), _no_gpus), None)
        self.session = session
        self.context = replace(self.context, log_tail=sessions.LOG)
        self.theme = theme

    def on_mount(self, event: Mount | None = None) -> None:
        assert event is not None
        event.prevent_default()
        self.push_screen(MainScreen(id="main"))
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        assert isinstance(self.screen, MainScreen)
        self.screen.show(main_view(self.session, self.context))


def _no_gpus() -> GpuSource:
    raise AssertionError("a picture samples nothing")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_dark(state: str, size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(Picture(STATES[state]), terminal_size=size)


@pytest.mark.parametrize("state", STATES)
def test_light(state: str, snap_compare: Compare) -> None:
    assert snap_compare(Picture(STATES[state], "textual-light"), terminal_size=(120, 35))


def test_no_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Picture(sessions.READY), terminal_size=(120, 35))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_an_operator_must_see_is_seen_at_every_size(size: tuple[int, int]) -> None:
    app = Picture(sessions.READY)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        shown = screen_text(app)
    for expected in ("ready", "tok/s", "$1.88/h", "74", "GiB", "API CHEAPER", "serverless"):
        assert expected in shown, f"{expected} is not in\n{shown}"


def screen_text(app: InferctlApp) -> str:
    """Return the characters on screen, row by row."""
    strips = app.screen._compositor.render_strips(app.screen.size)
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
