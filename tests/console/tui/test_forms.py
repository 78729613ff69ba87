"""Forms over the configuration: what is typed, what is shown before it is written, what is kept."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Button, OptionList

from backends.operations.host import settings_of_this_host
from backends.settings import write
from backends.settings.form import forms
from backends.settings.paths import config_file
from backends.settings.read import read_settings
from console.tui.app import InferctlApp
from console.tui.screens.form import FormScreen
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question
from tests.console.cli.conftest import configure
from tests.console.conftest import SERVER, MadeHost, until
from tests.console.stage import host_in
from tests.console.tui.test_pictures import screen_text
from widgets.form_field import Choice, FormField, Lines

SIZE = (100, 40)
TABLE = """\
# mine
theme = "textual-dark"   # calm

[server.chat]  # the one
model = "org/model"   # small
vllm = "{vllm}"
args = [
    "--seed", "1",  # for the tests
]
port = {port}   # free
gpu_usd_per_hour = "1.88"
gpu_price_as_of = 2026-11-01

# besides
[endpoint.serverless]
base_url = "http://127.0.0.1:9/v1"
model = "m"
"""

Console = tuple[InferctlApp, Path, str]


@pytest.fixture
def console(made_host: MadeHost) -> Console:
    """A console on a host whose configuration is written with comments."""
    text = TABLE.format(vllm=made_host.profile.vllm, port=made_host.profile.port)
    path = configure(text)
    app = InferctlApp(made_host.host(settings=settings_of_this_host()), SERVER)
    return app, path, text


async def on(pilot: Pilot[str], app: InferctlApp, screen: type[Any]) -> None:
    await until(pilot, lambda: isinstance(app.screen, screen) and app.screen.is_mounted)
    await pilot.pause()


async def choose(pilot: Pilot[str], app: InferctlApp, sentence: str, answer: str) -> None:
    """Give one of the answers to a question."""
    await until(pilot, lambda: isinstance(app.screen, Question) and sentence in screen_text(app))
    prompts = [str(each.prompt) for each in app.screen.query_one(OptionList).options]
    await pilot.press(*["down"] * prompts.index(answer), "enter")


async def opened(
    pilot: Pilot[str], app: InferctlApp, title: str, provider: str = "Any other"
) -> None:
    """Open the form of a title by its key."""
    await pilot.press("E")
    await choose(pilot, app, "Edit config.toml", title)
    if title == "Add endpoint":
        await choose(pilot, app, "Provider of the endpoint", provider)
    if title != "Reload configuration":
        await on(pilot, app, FormScreen)
        await until(pilot, lambda: app.focused is not None)


def field(app: InferctlApp, key: str) -> FormField:
    return next(each for each in app.screen.query(FormField) if each.view.key == key)


async def go_to(pilot: Pilot[str], app: InferctlApp, key: str) -> None:
    while app.focused is not field(app, key).editor:
        await pilot.press("tab")


async def fill_in(pilot: Pilot[str], app: InferctlApp, key: str, text: str) -> None:
    """Type a text in the place of what a field holds."""
    await go_to(pilot, app, key)
    while field(app, key).text:
        await pilot.press("end", "backspace")
    await pilot.press(*text)


def fault(app: InferctlApp, key: str) -> str:
    here = field(app, key)
    return str(here.fault_line.render()) if here.has_class("-faulty") else ""


def notices(app: InferctlApp) -> list[str]:
    return [each.message for each in app._notifications]


async def test_what_is_filled_in_is_shown_then_written_and_nothing_else(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        await fill_in(pilot, app, "gpu_usd_per_hour", "2.5")
        await go_to(pilot, app, "args")
        await pilot.press("end", "enter", *"--max-model-len 4096")
        await go_to(pilot, app, "served_name")
        await pilot.press(*"chat")
        while not isinstance(app.focused, Button):
            await pilot.press("tab")
        await pilot.press("enter")
        await on(pilot, app, Question)
        shown = screen_text(app)
        assert '+     "--max-model-len", "4096",' in shown
        assert '- gpu_usd_per_hour = "1.88"' in shown
        assert '+ gpu_usd_per_hour = "2.5"' in shown
        assert path.read_text() == text, "nothing is written before a yes"
        await pilot.press("enter")
        await on(pilot, app, MainScreen)
        await until(pilot, lambda: any("written to" in each for each in notices(app)))
        kept = app.context.settings.profile(SERVER)
        assert kept is not None
        assert kept.args == ("--seed", "1", "--max-model-len", "4096")
        await until(pilot, lambda: "$2.50/h" in screen_text(app))
    wanted = text.replace('"1.88"', '"2.5"')
    wanted = wanted.replace("tests\n]", 'tests\n    "--max-model-len", "4096",\n]')
    wanted = wanted.replace("2026-11-01\n", '2026-11-01\nserved_name = "chat"\n')
    assert path.read_text() == wanted


async def test_what_does_not_fit_is_said_beside_its_field(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        await fill_in(pilot, app, "port", "80a")
        await fill_in(pilot, app, "api_key_env", "not-a-name")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(fault(app, "port")))
        assert fault(app, "port") == "✖ is '80a', which is not a whole number; write it as 8000"
        assert "name the variable that holds the key" in fault(app, "api_key_env")
        assert app.focused is field(app, "port").editor
        assert "Nothing was written" in screen_text(app)
        await pilot.press("end", "backspace", "0")
        await until(pilot, lambda: not fault(app, "port"))
        assert fault(app, "api_key_env")
        await pilot.press("escape")
        await on(pilot, app, MainScreen)
    assert path.read_text() == text


async def test_what_only_the_whole_file_shows_is_said_beside_its_field(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Add endpoint")
        for key, value in (("name", "chat"), ("base_url", "http://127.0.0.1:9"), ("model", "m")):
            await fill_in(pilot, app, key, value)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "has the name of a server" in fault(app, "name"))
        await fill_in(pilot, app, "name", "serverless")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "exists already" in fault(app, "name"))
        await fill_in(pilot, app, "name", "other")
        await fill_in(pilot, app, "api_key_env", "KEY")
        await fill_in(pilot, app, "api_key_command", "print key")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "are both set" in fault(app, "api_key_command"))
    assert path.read_text() == text


async def test_what_was_wrong_in_the_file_already_is_said_too(console: Console) -> None:
    app, path, text = console
    faulty = text.replace('"1.88"', "1.88")
    path.write_text(faulty)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        await fill_in(pilot, app, "served_name", "chat")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "double quotes" in fault(app, "gpu_usd_per_hour"))
        assert path.read_text() == faulty
        await fill_in(pilot, app, "gpu_usd_per_hour", "1.90")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("enter")
        await on(pilot, app, MainScreen)
    assert read_settings(path).servers[0].served_name == "chat"


async def test_a_file_that_changes_meanwhile_is_not_overwritten(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Latency limits")
        await fill_in(pilot, app, "ttft_p99_s", "0.5")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        by_others = text.replace("# mine", "# ours").replace('"1.88"', '"3"')
        path.write_text(by_others)
        asked = app.screen
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Question) and app.screen is not asked)
        await until(pilot, lambda: "has changed meanwhile" in screen_text(app))
        assert path.read_text() == by_others
        await pilot.press("enter")
        await on(pilot, app, MainScreen)
    assert path.read_text() == f"{by_others}\n[limits]\nttft_p99_s = 0.5\n"
    assert app.context.settings.limits.ttft_p99_s == 0.5
    profile = app.context.settings.profile(SERVER)
    assert profile is not None
    assert str(profile.gpu_usd_per_hour) == "3"


async def test_a_file_that_cannot_be_written_keeps_what_was_typed(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path, text = console

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(write, "replace_file", refuse)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Budget and billing")
        await fill_in(pilot, app, "budget_usd_per_day", "50")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("enter")
        await until(pilot, lambda: "Read-only file system" in screen_text(app))
        assert isinstance(app.screen, FormScreen)
        assert field(app, "budget_usd_per_day").text == "50"
    assert path.read_text() == text


async def test_cancel_is_no_error_and_changes_nothing(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await opened(pilot, app, "Price of chat")
        await fill_in(pilot, app, "gpu_usd_per_hour", "9")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("escape")
        await on(pilot, app, FormScreen)
        assert field(app, "gpu_usd_per_hour").text == "9"
        await pilot.press("escape")
        await on(pilot, app, MainScreen)
        assert not notices(app)
    assert path.read_text() == text


async def test_a_long_change_leaves_room_for_the_answers(console: Console) -> None:
    app, _, _ = console
    async with app.run_test(size=(60, 16)) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        await go_to(pilot, app, "environment")
        for number in range(12):
            await pilot.press(*f'V{number} = "{number}"', "enter")
        await fill_in(pilot, app, "gpu_usd_per_hour", "2")
        await fill_in(pilot, app, "model", "org/other")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await until(pilot, lambda: "Write it" in screen_text(app))
        assert "Cancel" in screen_text(app).partition("Write it")[2]
        assert app.screen.query_one(OptionList).has_focus
        scrolled = app.screen.query_one(VerticalScroll)
        assert scrolled.max_scroll_y > 0
        await pilot.press("shift+tab", "end")
        await until(pilot, lambda: scrolled.scroll_y == scrolled.max_scroll_y)


async def test_nothing_changed_is_said_and_not_asked_about(console: Console) -> None:
    app, _, _ = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Price of chat")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Nothing has changed" in screen_text(app))
        assert isinstance(app.screen, FormScreen)


async def test_no_key_of_the_console_takes_what_is_typed(console: Console) -> None:
    app, _, _ = console
    typed = "sfrzxeEqaALSplchgwtn12345?!/"
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        await fill_in(pilot, app, "model", typed)
        assert field(app, "model").text == typed
        await go_to(pilot, app, "environment")
        await pilot.press(*typed)
        assert field(app, "environment").text == typed
        for kind in (Choice, Button):
            while not isinstance(app.focused, kind):
                await pilot.press("tab")
            await pilot.press(*typed)
            assert isinstance(app.screen, FormScreen)
            assert len(app.screen_stack) == 3
        assert app.is_running


async def test_the_arrows_move_between_fields_of_every_kind(console: Console) -> None:
    app, _, _ = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        keys = [each.view.key for each in app.screen.query(FormField)]
        for key in keys:
            assert app.focused is field(app, key).editor
            assert f"▸ {key}" in screen_text(app)
            lines = field(app, key).text.count("\n") + 1
            await pilot.press(*["down"] * lines)
        assert app.screen.query(Button).first().has_focus
        await pilot.press("up")
        assert app.focused is field(app, keys[-1]).editor


async def test_a_choice_is_made_from_its_list(console: Console) -> None:
    app, _, _ = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Agent")
        await go_to(pilot, app, "always")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.focused, Choice))
        await pilot.press("down", "enter")
        await until(pilot, lambda: field(app, "always").text == "true")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        assert "+ always = true" in screen_text(app)


async def test_arguments_are_completed_by_the_help_of_that_vllm(console: Console) -> None:
    app, _, _ = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Edit server profile chat")
        await go_to(pilot, app, "args")
        lines = field(app, "args").editor
        assert isinstance(lines, Lines)
        await until(pilot, lambda: any(each.about for each in lines.arguments))
        await pilot.press("end", "enter", *"--max-m")
        await until(pilot, lambda: "Model context length" in screen_text(app))
        assert lines.suggestion == "odel-len"
        await pilot.press("right", *" 4096", "enter", *"--dtype b")
        assert lines.suggestion == "float16"
        await pilot.press("right")
        assert lines.text.splitlines()[-2:] == ["--max-model-len 4096", "--dtype bfloat16"]


async def test_a_first_server_is_shown_once_it_is_written(tmp_path: Path) -> None:
    app = InferctlApp(host_in(tmp_path), None)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.session.servers_seen)
        await opened(pilot, app, "Add server profile")
        await fill_in(pilot, app, "name", "small")
        await fill_in(pilot, app, "model", "org/small")
        port = field(app, "port").text
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("enter")
        await until(pilot, lambda: app.session.life is not None)
        await on(pilot, app, MainScreen)
        assert app.session.life is not None
        assert app.session.life.server.name == "small"
    (profile,) = read_settings(config_file()).servers
    assert (profile.model, profile.vllm, profile.port) == ("org/small", "vllm", int(port))


async def test_a_new_endpoint_begins_with_what_its_provider_needs(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Add endpoint", "Azure OpenAI, v1 path")
        assert field(app, "api_key_env").text == "AZURE_OPENAI_API_KEY"
        await fill_in(pilot, app, "base_url", "https://mine.openai.azure.com/openai/v1")
        await fill_in(pilot, app, "model", "gpt")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("enter")
        await on(pilot, app, MainScreen)
    added = path.read_text().removeprefix(text)
    assert added.startswith("\n# Azure OpenAI, v1 path, as learn.microsoft.com")
    assert '[endpoint.azure]\nbase_url = "https://mine.openai.azure.com/openai/v1"' in added
    assert 'auth = "api-key"' in added


async def test_a_configuration_that_an_editor_changed_is_read_again(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        path.write_text(text.replace('"1.88"', '"4"').replace("textual-dark", "textual-light"))
        await opened(pilot, app, "Reload configuration")
        await until(pilot, lambda: "$4.00/h" in screen_text(app))
        assert app.theme == "textual-light"
        path.write_text(text.replace('"1.88"', "1.88"))
        await opened(pilot, app, "Reload configuration")
        await until(pilot, lambda: any("put it in double quotes" in one for one in notices(app)))
        profile = app.context.settings.profile(SERVER)
        assert profile is not None
        assert str(profile.gpu_usd_per_hour) == "4"


async def test_a_file_that_is_no_toml_opens_no_form(console: Console) -> None:
    app, path, _ = console
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        path.write_text("[server\n")
        app.actions.forms.choose()
        await on(pilot, app, Question)
        await pilot.press("enter")
        await until(pilot, lambda: any("is not valid TOML" in each for each in notices(app)))
        assert isinstance(app.screen, MainScreen)


async def test_a_read_only_console_changes_no_configuration(console: Console) -> None:
    app, path, text = console
    app.context = replace(app.context, read_only=True)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press("E")
        await until(pilot, lambda: any("read-only" in each for each in notices(app)))
        assert isinstance(app.screen, MainScreen)
        titles = [each.title for each in app.get_system_commands(app.screen)]
        assert not [each for each in titles if each.startswith(("Add", "Edit server", "Price"))]
        app.theme = "nord"
        await pilot.pause()
    assert path.read_text() == text


async def test_a_missing_price_is_set_by_the_form_that_the_console_names(console: Console) -> None:
    app, path, text = console
    path.write_text(text.replace('gpu_usd_per_hour = "1.88"\n', ""))
    app.host = replace(app.host, settings=read_settings(path))
    app.context = replace(app.context, settings=app.host.settings)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "press E" in screen_text(app))
        assert "Price of chat" in screen_text(app)
        await opened(pilot, app, "Price of chat")
        await fill_in(pilot, app, "gpu_usd_per_hour", "1.88")
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("enter")
        await on(pilot, app, MainScreen)
        await until(pilot, lambda: "$1.88/h" in screen_text(app))


async def test_a_form_that_is_opened_over_another_leaves_that_one_usable(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "Latency limits")
        await fill_in(pilot, app, "ttft_p99_s", "0.5")
        below = app.screen
        price = next(each for each in forms(app.host.settings) if each.title == "Price of chat")
        app.actions.forms.open(price)
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and app.screen is not below)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below)
        await pilot.press("ctrl+s")
        await on(pilot, app, Question)
        await pilot.press("enter")
        await on(pilot, app, MainScreen)
    assert path.read_text() == f"{text}\n[limits]\nttft_p99_s = 0.5\n"


async def test_every_form_is_in_the_palette(console: Console) -> None:
    app, _, _ = console
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        titles = [each.title for each in app.get_system_commands(app.screen)]
        for expected in ("Edit server profile chat", "Price of serverless", "Reload configuration"):
            assert expected in titles


async def test_a_theme_that_there_is_not_is_said_and_left_alone(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        path.write_text(text.replace("textual-dark", "no-such-theme"))
        await opened(pilot, app, "Reload configuration")
        await until(pilot, lambda: any("no theme no-such-theme" in one for one in notices(app)))
        assert app.theme == "textual-dark"


async def test_a_theme_that_is_chosen_is_kept(console: Console) -> None:
    app, path, text = console
    async with app.run_test(size=SIZE) as pilot:
        app.theme = "nord"
        await until(pilot, lambda: path.read_text() != text)
    assert path.read_text() == text.replace('"textual-dark"', '"nord"')
