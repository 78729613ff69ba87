"""The keys that open, move and close what is on screen, and what each screen then holds."""

import json
import stat
from contextlib import closing
from dataclasses import replace

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, Static
from textual.widgets._footer import FooterKey

from backends.domain.facts import LogRead
from backends.domain.server import ServerState
from backends.history.history import open_history
from backends.history.records import StartRecord
from backends.settings.config import KeySource
from console.tui.app import InferctlApp
from console.tui.screens.costs import CostScreen
from console.tui.screens.gpus import GpuScreen
from console.tui.screens.help import HelpScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.problems import ProblemsScreen
from console.tui.screens.welcome import WelcomeScreen
from tests.console.conftest import MadeHost, started, state, until
from tests.console.tui.test_ab import ended, footer
from widgets.gpu_table import GpuTable
from widgets.history_table import HistoryTable
from widgets.log_view import LogLines, LogView
from widgets.startup_panel import StartupPanel
from widgets.still_footer import StillFooter
from widgets.verdict_line import VerdictLine

SIZE = (120, 35)


@pytest.mark.parametrize(
    ("key", "screen"),
    [
        ("c", CostScreen),
        ("h", HistoryScreen),
        ("g", GpuScreen),
        ("exclamation_mark", ProblemsScreen),
        ("l", LogScreen),
        ("question_mark", HelpScreen),
    ],
)
async def test_a_key_opens_a_screen_once_and_escape_closes_it(
    made_host: MadeHost, key: str, screen: type
) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, screen))
        await pilot.press(key)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


