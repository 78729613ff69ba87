"""Watching a vLLM of somebody else, and turning from one server to another."""

import asyncio
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from backends.domain.server import Owner, Server, ServerState
from backends.domain.session import Session, watching_external
from backends.domain.stamp import Stamp
from backends.host.home import DEMO_MARK
from backends.operations import ab
from backends.operations.ab import ab_targets
from backends.operations.recording import sources
from backends.operations.watched import first_watched
from backends.servers.adopted import remember, remembered
from backends.settings.config import Endpoint, Profile, Settings
from console.tui import palette
from console.tui.app import InferctlApp
from console.tui.screens.main import MainScreen
from console.tui.screens.servers import ServersScreen
from console.tui.screens.welcome import WelcomeScreen
from tests.console.stage import host_in, serving, somebody_elses_vllm, until
from tests.console.tui.test_welcome import choose
from widgets.server_table import ServerTable
from widgets.startup_panel import StartupPanel
from widgets.status_strip import StatusStrip

PROFILE = Profile("mine", "org/mine", port=1)


@pytest.fixture(autouse=True)
def _nobody_else() -> None:
    """Let the servers of others into the lists: these tests are about them."""


@pytest.fixture(autouse=True)
def _listed_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SERVERS_S", 0.1)
    monkeypatch.setattr(sources, "METRICS_S", 0.1)


def state(app: InferctlApp) -> ServerState | None:
    return app.session.life.server.state if app.session.life else None


async def test_a_server_of_somebody_else_is_watched_and_never_offered_to_be_stopped(
    tmp_path: Path,
) -> None:
    host = host_in(tmp_path)
    with somebody_elses_vllm(tmp_path) as (pid, port):
        await serving(host.state_folder, pid)
        app = InferctlApp(host, None)
        async with app.run_test(size=(120, 35)) as pilot:
            await until(pilot, lambda: any(one.pid == pid for one in app.session.servers))
            await until(pilot, lambda: not app.actions.drawing.due)
            await choose(pilot, app, "server", str(pid))
            await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.serving)
            await until(pilot, lambda: f"vllm-{port}" in owners(app))
            status = app.screen.query_one(StatusStrip).view
            assert (status.owner, status.state) == (Owner.EXTERNAL, ServerState.READY)
            assert (status.model, status.pid, status.port) == ("org/theirs", pid, port)
            panel = app.screen.query_one(StartupPanel)
            await until(pilot, lambda: "/dev/null" in panel.view.reason)
            for action in ("start", "stop", "restart"):
                assert not app.check_action("server", (action,))
            assert not app.check_action("show", ("logs",))
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running or app.return_code == 0)
        os.kill(pid, 0)  # it was left alone


def owners(app: InferctlApp) -> set[str]:
    gpus = app.session.gpus.gpus if app.session.gpus else ()
    return {process.owner for gpu in gpus for process in gpu.processes or ()}


async def test_one_that_hangs_is_unhealthy_and_one_that_ended_is_stopped(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    with somebody_elses_vllm(tmp_path) as (pid, _):
        server = await serving(host.state_folder, pid)
        app = InferctlApp(host, server)
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.session.serving)
            os.kill(pid, signal.SIGSTOP)
            await until(pilot, lambda: state(app) is ServerState.UNHEALTHY)
            assert not app.check_action("server", ("stop",))
            os.kill(pid, signal.SIGCONT)
            await until(pilot, lambda: state(app) is ServerState.READY)
            os.killpg(pid, signal.SIGKILL)
            await until(pilot, lambda: state(app) is ServerState.FAILED)
            life = app.session.life
            assert life is not None
            assert life.server.failure is not None
            assert (life.server.pid, "ended" in life.server.failure.cause) == (None, True)


async def test_the_palette_turns_to_any_server_and_back(tmp_path: Path) -> None:
    host = host_in(tmp_path, Settings(servers=(PROFILE,)))
    with somebody_elses_vllm(tmp_path) as (pid, port):
        await serving(host.state_folder, pid)
        app = InferctlApp(host, "mine")
        async with app.run_test() as pilot:
            await until(pilot, lambda: any(one.pid == pid for one in app.session.servers))
            assert {"Watch mine", f"Watch vllm-{port}", "Export", "Help"} <= set(titles(app))
            app.action_show("gpus")
            await run_command(app, f"Watch vllm-{port}")
            await until(pilot, lambda: state(app) is ServerState.READY)
            assert isinstance(app.screen, MainScreen)
            await run_command(app, "Watch mine")
            await until(pilot, lambda: state(app) is ServerState.STOPPED)
            assert app.session.life is not None
            assert app.session.life.server.owner is Owner.MANAGED


