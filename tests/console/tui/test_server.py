"""The keys that act on a server: start, stop, restart, and quitting while one runs."""

import getpass
import os
import signal
from dataclasses import replace

import pytest

from backends.domain.facts import Ticked
from backends.domain.lifecycle import failure_of
from backends.domain.server import ServerState
from backends.domain.serving import Counters
from backends.domain.start import FailureKind, PhaseName
from backends.history.history import open_history
from backends.operations.host import settings_of_this_host
from console.tui.actions.console import UNDER_WAY
from console.tui.app import InferctlApp
from console.tui.screens.logs import LogScreen
from console.tui.screens.question import Question
from tests.console.cli.conftest import configure
from tests.console.conftest import SERVER, MadeHost, started, state, until
from tests.console.tui.test_pictures import screen_text
from widgets.log_view import LogLines
from widgets.startup_panel import StartupPanel
from widgets.status_strip import StatusStrip
from widgets.vram_panel import VramPanel

SIZE = (120, 35)


async def test_a_start_is_shown_phase_by_phase_and_kept_in_the_history(made_host: MadeHost) -> None:
    app = made_host.with_environment(SPEED="60").app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
        await pilot.press("s")
        panel = app.screen.query_one(StartupPanel)
        await until(
            pilot, lambda: any(row.fraction for row in panel.view.phases if row.duration_s is None)
        )
        await until(pilot, lambda: first_token_s(app) is not None)
        await until(pilot, lambda: panel.view.total_s == first_token_s(app))
        await until(pilot, lambda: app.screen.query_one(StatusStrip).view.state == "ready")
        await until(pilot, lambda: bool(app.screen.query_one(VramPanel).view.gpus))
        startup = panel.view
    assert startup.total_s is not None
    assert {row.name for row in startup.phases} >= {PhaseName.LOAD_WEIGHTS, PhaseName.COMPILE}
    tiled = sum(phase.duration_s or 0.0 for phase in startup.phases) + startup.unlogged_s
    assert tiled == pytest.approx(startup.total_s, abs=1e-6)
    history = open_history(made_host.folder / "history.sqlite")
    (record,) = history.recent_starts()
    history.close()
    assert record.server == SERVER
    assert record.start.total_s == startup.total_s


def first_token_s(app: InferctlApp) -> float | None:
    return app.session.life.server.first_token_s if app.session.life else None


async def test_stop_asks_and_neither_escape_nor_enter_stops(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        for key in ("s", "r"):
            for answer in ("escape", "enter"):
                await pilot.press(key)
                await until(pilot, lambda: isinstance(app.screen, Question))
                await pilot.press(answer)
                await until(pilot, lambda: not isinstance(app.screen, Question))
                assert state(app) is ServerState.READY
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
    assert made_host.state() is ServerState.STOPPED


@pytest.mark.parametrize("key", ["s", "r"])
async def test_the_question_before_an_outage_names_the_requests_that_are_cut_off(
    made_host: MadeHost, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    busy = Counters(requests_running=4.0, requests_waiting=2.0)
    monkeypatch.setattr("backends.metrics.scrape.scrape", lambda *_, **__: busy)
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await until(pilot, lambda: app.session.serving is not None)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, Question))
        asked = str(app.screen.query("Static").first().render())
    assert "4 requests running, 2 waiting; unfinished requests are cut off" in asked