async def test_the_log_follows_searches_and_filters(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        log = app.screen.query_one(LogLines)
        await until(pilot, lambda: log.virtual_size.height > 20)
        await pilot.press("slash", *"weights", "enter")
        await until(pilot, lambda: log.view.search == "weights")
        await pilot.press("f", *"engine", "enter")
        await until(pilot, lambda: log.view.only == "engine")
        assert log.has_focus
        assert not app.screen.query_one(Input).display
        await pilot.press("w")
        await until(pilot, lambda: log.view.problems_only)
        await pilot.press("f", *["backspace"] * 6, "enter")
        await until(pilot, lambda: log.view.only == "")
        await pilot.press("f", *"engine", "enter", "slash", "escape")
        assert not app.screen.query_one(Input).display  # only the input line was left
        await pilot.press("escape")
        await until(pilot, lambda: log.view == LogView())  # then the filter
        assert isinstance(app.screen, LogScreen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


async def test_the_keys_are_offered_again_after_a_hasty_search(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        app.action_show("logs")
        await until(pilot, lambda: isinstance(app.screen, LogScreen) and app.screen.is_mounted)
        await pilot.press("slash", "enter", "slash", "enter")
        await until(
            pilot,
            lambda: "Warnings" in [key.description for key in app.screen.query(FooterKey)],
        )
        assert app.screen.query_one(StillFooter).display


async def test_keys_of_the_console_are_letters_while_a_search_is_typed(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("slash", "q", "s", "e")
        assert app.screen.query_one(Input).value == "qse"
        assert isinstance(app.screen, LogScreen)
        assert app.is_running


async def test_no_log_line_is_lost_beneath_another_screen(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        log = app.screen.query_one(LogLines)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        app.happened(LogRead(app.host.now(), ("while help was open",)))
        await pilot.press("escape")
        await until(pilot, lambda: "while help was open" in log.render_line(0).text)


async def test_a_log_that_nobody_reads_is_not_read(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        app.happened(LogRead(app.host.now(), ("one more",)))
        await until(
            pilot,
            lambda: not any(each.group == "log" and each.is_running for each in app.workers),
        )


async def test_what_if_changes_the_verdict_and_zero_brings_it_back(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CostScreen) and app.screen.is_mounted)
        figures = app.screen.query_one("#what-if", Static)
        verdict = app.screen.query_one(VerdictLine)
        measured, before = str(figures.render()), verdict.view
        assert "—" in measured
        for _ in range(3):
            await pilot.press("right", "down")
        await until(pilot, lambda: verdict.view != before)
        assert "*" in str(figures.render())
        await pilot.press("0")
        await until(pilot, lambda: verdict.view == before)
        assert str(figures.render()).count("*") == 0


async def test_hours_of_a_day_end_at_twenty_four(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CostScreen) and app.screen.is_mounted)
        await pilot.press("up", "right", "right", "right")
        row = next(
            each
            for each in str(app.screen.query_one("#what-if", Static).render()).splitlines()
            if "hours/day" in each
        )
        assert " 24 " in row


def starts_in(made_host: MadeHost) -> tuple[StartRecord, ...]:
    with closing(open_history(made_host.folder / "history.sqlite")) as history:
        return history.recent_starts()


async def test_h_lists_starts_and_series(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.is_mounted)
        assert "nothing yet" in app.screen.query_one(HistoryTable).view.reason
        await pilot.press("escape")
        await started(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: ended(app))
        await until(pilot, lambda: bool(starts_in(made_host)))
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.is_mounted)
        view = app.screen.query_one(HistoryTable).view
    assert len(view.starts) == len(view.series) == 1
    assert view.series[0].targets == ("chat", "serverless")


async def test_g_lists_processes_with_the_server_that_owns_them(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("g")
        await until(pilot, lambda: isinstance(app.screen, GpuScreen))
        table = app.screen.query_one(GpuTable)

        def owners() -> set[str]:
            gpus = table.view.sample.gpus
            return {process.owner for gpu in gpus for process in gpu.processes or ()}

        await until(pilot, lambda: owners() == {"chat"})


@pytest.mark.parametrize(
    ("key", "panel"), [("1", "startup"), ("2", "vram"), ("3", "ab"), ("4", "cost")]
)
async def test_a_number_maximises_a_panel_and_gives_the_room_back(
    made_host: MadeHost, key: str, panel: str
) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
        await until(pilot, lambda: app.screen.has_class("-stopped"))
        await pilot.pause()
        small = app.screen.query_one(f"#{panel}").size
        await pilot.press(key)
        await until(pilot, lambda: app.screen.query_one(f"#{panel}").size.height > 20)
        assert app.screen.query_one(f"#{panel}").size.width > 100
        await pilot.press(key)
        await until(pilot, lambda: app.screen.query_one(f"#{panel}").size == small)


async def test_another_number_changes_what_is_maximised(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("1", "4")
        await until(pilot, lambda: app.screen.query_one("#cost").size.height > 20)
        assert not app.screen.query_one("#startup").display
        assert app.screen.query_one("#status").display  # SIMULATED is seen on every screen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.query_one("#startup").display)


async def test_the_palette_opens_and_finds_commands(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))


async def test_keys_are_rebound_by_their_id(made_host: MadeHost) -> None:
    made_host.settings = replace(
        made_host.settings, keys=(("screen.costs", "f8"), ("app.quit", "ctrl+t"))
    )
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await pilot.press("q")
        assert isinstance(app.screen, MainScreen)
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, CostScreen) and app.screen.is_mounted)
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "f8" in str(app.screen.query("Static").first().render())
        await pilot.press("ctrl+t")
        await until(pilot, lambda: not app.is_running)


async def test_the_footer_offers_only_what_can_act(made_host: MadeHost) -> None:
    app = made_host.app()

    def words() -> set[str]:
        return {
            each.binding.description
            for each in app.screen.active_bindings.values()
            if each.enabled and each.binding.show
        }

    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
        assert "Start" in words()
        assert not {"Stop", "Cancel"} & words()
        await started(pilot, app)
        await until(pilot, lambda: "Stop" in words())
        assert "Start" not in words()
        assert "x" not in footer(app)


async def test_without_any_profile_no_key_pretends_to_act(made_host: MadeHost) -> None:
    empty = replace(made_host.settings, servers=(), endpoints=())
    app = InferctlApp(made_host.host(settings=empty), None)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        assert not {"s", "l", "r", "x"} & footer(app)
        await pilot.press("s", "r", "x", "l")
        assert isinstance(app.screen, WelcomeScreen)


@pytest.mark.parametrize("size", [(59, 20), (80, 15), (20, 5)])
async def test_a_terminal_too_small_gets_one_line_that_says_what_is_needed(
    made_host: MadeHost, size: tuple[int, int]
) -> None:
    app = made_host.app()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
        shown = [each.id for each in app.screen.children if each.display]
        assert shown == ["too-small"]
        assert "60x16" in str(app.screen.query_one("#too-small", Static).render())
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not app.screen.query_one("#too-small").display)


async def test_an_export_holds_the_figures_and_no_secret(
    made_host: MadeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-never-to-be-written-5Jq"
    monkeypatch.setenv("PROOF_SERVERLESS_KEY", secret)
    monkeypatch.setenv("PROOF_SERVER_KEY", secret + "-server")
    profile = replace(made_host.profile, api_key_env="PROOF_SERVER_KEY")
    keyed = MadeHost(made_host.folder, made_host.endpoint_port, profile)
    endpoint = replace(
        keyed.settings.endpoints[0], api_key=KeySource("env", "PROOF_SERVERLESS_KEY")
    )
    keyed.settings = replace(keyed.settings, endpoints=(endpoint,))
    app = keyed.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("a")
        await until(pilot, lambda: ended(app))
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("e")
        exports = made_host.folder / "exports"
        await until(pilot, lambda: any(exports.glob("*/ab.md")))
        assert app.session.ab is not None
        errors = [run.error for run in app.session.ab.series.runs]
    (folder,) = exports.iterdir()
    assert errors == [None, None]
    assert {path.name for path in folder.iterdir()} >= {"screen.svg", "session.json", "ab.csv"}
    assert json.loads((folder / "session.json").read_text())["server"]["state"] == "ready"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in made_host.folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


async def test_1_shows_the_whole_start_of_a_ready_server_and_5_what_it_serves(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        assert not app.screen.query(".-whole")  # nothing is served yet
        await started(pilot, app)
        await until(pilot, lambda: app.screen.has_class("-serving"))
        panel = app.screen.query_one(StartupPanel)
        assert panel.size.height == 1
        await pilot.press("1")
        await until(pilot, lambda: panel.size.height > 10)
        shown = "\n".join(panel.render_line(y).text for y in range(panel.size.height))
        assert "load weights" in shown
        assert "ready in" in shown
        await pilot.press("1", "5")
        await until(pilot, lambda: bool(app.screen.query("#serving.-whole")))
