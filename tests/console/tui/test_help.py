"""The help lists every key under a task, in columns that stand below each other."""

import pytest
from textual.binding import Binding

from console.tui.bindings import APP_BINDINGS, MAIN_BINDINGS
from console.tui.screens.help import TASKS, HelpScreen
from console.tui.screens.logs import LogScreen
from tests.console.conftest import MadeHost, until
from tests.console.tui.test_pictures import screen_text


def lines(names: bool) -> list[str]:
    screen = HelpScreen({"server.stop": "f8"})
    screen._names = names
    return str(screen._text().plain).splitlines()


def test_every_key_stands_under_a_heading_once() -> None:
    text = lines(names=True)
    for binding in (*APP_BINDINGS, *MAIN_BINDINGS, *LogScreen.BINDINGS):
        assert isinstance(binding, Binding)
        assert sum(line.rstrip().endswith(f"  {binding.id}") for line in text) == 1, binding.id
    headings = [task for task, _ in TASKS]
    assert [line for line in text if line in headings] == headings
    assert "Other" not in text


@pytest.mark.parametrize("names", [False, True])
def test_the_columns_stand_below_each_other(names: bool) -> None:
    text = lines(names)
    stop = next(line for line in text if "f8" in line)
    place = stop.index("Stop it")
    for tip in ("Cancel the series", "Maximize or restore", "Warnings and errors"):
        assert any(line[place:].startswith(tip) for line in text), tip
    assert any("server.restart" in line for line in text) is names


async def test_the_names_are_shown_when_asked_for(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until(pilot, lambda: "A/B, load test and study" in screen_text(app))
        assert "ab.series" not in screen_text(app)
        await pilot.press("i")
        await until(pilot, lambda: "ab.series" in screen_text(app))