async def test_restart_asks_stops_and_starts_anew(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        assert app.session.life is not None
        first_pid = app.session.life.server.pid
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(
            pilot,
            lambda: (
                state(app) is ServerState.READY
                and app.session.life is not None
                and app.session.life.server.pid != first_pid
            ),
        )


async def test_a_second_start_is_ignored_while_one_is_under_way(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: state(app) is ServerState.STOPPED)
        app.action_server("start")
        app.action_server("start")
        app.action_server("restart")
        await until(pilot, lambda: state(app) is ServerState.READY)
        await until(pilot, lambda: said(app).count(UNDER_WAY["server"]) == 2)
        assert not [each for each in said(app) if "kept already" in each]


def said(app: InferctlApp) -> list[str]:
    return [each.message for each in app._notifications]


async def test_a_second_stop_is_ignored_while_one_is_under_way(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await started(pilot, app)
        app.action_server("stop")
        await until(pilot, lambda: isinstance(app.screen, Question))
        app.action_server("stop")
        app.action_server("restart")
        await until(pilot, lambda: said(app).count(UNDER_WAY["server"]) == 2)
        questions = [each for each in app.screen_stack if isinstance(each, Question)]
        assert len(questions) == 1
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        app.action_server("leave")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert made_host.state() is ServerState.READY


async def test_q_asks_and_leaves_the_server_running_by_default(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("enter")
        await until(pilot, lambda: not app.is_running)
    assert made_host.state() is ServerState.READY


async def test_q_stops_the_server_first_where_that_is_the_answer(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: not app.is_running)
    assert made_host.state() is ServerState.STOPPED


async def test_escape_neither_quits_nor_stops(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert app.is_running
        assert state(app) is ServerState.READY


async def test_q_without_a_running_server_quits_at_once(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_facts_flow_while_a_question_is_open(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question))
        before = app.session.now
        await until(pilot, lambda: app.session.now.mono_s > before.mono_s)
        late = replace(app.host.now(), wall_s=app.session.now.wall_s + 3600)
        app.happened(Ticked(replace(late, mono_s=late.mono_s + 3600)))
        strip = app.screen_stack[-2].query_one(StatusStrip)
        await until(pilot, lambda: (strip.view.uptime_s or 0) > 3600)
        assert isinstance(app.screen, Question)


async def test_a_failed_start_shows_kind_cause_and_remedy(made_host: MadeHost) -> None:
    app = made_host.with_environment(FAILURE="gpu_out_of_memory").app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: state(app) is ServerState.FAILED)
        panel = app.screen.query_one(StartupPanel)
        await until(pilot, lambda: panel.view.failure is not None)
        failure = panel.view.failure
    assert failure is not None
    assert failure.kind is FailureKind.GPU_OUT_OF_MEMORY
    assert failure.cause
    assert failure.remedy


async def test_one_key_applies_the_fix_shows_it_first_and_starts_again(made_host: MadeHost) -> None:
    failing = made_host.with_environment(FAILURE="kv_cache_too_small")
    profile = failing.profile
    variables = ", ".join(f'{name} = "{value}"' for name, value in profile.environment)
    written = configure(
        f'[server.{SERVER}]  # mine\nmodel = "{profile.model}"\nvllm = "{profile.vllm}"\n'
        f'args = ["--seed", "1", "--max-model-len", "131072"]\nport = {profile.port}\n'
        f"environment = {{ {variables} }}\n"
    )
    app = InferctlApp(failing.host(settings=settings_of_this_host()), SERVER)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f")
        assert not isinstance(app.screen, Question), "there is nothing to fix yet"
        await pilot.press("s")
        await until(pilot, lambda: state(app) is ServerState.FAILED)
        await until(pilot, lambda: "Fix (f): Set --max-model-len 61312" in screen_text(app))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, Question))
        asked = screen_text(app)
        assert "- --max-model-len 131072" in asked
        assert "+ --max-model-len 61312" in asked
        await pilot.press("enter")
        await until(pilot, lambda: state(app) is ServerState.READY)
        assert not app.check_action("server", ("fix",))
    assert "# mine" in written.read_text()
    (kept,) = settings_of_this_host().servers
    assert kept.args == ("--seed", "1", "--max-model-len", "61312")


async def test_what_would_make_a_start_fail_is_asked_about_and_not_launched(
    made_host: MadeHost,
) -> None:
    gone = MadeHost(
        made_host.folder, made_host.endpoint_port, replace(made_host.profile, vllm="/nowhere/vllm")
    )
    app = gone.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question))
        assert "/nowhere/vllm" in str(app.screen.query("Static").first().render())
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        assert state(app) is ServerState.STOPPED


async def test_a_launch_against_advice_is_told_why_it_failed(made_host: MadeHost) -> None:
    gone = MadeHost(
        made_host.folder, made_host.endpoint_port, replace(made_host.profile, vllm="/nowhere/vllm")
    )
    app = gone.app()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(
            pilot, lambda: any("/nowhere/vllm" in each.message for each in app._notifications)
        )
        assert state(app) is ServerState.STOPPED


