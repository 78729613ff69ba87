"""The load test of the console replays recorded traffic, in the words of the verb."""

from contextlib import closing

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from backends.history.history import open_history
from console.tui.app import InferctlApp
from console.tui.screens.load import LoadScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question, TextQuestion
from tests.console.conftest import SERVER, MadeHost, started, until
from widgets.load_curve import LoadCurve

SIZE = (120, 35)


def traffic(made_host: MadeHost) -> str:
    rows = "".join(f"2026-11-30T10:00:{second:02},10,4\n" for second in range(20))
    path = made_host.folder / "of a day.csv"
    path.write_text(f"timestamp,input_tokens,output_tokens\n{rows}")
    return str(path)


async def type_trace(pilot: Pilot[str], app: InferctlApp, typed: str) -> None:
    """Choose to replay traffic at the server, and name it."""
    await started(pilot, app)
    app.actions.load.load(SERVER)
    await until(pilot, lambda: isinstance(app.screen, Question) and app.screen.is_mounted)
    await pilot.press("down", "down", "enter")
    await until(pilot, lambda: isinstance(app.screen, TextQuestion) and app.screen.is_mounted)
    app.screen.query_one(Input).value = typed
    await pilot.press("enter")


async def test_traffic_is_replayed_at_a_speed(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await type_trace(pilot, app, f"--trace {traffic(made_host)} --speed 20")
        await until(pilot, lambda: isinstance(app.screen, Question) and app.screen.is_mounted)
        sentence = str(app.screen.query("Static").first().render())
        assert sentence.startswith("20 recorded requests in 1 s (x20), then load on")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, LoadScreen) and app.screen.is_mounted)
        curve = app.screen.query_one(LoadCurve)
        assert curve.view.replay == ("20 recorded requests in 1 s (x20)",)
        await until(pilot, lambda: len(curve.view.points) >= 1)
        await pilot.press("x")
        await until(pilot, lambda: curve.view.finding != "")
        assert any("20 of 20 arrivals sent" in said for said in curve.view.replay)
    with closing(open_history(made_host.folder / "history.sqlite")) as history:
        (record,) = history.findings.recent("load")
    assert record.document["replayed"]["arrivals"] == 20


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("/nowhere/at-all.csv", "at-all.csv"),
        ("day.csv --speed 0", "is not traffic to replay; type FILE, or FILE --speed 10"),
    ],
)
async def test_what_cannot_be_replayed_is_said(typed: str, said: str, made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await type_trace(pilot, app, typed)
        await until(pilot, lambda: any(said in each.message for each in app._notifications))
        assert isinstance(app.screen, MainScreen)
        assert app.context.load is None