async def test_the_servers_screen_lists_all_and_enter_watches_one(tmp_path: Path) -> None:
    host = host_in(tmp_path, Settings(servers=(PROFILE,)))
    with somebody_elses_vllm(tmp_path) as (pid, port):
        await serving(host.state_folder, pid)
        app = InferctlApp(host, "mine")
        async with app.run_test(size=(120, 35)) as pilot:
            await until(pilot, lambda: any(one.pid == pid for one in app.session.servers))
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, ServersScreen))
            table = app.screen.query_one(ServerTable)
            await until(pilot, lambda: f"vllm-{port}" in [one.name for one in table.view.rows])
            rows = {one.name: one for one in table.view.rows}
            theirs = rows[f"vllm-{port}"]
            assert (theirs.runtime, theirs.address) == ("process", f"127.0.0.1:{port}")
            assert rows["mine"].state is ServerState.STOPPED
            table.move_cursor(row=list(rows).index(theirs.name))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, MainScreen))
            await until(pilot, lambda: app.session.life and app.session.life.spawned_at is not None)
            assert app.session.life is not None
            assert app.session.life.server.pid == pid


async def test_one_key_turns_to_the_next_server_with_what_was_listed_of_it(tmp_path: Path) -> None:
    host = host_in(tmp_path, Settings(servers=(PROFILE,)))
    with somebody_elses_vllm(tmp_path) as (pid, _):
        await serving(host.state_folder, pid)
        app = InferctlApp(host, "mine")
        async with app.run_test() as pilot:
            await until(pilot, lambda: any(one.pid == pid for one in app.session.servers))
            seen: list[Server] = []
            while not seen or (seen[-1].pid != pid and len(seen) < 20):
                before = watched(app)
                await pilot.press("n")
                await until(pilot, partial(_turned_from, app, before.name))
                seen.append(watched(app))
            # No journal of it was read yet: this is what the list says.
            assert seen[-1].state is ServerState.READY


async def test_the_servers_screen_shows_who_is_charged_what(tmp_path: Path) -> None:
    host = host_in(tmp_path, Settings(servers=(PROFILE,)))
    little = ("--gpu-memory-utilization", "0.02")
    with (
        somebody_elses_vllm(tmp_path, *little) as (one, _),
        somebody_elses_vllm(tmp_path, *little) as (other, _),
    ):
        for pid in (one, other):
            await serving(host.state_folder, pid)
        app = InferctlApp(host, "mine")
        async with app.run_test(size=(160, 35)) as pilot:
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, ServersScreen))
            table = app.screen.query_one(ServerTable)

            def charged() -> list[float]:
                mine = [each.name for each in app.session.servers if each.pid in {one, other}]
                shares = (row.share for row in table.view.rows if row.name in mine)
                return [share for share in shares if share]

            # Both hold the same of the only GPU, whichever was listed first.
            await until(pilot, lambda: len(charged()) == 2 and max(charged()) < 2 * min(charged()))
            assert sum(charged()) <= 1


async def test_the_palette_quits_with_the_question_of_the_key(tmp_path: Path) -> None:
    app = InferctlApp(host_in(tmp_path, Settings(servers=(PROFILE,))), "mine")
    async with app.run_test():
        assert titles(app).count("Quit") == 1


def watched(app: InferctlApp) -> Server:
    assert app.session.life is not None
    return app.session.life.server


def _turned_from(app: InferctlApp, name: str) -> bool:
    return watched(app).name != name


def titles(app: InferctlApp) -> list[str]:
    return [command.title for command in app.get_system_commands(app.screen)]


async def run_command(app: InferctlApp, title: str) -> None:
    command = next(
        one for one in palette.commands(app, app.actions, app.screen) if one.title == title
    )
    command.callback()


