"""A study from a key: asked about once, in the background, ended by a key and resumed."""

import json

from textual.pilot import Pilot

from backends.operations.study.folder import FOLDER
from console.tui.app import InferctlApp
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question
from tests.console.conftest import SERVER, MadeHost, started, until
from widgets.study_strip import StudyStrip

SIZE = (120, 35)


async def answer(pilot: Pilot[str], app: InferctlApp, says: str, *keys: str) -> None:
    """Press keys once a question is on the screen."""
    await until(
        pilot,
        lambda: (
            isinstance(app.screen, Question)
            and app.screen.is_mounted
            and says in str(app.screen.query("Static").first().render())
        ),
    )
    await pilot.press(*keys)


def finished(made_host: MadeHost) -> dict[str, bytes]:
    return {
        file.stem: file.read_bytes() for file in (made_host.folder / FOLDER).glob("*/steps/*.json")
    }


async def test_a_study_runs_in_the_background_ends_by_x_and_resumes(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("S")
        await answer(pilot, app, f"A study of {SERVER} beside", "down", "enter")
        await answer(pilot, app, "a quick study of", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        strip = app.screen.query_one(StudyStrip)
        await until(pilot, lambda: "start-1" in finished(made_host), 60.0)
        await until(pilot, lambda: (strip.view.number or 0) > 2)
        assert (strip.display, strip.view.server, strip.view.of) == (True, SERVER, 9)
        assert strip.view.left_s is not None
        drawn, scraped = app.session.now, app.session.scraped
        await until(pilot, lambda: app.session.now != drawn)
        await pilot.press("x")
        await until(pilot, lambda: not strip.display)
        assert app.context.study is None
        had = finished(made_host)
        assert "start-1" in had
        assert "idle" not in had
        assert scraped is None or app.session.scraped is not None

        await pilot.press("S")
        await answer(pilot, app, f"A study of {SERVER} beside", "down", "enter")
        await answer(pilot, app, f"({len(had)} steps are done)", "escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        assert app.context.study is None
    assert {name: finished(made_host)[name] for name in had} == had
    assert json.loads(had["start-1"])["result"]["start"]["outcome"] == "ready"
    assert not list((made_host.folder / FOLDER).glob("*/study.json"))
