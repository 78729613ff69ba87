"""The first screen: what is found, what a choice writes, and which server is shown then."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from backends.discovery.offer import Offer, discover
from backends.discovery.surroundings import Surroundings
from backends.host.ports import is_free
from backends.operations import profiles
from backends.settings.config import Endpoint, Profile, Settings
from backends.settings.paths import config_file
from backends.settings.read import read_settings
from console.tui.actions import setup
from console.tui.app import InferctlApp
from console.tui.screens import welcome as welcome_module
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question, TextQuestion
from console.tui.screens.welcome import WelcomeScreen
from tests.console.stage import free_port, host_in, until
from widgets.welcome import Welcome, WelcomeItem

SIZES = ((80, 24), (120, 35))


@pytest.fixture
def made_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made host: one complete model, one vLLM on PATH, nothing else."""
    snapshot = tmp_path / "hf" / "hub" / "models--org--small-1.5B" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"weights")
    add_vllm(tmp_path / "bin")
    around = Surroundings(
        home=tmp_path / "home",
        cwd=tmp_path / "cwd",
        environ={"PATH": str(tmp_path / "bin"), "HF_HOME": str(tmp_path / "hf")},
        root=tmp_path / "root",
    )
    monkeypatch.setattr(welcome_module, "discover", partial(discover, around))
    return tmp_path


def add_vllm(folder: Path) -> Path:
    folder.mkdir(parents=True)
    executable = folder / "vllm"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    return executable


