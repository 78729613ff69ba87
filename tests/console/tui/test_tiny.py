"""A terminal that becomes tiny, as a pane that is pulled shut, ends nothing."""

import pytest
from textual.screen import Screen

from console.tui.palette import Palette
from console.tui.screens.costs import CostScreen
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.problems import ProblemsScreen
from console.tui.screens.question import Question, TextQuestion
from console.tui.screens.welcome import WelcomeScreen
from tests.console.conftest import MadeHost, started, until

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
        ("exclamation_mark", ProblemsScreen),
        ("question_mark", HelpScreen),
        ("l", LogScreen),
        ("", WelcomeScreen),
    ],
)
async def test_every_screen_outlives_it(
    made_host: MadeHost, key: str, screen: type[Screen[object]]
) -> None:
    app = made_host.app()
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
