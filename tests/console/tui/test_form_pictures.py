"""What a form looks like: by sizes and themes, with a fault, with what completes an argument."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.color import Color
from textual.events import Mount
from textual.widgets import Input

from backends.domain.vllm_help import read_help
from backends.settings.form import forms
from backends.settings.read import parse_settings
from console.tui.screens.form import FormScreen, Values
from console.tui.views.form import field_view
from console.tui.views.status import status_view
from tests.console import sessions
from tests.console.tui.test_pictures import Picture
from tests.console.tui.test_themes import contrast
from widgets.form_field import Lines
from widgets.status_strip import StatusStrip

Compare = Callable[..., bool]
SIZES = ((60, 16), (80, 24), (160, 45))
HELP = """\
options:
  --max-logprobs MAX_LOGPROBS
                        Maximum number of log probabilities to return. (default: 20)
  --max-loras MAX_LORAS
                        Max number of LoRAs in a single batch. (default: 1)
  --max-model-len MAX_MODEL_LEN
                        Model context length (prompt and output). (default: None)
"""
VALUES = {
    "model": "openai/gpt-oss-120b",
    "vllm": "/opt/venv/bin/vllm",
    "args": ["--seed", "1", "--dtype", "bfloat16", "--max"],
    "port": 80000,
    "gpu_usd_per_hour": "1.88",
    "environment": {"VLLM_LOGGING_LEVEL": "DEBUG"},
}
SETTINGS = parse_settings('[server.gpt-oss]\nmodel = "m"\n', Path("config.toml"))


class FormPicture(Picture):
    """A form whose port is wrong, with the cursor behind an argument that is half typed."""

    def __init__(self, theme: str = "textual-dark") -> None:
        super().__init__(sessions.READY, theme)

    def on_mount(self, event: Mount | None = None) -> None:
        assert event is not None
        event.prevent_default()
        form = next(each for each in forms(SETTINGS) if each.title.startswith("Edit"))
        views = tuple(field_view(each, VALUES.get(each.key)) for each in form.fields)
        self.push_screen(FormScreen(form, views, _save, _no_help), lambda _: None)
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        screen = self.screen
        assert isinstance(screen, FormScreen)
        screen.query_one(StatusStrip).view = status_view(self.session, self.context)
        screen._fields["port"].fault(
            "is 80000, which is not a TCP port; choose one from 1024 to 65535"
        )
        lines = screen._fields["args"].editor
        assert isinstance(lines, Lines)
        lines.cursor_blink = False
        lines.focus()
        lines.move_cursor(lines.document.end)
        screen.know(read_help(HELP))


async def _save(name: str, values: Values) -> bool:
    raise AssertionError(f"a picture writes nothing: {name} {values}")


async def _no_help(executable: str) -> None:
    assert executable


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_dark(size: tuple[int, int], snap_compare: Compare) -> None:
    assert snap_compare(FormPicture(), terminal_size=size)


@pytest.mark.parametrize("theme", ["textual-light", "high-contrast"])
def test_themes(theme: str, snap_compare: Compare) -> None:
    assert snap_compare(FormPicture(theme), terminal_size=(100, 30))


def test_no_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(FormPicture(), terminal_size=(80, 24))


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "high-contrast"])
async def test_every_text_of_a_form_can_be_read(theme: str) -> None:
    app = FormPicture(theme)
    async with app.run_test(size=(130, 40)) as pilot:
        await pilot.pause()
        await pilot.pause()
        shown: list[tuple[str, Color, Color]] = []
        for name in (".key", ".about", ".fault", "#said", "#moves", "SelectCurrent #label"):
            widget = app.screen.query(name).first()
            shown.append((name, widget.colors[2], widget.colors[3]))
        for kind, part in ((Input, "input--placeholder"), (Lines, "text-area--suggestion")):
            editor = app.screen.query(kind).last()
            style = editor.get_component_styles(part)
            shown.append((part, editor.colors[2], style.color))
    for name, ground, colour in shown:
        assert contrast(ground + colour, ground) >= 4.5, name