@pytest.fixture
def slow_search(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A search that goes on until the event is set."""
    over = threading.Event()

    def search() -> Offer:
        over.wait()
        return Offer((), (), None, (), (), (("models", "no model at all"),))

    monkeypatch.setattr(welcome_module, "discover", search)
    yield over
    over.set()


def items(app: InferctlApp, kind: str) -> list[WelcomeItem]:
    return [item for item in app.screen.query_one(Welcome).view.items if item.kind == kind]


def welcomed(app: InferctlApp, kind: str) -> bool:
    shown = isinstance(app.screen, WelcomeScreen) and app.screen.is_mounted
    return shown and bool(items(app, kind))


async def choose(pilot: Pilot[str], app: InferctlApp, kind: str, value: str) -> None:
    """Move to an item with the keys, and take it."""
    assert isinstance(app.screen, WelcomeScreen)
    for _ in range(40):
        marked = app.screen.offered.marked
        if marked is not None and (marked.kind, marked.value) == (kind, value):
            await pilot.press("enter")
            return
        await pilot.press("down")
    raise AssertionError(f"no {kind} {value} to choose")


async def test_the_frame_does_not_wait_for_the_search(
    tmp_path: Path, slow_search: threading.Event
) -> None:
    app = InferctlApp(host_in(tmp_path), None)
    async with app.run_test(size=SIZES[0]) as pilot:
        assert isinstance(app.screen, WelcomeScreen)
        shown = app.screen.query_one(Welcome)
        assert shown.view.looking
        assert items(app, "demo")
        await until(pilot, lambda: app.session.servers_seen and app.session.gpus)
        assert shown.view.looking
        slow_search.set()
        await until(pilot, lambda: not shown.view.looking)
        assert ("model", "no model at all") in shown.view.nothing


async def test_the_mark_is_on_top_when_the_search_is_over(made_host: Path) -> None:
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await until(pilot, lambda: welcomed(app, "vllm"))
        shown = app.screen.query_one(Welcome)
        await until(pilot, lambda: not shown.view.looking)
        # Servers of others may come to this host at any time, and then stand above the mark.
        assert shown.marked is not None
        assert shown.marked.kind in {"server", "model"}


async def test_the_mark_stays_on_its_item_while_servers_come_and_go(made_host: Path) -> None:
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await until(pilot, lambda: welcomed(app, "vllm"))
        shown = app.screen.query_one(Welcome)
        await until(pilot, lambda: not shown.view.looking)
        await pilot.press("down")
        before = shown.marked
        assert before is not None
        more = WelcomeItem("server", "0", "org/new", "port 1, external")
        shown.view = replace(shown.view, items=(more, *shown.view.items))
        assert shown.marked == before
        left = tuple(item for item in shown.view.items if item != more)
        shown.view = replace(shown.view, items=left)
        assert shown.marked == before


@pytest.mark.parametrize("size", SIZES)
async def test_a_model_becomes_a_written_profile_on_the_main_screen(
    made_host: Path, size: tuple[int, int]
) -> None:
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: welcomed(app, "model"))
        await choose(pilot, app, "model", "org/small-1.5B")
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.life)
        assert app.session.life is not None
        assert app.session.life.server.name == "small-1.5B"
        assert app.check_action("server", ("start",))
    (profile,) = read_settings(config_file()).servers
    assert (profile.name, profile.model) == ("small-1.5B", "org/small-1.5B")
    assert profile.vllm == str(made_host / "bin" / "vllm")
    assert profile.port >= profiles.FIRST_PORT
    assert "# " in config_file().read_text()


async def test_it_is_told_where_the_file_lies(made_host: Path) -> None:
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: welcomed(app, "model"))
        await choose(pilot, app, "model", "org/small-1.5B")
        await until(pilot, lambda: app._notifications)
        (told,) = app._notifications
        assert str(config_file()) in told.message


async def test_of_several_executables_one_is_asked_for(made_host: Path) -> None:
    other = add_vllm(made_host / "home" / "env" / "bin")
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await until(pilot, lambda: welcomed(app, "model"))
        await choose(pilot, app, "model", "org/small-1.5B")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.life)
    (profile,) = read_settings(config_file()).servers
    assert profile.vllm == str(other)


async def test_an_executable_asks_for_the_model(made_host: Path) -> None:
    folder = made_host / "models" / "mine"
    folder.mkdir(parents=True)
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await until(pilot, lambda: welcomed(app, "vllm"))
        await choose(pilot, app, "vllm", str(made_host / "bin" / "vllm"))
        await until(pilot, lambda: isinstance(app.screen, TextQuestion))
        asked = app.screen.query_one(OptionList)
        assert asked.get_option_at_index(0).id == "org/small-1.5B"
        app.screen.query_one(Input).focus()
        app.screen.query_one(Input).value = str(folder)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.life)
    (profile,) = read_settings(config_file()).servers
    assert (profile.name, profile.model) == ("mine", str(folder))


async def test_what_is_typed_on_an_empty_host_is_the_model_and_then_the_executable(
    made_host: Path,
) -> None:
    shutil.rmtree(made_host / "hf")
    moved = made_host / "else" / "vllm"
    moved.parent.mkdir()
    (made_host / "bin" / "vllm").rename(moved)
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await until(pilot, lambda: not app.screen.query_one(Welcome).view.looking)
        await pilot.press("n")
        for answer in ("org/model", str(moved)):
            await until(pilot, lambda: isinstance(app.screen, TextQuestion))
            assert not app.screen.query(OptionList)
            asked = app.screen
            await pilot.press(*answer, "enter")
            await until(pilot, lambda: app.screen is not asked)  # noqa: B023
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.life)
    (profile,) = read_settings(config_file()).servers
    assert (profile.model, profile.vllm) == ("org/model", str(moved))


async def test_what_is_typed_beside_prepared_answers_goes_into_the_input(made_host: Path) -> None:
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await until(pilot, lambda: welcomed(app, "model"))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, TextQuestion))
        line = app.screen.query_one(Input)
        await pilot.press("o", "r", "g", "/", "m")
        assert (line.value, app.focused) == ("org/m", line)
        await pilot.press("shift+tab", "2")
        assert (line.value, app.focused) == ("org/m2", line)
        app.screen.query_one(OptionList).focus()
        app.post_message(events.Paste("-7B\nsecond line"))
        await until(pilot, lambda: line.value == "org/m2-7B")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MainScreen) and app.session.life)
    (profile,) = read_settings(config_file()).servers
    assert profile.model == "org/m2-7B"


async def test_a_folder_that_is_not_there_is_told_and_nothing_is_written(made_host: Path) -> None:
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: welcomed(app, "vllm"))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, TextQuestion))
        app.screen.query_one(Input).focus()
        app.screen.query_one(Input).value = "/no/such/folder"
        await pilot.press("enter")
        await until(pilot, lambda: app._notifications)
        assert isinstance(app.screen, WelcomeScreen)
    assert not config_file().exists()


async def test_where_nothing_is_found_every_reason_stands_and_the_demo_is_offered(
    made_host: Path,
) -> None:
    shutil.rmtree(made_host / "hf")
    shutil.rmtree(made_host / "bin")
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test(size=SIZES[0]) as pilot:
        await until(pilot, lambda: not app.screen.query_one(Welcome).view.looking)
        reasons = dict(app.screen.query_one(Welcome).view.nothing)
        assert str(made_host / "hf" / "hub") in reasons["model"]
        assert "install vllm" in reasons["vllm"]
        await choose(pilot, app, "demo", "demo")
        await until(pilot, lambda: app.return_value is not None)
    assert app.return_value == setup.DEMO


async def test_a_choice_that_is_configured_already_is_shown_and_not_written_again(
    made_host: Path,
) -> None:
    had = Profile("mine", "org/small-1.5B", str(made_host / "bin" / "vllm"), port=free_port())
    app = InferctlApp(host_in(made_host, Settings(servers=(had,))), "mine")
    async with app.run_test() as pilot:
        app.action_show("welcome")
        await until(pilot, lambda: welcomed(app, "model"))
        await choose(pilot, app, "model", "org/small-1.5B")
        await until(pilot, lambda: isinstance(app.screen, MainScreen))
    assert not config_file().exists()


async def test_back_leads_somewhere_only_where_a_server_is_shown(made_host: Path) -> None:
    profile = Profile("mine", "org/other", port=free_port())
    app = InferctlApp(host_in(made_host), None)
    async with app.run_test() as pilot:
        await pilot.press("escape")
        assert isinstance(app.screen, WelcomeScreen)
    app = InferctlApp(host_in(made_host, Settings(servers=(profile,))), "mine")
    async with app.run_test() as pilot:
        app.action_show("welcome")
        await until(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
        ("/data/models/tiny", "tiny"),
        ("org/a b\N{SNOWMAN}c", "a-b-c"),
        ("/", "server"),
        ("org/" + "x" * 300, "x" * profiles.LONGEST_NAME),
    ],
)
def test_a_profile_has_the_name_of_its_model(model: str, name: str) -> None:
    assert profiles.new_profile(model, "vllm", Settings(), (), ()).name == name


def test_a_profile_takes_no_name_and_no_port_of_another() -> None:
    port = next(one for one in range(profiles.FIRST_PORT, 65536) if is_free("127.0.0.1", one))
    settings = Settings(
        servers=(Profile("m", "org/m", port=port),),
        endpoints=(Endpoint("m-2", "http://127.0.0.1:1/v1", "m"),),
    )
    profile = profiles.new_profile("org/m", "vllm", settings, {"m-3"}, {port + 1})
    assert profile.name == "m-4"
    assert profile.port > port + 1
    assert is_free("127.0.0.1", profile.port)
