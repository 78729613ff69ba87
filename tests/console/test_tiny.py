"""A terminal that becomes tiny, as a pane that is pulled shut, ends nothing."""

import pytest
from textual.screen import Screen

from console.palette import Palette
from console.screens.costs import CostScreen
from console.screens.gpus import GpuScreen
from console.screens.help import HelpScreen
from console.screens.history import HistoryScreen
from console.screens.logs import LogScreen
from console.screens.main import MainScreen
from console.screens.question import Question, TextQuestion
from console.screens.welcome import WelcomeScreen
from tests.console.conftest import Host, started, until

SIZE = (80, 24)
TINY = [(1, 1), (2, 5), (5, 2), (20, 5)]
KEYS = ("pagedown", "pageup", "down")


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("ctrl+p", Palette),
        ("q", Question),
        ("p", TextQuestion),
        ("c", CostScreen),
        ("h", HistoryScreen),
        ("g", GpuScreen),
        ("question_mark", HelpScreen),
        ("l", LogScreen),
        ("", WelcomeScreen),
    ],
)
async def test_every_screen_outlives_it(host: Host, key: str, screen: type[Screen[object]]) -> None:
    app = host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await (pilot.press(key) if key else app.run_action("app.show('welcome')"))
        await until(pilot, lambda: isinstance(app.screen, screen))
        for size in TINY:
            await pilot.resize_terminal(*size)
            await pilot.press(*KEYS)
        await pilot.resize_terminal(*SIZE)
        await until(pilot, lambda: isinstance(app.screen, screen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
