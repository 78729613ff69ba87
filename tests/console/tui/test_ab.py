"""The keys for an A/B: one run, a series that is asked about, cancel, and the prompt."""

from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.server import ServerState
from backends.history.history import open_history
from backends.operations.scenario import live_demand
from backends.prober.prompts import PROMPTS
from backends.settings.config import Endpoint
from console.tui.actions.console import UNDER_WAY
from console.tui.app import InferctlApp
from console.tui.palette import commands
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question, TextQuestion
from tests.console.conftest import MadeHost, started, state, until
from widgets.ab_panel import AbPanel

SIZE = (120, 35)


def ended(app: InferctlApp) -> bool:
    return app.session.ab is not None and app.session.ab.ended


async def test_a_runs_the_prompt_once_at_the_server_and_at_the_endpoint(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: ended(app))
        panel = app.screen.query_one(AbPanel)
        await until(pilot, lambda: panel.view.done == 2)
        targets = panel.view.targets
        assert app.session.ab is not None
        runs = app.session.ab.series.runs
    assert [target.endpoint for target in targets] == ["chat", "serverless"]
    assert all(target.error == "" and target.text and target.ttft_s for target in targets)
    assert all(run.error is None and run.output_tokens for run in runs)
    assert runs[0].cost_usd is None or runs[1].cost_usd is None
    assert panel.view.difference is None
    history = open_history(made_host.folder / "history.sqlite")
    (record,) = history.recent_series()
    assert len(history.runs_of(record.series_id)) == 2
    history.close()


async def test_a_second_ab_is_ignored_while_one_is_under_way(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await started(pilot, app)
        assert isinstance(app.screen, MainScreen)
        app.action_ab("once")
        app.action_ab("once")
        await until(pilot, lambda: said(app).count(UNDER_WAY["series"]) == 1)
        await until(pilot, lambda: ended(app))
        assert app.session.ab is not None
        runs = app.session.ab.series.runs
    assert [run.error for run in runs] == [None, None]


async def test_a_second_load_is_ignored_while_one_is_under_way(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await started(pilot, app)
        (load,) = (
            each
            for each in commands(app, app.actions, app.screen)
            if each.title == "Load serverless"
        )
        load.callback()
        load.callback()
        await until(pilot, lambda: said(app).count(UNDER_WAY["load"]) == 1)
        await until(pilot, lambda: isinstance(app.screen, Question))
        questions = [each for each in app.screen_stack if isinstance(each, Question)]
    assert len(questions) == 1


def said(app: InferctlApp) -> list[str]:
    return [each.message for each in app._notifications]


async def test_what_an_ab_sends_is_no_traffic_to_decide_on(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await until(pilot, lambda: app.session.scraped is not None)
        await pilot.press("a")
        await until(pilot, lambda: ended(app))
        await until(pilot, lambda: app.session.scraped is not None and app.session.scraped.own)
        await until(pilot, lambda: app.session.scraped is not None and not app.session.scraped.own)
        assert app.session.scraped is not None
        assert app.session.scraped.counters.requests_finished
        assert live_demand(app.session).seen.n == 0


async def test_a_series_on_a_priced_endpoint_is_asked_about_with_its_bound(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert "$" in str(app.screen.query("Static").first().render())
        await pilot.press("down", "enter")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert app.session.ab is None


async def test_x_cancels_and_keeps_the_runs_that_ended(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        assert "x" not in footer(app)
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(
            pilot, lambda: app.session.ab is not None and len(app.session.ab.series.runs) >= 2
        )
        await until(pilot, lambda: "x" in footer(app))
        assert "a" not in footer(app)
        await pilot.press("x")
        await until(pilot, lambda: ended(app))
        assert app.session.ab is not None
        series = app.session.ab.series
        await until(pilot, lambda: "x" not in footer(app))
    assert 2 <= len([run for run in series.runs if run.error is None]) < 40
    assert series.reason
    assert all(target.sent_at is None for target in app.session.ab.targets)


async def test_a_measuring_process_that_cannot_begin_says_why(
    made_host: MadeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        (tmp_path / "msgspec.py").write_text("raise ImportError('no msgspec here')")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        await pilot.press("a")
        await until(pilot, lambda: "no msgspec here" in notices(app))
        assert app.session.ab is None


def notices(app: InferctlApp) -> str:
    """Return what the console has said in its corner."""
    return " ".join(each.message for each in app._notifications)


def footer(app: InferctlApp) -> set[str]:
    """Return the keys that the footer of the top screen offers now."""
    return {
        each.binding.key
        for each in app.screen.active_bindings.values()
        if each.enabled and each.binding.show
    }


async def test_no_key_for_an_ab_is_offered_without_two_endpoints(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
        panel = app.screen.query_one(AbPanel)
        await until(pilot, lambda: "needs two" in panel.view.reason)
        assert not {"a", "A"} & footer(app)
        await pilot.press("a")
        await started(pilot, app)
        await until(pilot, lambda: {"a", "A"} <= footer(app))
        assert app.session.ab is None
        await until(pilot, lambda: panel.view.reason == "")


async def test_an_endpoint_that_refuses_is_an_error_of_its_lane_alone(made_host: MadeHost) -> None:
    refused = MadeHost(made_host.folder, made_host.endpoint_port, made_host.profile)
    endpoint = replace(refused.settings.endpoints[0], model="org/model-401")
    refused.settings = replace(refused.settings, endpoints=(endpoint,))
    app = refused.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: ended(app))
        panel = app.screen.query_one(AbPanel)
        await until(pilot, lambda: [each.state for each in panel.view.targets][1:] == ["error"])
    a, b = panel.view.targets
    assert a.error == ""
    assert "401" in b.error
    assert b.ttft_s is None


async def test_two_endpoints_race_without_any_server(made_host: MadeHost) -> None:
    first = made_host.settings.endpoints[0]
    other = Endpoint("other", first.base_url, first.model)
    made_host.settings = replace(made_host.settings, endpoints=(first, other))
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: ended(app))
    assert app.session.ab is not None
    assert [run.error for run in app.session.ab.series.runs] == [None, None]


async def test_p_chooses_a_prompt_of_the_library(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        before = app.context.prompt
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, TextQuestion))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: not isinstance(app.screen, TextQuestion))
        await until(pilot, lambda: app.context.prompt is not before)
        assert app.context.prompt in PROMPTS


async def test_p_takes_a_typed_prompt_and_one_from_a_file(
    made_host: MadeHost, tmp_path: Path
) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("From a [bold]file[/bold]")
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        for typed, expected in (("Why?", "Why?"), (f"@{file}", "From a [bold]file[/bold]")):
            await pilot.press("p")
            await until(pilot, lambda: isinstance(app.screen, TextQuestion))
            await pilot.press("tab", *typed, "enter")
            await until(pilot, lambda text=expected: app.context.prompt.text == text)  # type: ignore[misc]


async def test_p_with_a_file_that_is_not_there_keeps_the_prompt(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        before = app.context.prompt
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, TextQuestion))
        await pilot.press("tab", *"@/nowhere/x", "enter")
        await until(pilot, lambda: len(app._notifications) == 1)
        assert app.context.prompt is before