async def test_a_palette_command_runs_through_the_palette_itself(tmp_path: Path) -> None:
    other = Profile("other", "org/other", port=2)
    app = InferctlApp(host_in(tmp_path, Settings(servers=(PROFILE, other))), "mine")
    async with app.run_test() as pilot:
        await pilot.press("ctrl+p", *"Watch other")
        await until(pilot, lambda: app.screen.query("CommandList Option, OptionList"))
        shown = app.screen.query_one("CommandList")
        await until(pilot, lambda: getattr(shown, "option_count", 0) > 0)
        await pilot.press("enter")
        await pilot.press("enter")
        await until(pilot, lambda: app.session.life and app.session.life.server.name == "other")
        assert isinstance(app.screen, MainScreen)


async def test_what_was_adopted_is_shown_first_where_nothing_is_configured(
    tmp_path: Path,
) -> None:
    host = host_in(tmp_path)
    assert first_watched(host) is None
    with somebody_elses_vllm(tmp_path) as (pid, _):
        server = await serving(host.state_folder, pid)
        await asyncio.to_thread(remember, host.state_folder, server)
        await asyncio.to_thread(remember, host.state_folder, server)
        assert remembered(host.state_folder) == (server,)
        first = first_watched(host)
        assert isinstance(first, Server)
        assert (first.pid, first.state) == (server.pid, ServerState.UNKNOWN)  # nobody asked yet
        configured = host_in(tmp_path, Settings(servers=(PROFILE,)))
        assert first_watched(configured) == "mine"
    assert first_watched(host) is None


def test_a_foreign_server_takes_part_in_an_ab_under_its_address() -> None:
    server = Server(
        "vllm-8000",
        Owner.EXTERNAL,
        ServerState.READY,
        pid=7,
        port=8000,
        base_url="http://127.0.0.1:8000/v1",
        model="org/theirs",
    )
    settings = Settings(endpoints=(Endpoint("api", "http://127.0.0.1:9/v1", "m"),))
    session = watching_external(Session(Stamp(0.0, 0.0)), server)
    references = ab_targets(session, settings)
    assert references == ("http://127.0.0.1:8000/v1#org/theirs", "api")
    target, _ = ab.targets(references, settings)
    assert (target.base_url, target.model) == ("http://127.0.0.1:8000/v1", "org/theirs")


async def test_the_ab_key_measures_somebody_elses_server(tmp_path: Path) -> None:
    host = host_in(tmp_path)
    with somebody_elses_vllm(tmp_path) as (pid, port):
        server = await serving(host.state_folder, pid)
        api = Endpoint("api", f"http://127.0.0.1:{port}/v1", "org/theirs")
        app = InferctlApp(host_in(tmp_path, Settings(endpoints=(api,))), server)
        async with app.run_test(size=(120, 35)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.servers)
            await pilot.press("a")
            await until(pilot, lambda: app.session.ab and app.session.ab.ended)
            assert app.session.ab is not None
            runs = app.session.ab.series.runs
            assert {run.target for run in runs} == {"a", "b"}
            assert [run.error for run in runs] == [None, None]


async def test_nobody_elses_server_stands_on_a_simulated_screen(tmp_path: Path) -> None:
    host = replace(host_in(tmp_path), simulated=True)
    (host.state_folder / DEMO_MARK).touch()
    with somebody_elses_vllm(tmp_path) as (pid, _):
        await serving(tmp_path, pid)
        app = InferctlApp(host, "mine")
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.session.servers_seen)
            assert not any(one.pid == pid for one in app.session.servers)
            assert not any(title.startswith("Watch vllm") for title in titles(app))
            assert "Welcome" not in titles(app)


async def test_an_app_without_a_server_opens_on_the_welcome(tmp_path: Path) -> None:
    app = InferctlApp(host_in(tmp_path), None)
    async with app.run_test():
        assert isinstance(app.screen, WelcomeScreen)


async def test_one_of_ours_can_be_stopped_though_its_table_is_gone(tmp_path: Path) -> None:
    running = Server("kept", Owner.MANAGED, ServerState.READY, pid=7, port=1, model="m")
    app = InferctlApp(host_in(tmp_path, Settings(servers=(PROFILE,))), "kept")
    async with app.run_test():
        life = app.session.life
        assert life is not None
        app.session = replace(app.session, life=replace(life, server=running))
        assert app.check_action("server", ("stop",))
        assert not app.check_action("server", ("restart",))
        stopped = replace(running, state=ServerState.STOPPED, pid=None)
        app.session = replace(app.session, life=replace(life, server=stopped))
        assert not app.check_action("server", ("start",))
