"""What the main screen is about in each state, at every size, and what stands on every screen."""

from dataclasses import replace
from functools import partial

import pytest
from textual.screen import Screen

from backends.domain.session import advance
from console.tui.app import InferctlApp
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogScreen
from console.tui.views.log_tail import log_tail_view
from console.tui.views.screen import main_view
from console.tui.views.vram import vram_view
from tests.console import sessions
from tests.console.conftest import MadeHost, until
from tests.console.tui.test_pictures import Picture, screen_text

SIZES = ((60, 16), (80, 24), (100, 30), (120, 35), (160, 45), (200, 50))
SEEN = {
    "starting": (sessions.STARTING, ("◔ starting", "load weights", "VRAM GiB", "shard 9/15", "$")),
    "serving": (sessions.READY, ("● ready", "440", "TTFT", "GiB", "API CHEAPER", "◆", "$0.1452")),
    "failed": (sessions.FAILED, ("✖ failed", "gpu out of memory", "--tensor-parallel-size", "$")),
    "stopped": (sessions.EMPTY, ("○ stopped", "press s", "vllm serve org/model", "$1.88/h")),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", SEEN)
async def test_what_matters_in_a_state_is_seen_at_every_size(
    state: str, size: tuple[int, int]
) -> None:
    session, expected = SEEN[state]
    app = Picture(session)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        shown = screen_text(app)
    assert main_view(session, app.context).layout == state
    for fact in expected:
        assert fact in shown, f"{fact} is not in\n{shown}"
    assert shown.splitlines()[-1].rstrip().endswith("q Quit"), shown


@pytest.mark.parametrize("size", SIZES[1:], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_log_beside_a_failure_begins_at_its_root_line(size: tuple[int, int]) -> None:
    app = Picture(sessions.FAILED)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await pilot.pause()
        shown = screen_text(app)
    assert "▶ 41 torch.OutOfMemoryError: CUDA out of memory." in shown
    assert "EngineCore failed to start" in shown or size == (80, 24)
    assert "vLLM API server version" not in shown


def test_the_log_beside_a_start_leaves_out_the_probes_of_inferctl() -> None:
    context = replace(sessions.DESK, log_tail=sessions.LOG)
    assert any("GET /health" in text for text in sessions.LOG)
    assert not any(
        "GET /health" in text for text in log_tail_view(sessions.STARTING, context).lines
    )


def test_the_memory_of_a_ready_server_is_drawn_on() -> None:
    session = sessions.READY
    newest_s = session.now.mono_s
    for later_s in (10, 20, 30):
        session = advance(session, sessions.gpu(newest_s + later_s, 74.0 + later_s / 10))
    view = vram_view(session)
    assert view.timeline[-1] == (0.0, int(77.0 * sessions.GIB))
    assert view.t1_s == 0.0
    assert view.timeline[0][0] >= view.t0_s


def shows(app: InferctlApp, kind: type[Screen[None]]) -> bool:
    return isinstance(app.screen, kind)


async def test_the_header_stands_on_every_screen(made_host: MadeHost) -> None:
    app = made_host.app()
    app.context = replace(app.context, simulated=True)
    kinds: dict[str, type[Screen[None]]] = {
        "l": LogScreen,
        "h": HistoryScreen,
        "g": GpuScreen,
        "question_mark": HelpScreen,
    }
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.has_class("-stopped"))
        for key, kind in kinds.items():
            await pilot.press(key)
            await until(pilot, partial(shows, app, kind))
            await until(pilot, lambda: "SIMULATED" in screen_text(app).splitlines()[0])
            assert "stopped" in screen_text(app).splitlines()[0]
            await pilot.press("escape")


async def test_a_screen_has_its_header_before_anything_else_happens(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.has_class("-stopped"))
        app.workers.cancel_all()
        for key in ("g", "question_mark"):
            await pilot.press(key)
            await until(pilot, lambda: "stopped" in screen_text(app).splitlines()[0])
            await pilot.press("escape")