async def test_a_second_console_shows_the_same_start(made_host: MadeHost) -> None:
    first = made_host.app()
    async with first.run_test(size=SIZE) as pilot:
        await started(pilot, first)
        await until(
            pilot,
            lambda: (
                first.session.life is not None
                and first.session.life.server.first_token_s is not None
            ),
        )
        await until(pilot, lambda: shows_the_first_token(first))
        shown = first.screen.query_one(StartupPanel).view.phases
    second = made_host.app()
    async with second.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: state(second) is ServerState.READY)
        await until(pilot, lambda: shows_the_first_token(second))
        again = second.screen.query_one(StartupPanel).view.phases
    assert [(row.name, row.start_s, row.duration_s) for row in again] == [
        (row.name, row.start_s, row.duration_s) for row in shown
    ]


def shows_the_first_token(app: InferctlApp) -> bool:
    """Return whether the panel has drawn the last phase that there will be."""
    view = app.screen.query_one(StartupPanel).view
    return view.compact and any(row.name is PhaseName.FIRST_TOKEN for row in view.phases)


async def test_a_server_whose_keeper_and_processes_were_killed_is_not_called_ready(
    made_host: MadeHost,
) -> None:
    first = made_host.app()
    async with first.run_test(size=SIZE) as pilot:
        await started(pilot, first)
    made_host.clean()
    second = made_host.app()
    async with second.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: state(second) is ServerState.FAILED)


async def test_the_log_of_a_failed_start_opens_at_the_root_line_which_is_marked(
    made_host: MadeHost,
) -> None:
    app = made_host.with_environment(FAILURE="gpu_out_of_memory").app()
    async with app.run_test(size=(160, 12)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: state(app) is ServerState.FAILED)
        assert app.session.life is not None
        failure = failure_of(app.session.life)
        assert failure is not None
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        log = app.screen.query_one(LogLines)

        def marked() -> list[str]:
            strips = [log.render_line(y) for y in range(log.scrollable_content_region.height)]
            return [
                strip.text
                for strip in strips
                if any(part.style and part.style.reverse for part in strip)
            ]

        await until(pilot, lambda: bool(marked()))
        (line,) = marked()
    assert failure.line[:40] in line


async def test_a_server_that_is_killed_while_it_serves_is_shown_in_red(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        assert app.session.life is not None
        pid = app.session.life.server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(pilot, lambda: state(app) is ServerState.FAILED)
        await pilot.pause()
        panel = app.screen.query_one(StartupPanel)
        await until(pilot, lambda: panel.view.end_of_service != "")
        strip = app.screen.query_one(StatusStrip)
        await until(pilot, lambda: strip.view.end_of_service != "")
        first = panel.lines(100, 8)[0]
        life = app.session.life
    assert panel.view.end_of_service.startswith("stopped unexpectedly after ")
    assert first.plain.startswith("✖ stopped unexpectedly after ")
    assert life.server.failure is not None
    assert life.server.failure.kind is FailureKind.KILLED
    history = open_history(made_host.folder / "history.sqlite")
    (record,) = history.recent_starts()
    history.close()
    assert record.start.failure is not None
    assert record.start.failure.kind is FailureKind.KILLED
    assert record.start.served_s is not None


async def test_a_read_only_console_orders_nothing_and_says_so(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        orders = [
            *(("server", what) for what in ("start", "stop", "restart", "sleep", "end", "fix")),
            *(("ab", what) for what in ("once", "series", "prompt")),
            *(("load", what) for what in ("open", "cancel")),
        ]
        assert app.check_action("server", ("stop",))
        app.context = replace(app.context, read_only=True)
        assert not [each for each in orders if app.check_action(each[0], (each[1],))]
        assert app.check_action("show", ("logs",))
        await until(pilot, lambda: "READ-ONLY" in screen_text(app).splitlines()[0])
        assert not [each for each in app.get_system_commands(app.screen) if "Load" in each.title]
        await pilot.press("s", "r", "a")
        assert not isinstance(app.screen, Question)
        assert state(app) is ServerState.READY


async def test_who_started_a_server_is_known_to_all(made_host: MadeHost) -> None:
    app = made_host.app()
    async with app.run_test(size=(200, 50)) as pilot:
        await started(pilot, app)
        life = app.session.life
        assert life is not None
        assert getpass.getuser() in life.server.started_by
        await until(pilot, lambda: "started by" in screen_text(app).splitlines()[0])
