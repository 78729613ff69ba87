"""The help screen: every key by task, with what it does, as it is bound now."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from console.tui.bindings import APP_BINDINGS, BACK, MAIN_BINDINGS
from console.tui.screens.costs import CostScreen
from console.tui.screens.form import FormScreen
from console.tui.screens.history import HistoryScreen
from console.tui.screens.logs import LogScreen
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.text import line, styled

TASKS = (
    ("Server", ("server.",)),
    ("A/B, load test and study", ("ab.", "load.", "study.")),
    ("Screens", ("screen.",)),
    ("Panels", ("panel.",)),
    ("Console", ("app.",)),
    ("In the log", ("logs.",)),
    ("On the cost screen", ("costs.",)),
    ("In the history", ("history.",)),
    ("In a form", ("form.",)),
)
"""The headings, each with how the ids of its keys begin; others come last."""

PALETTE = Binding("ctrl+p", "command_palette", "Palette", id="app.palette", tooltip="Any command")

NOTES = """
A click on a panel does what its number does. — is unknown, with its reason next to it.
Rebind a key in config.toml:  [keys]  "server.stop" = "f8"  (press i for the names)
"""


class HelpScreen(Screen[None]):
    """Keys under a heading for each task; their names, for the configuration, when asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("i", "names", "Names", id="help.names", tooltip="Names for config.toml"),
    ]
    DEFAULT_CSS = "HelpScreen #keys { padding: 0 1; }"

    def __init__(self, rebound: dict[str, str]) -> None:
        super().__init__()
        self._rebound = rebound
        self._names = False

    def compose(self) -> ComposeResult:
        """Lay out the keys, then the rest."""
        yield StatusStrip()
        with VerticalScroll():
            yield Static(self._text(), id="keys")
        yield StillFooter()

    def action_names(self) -> None:
        """Show the names of the keys, or hide them again."""
        self._names = not self._names
        self.query_one("#keys", Static).update(self._text())

    def _text(self) -> Content:
        bindings = [each for each in _all_bindings() if each.id]
        keys = {each.id: self._key(each) for each in bindings}
        widths = (
            max(map(len, keys.values())),
            max(len(each.description) for each in bindings),
            max(len(each.tooltip or "") for each in bindings),
        )
        lines = []
        for task, own in _by_task(bindings):
            lines += [Content(""), styled(task, "bold $text-primary")]
            lines += [self._row(each, keys[each.id], widths) for each in own]
        return Content("\n").join([*lines[1:], Content(NOTES)])

    def _row(self, binding: Binding, key: str, widths: tuple[int, int, int]) -> Content:
        keys, words, tips = widths
        told = f"  {binding.description.ljust(words)}  {(binding.tooltip or '').ljust(tips)}"
        name = f"  {binding.id}" if self._names else ""
        return line((key.rjust(keys), "bold $text-accent"), told, (name, "$foreground-muted"))

    def _key(self, binding: Binding) -> str:
        return self._rebound.get(binding.id or "") or binding.key_display or binding.key


def _all_bindings() -> Iterable[Binding]:
    screens = (each.BINDINGS for each in (LogScreen, CostScreen, HistoryScreen, FormScreen))
    seen: set[str | None] = set()
    for each in (
        *APP_BINDINGS,
        *MAIN_BINDINGS,
        PALETTE,
        *(key for keys in screens for key in keys),
    ):
        if isinstance(each, Binding) and each.id not in seen:
            seen.add(each.id)
            yield each


def _by_task(bindings: list[Binding]) -> Iterable[tuple[str, list[Binding]]]:
    every = tuple(prefix for _, prefixes in TASKS for prefix in prefixes)
    for task, prefixes in TASKS:
        if own := [each for each in bindings if (each.id or "").startswith(prefixes)]:
            yield task, own
    if others := [each for each in bindings if not (each.id or "").startswith(every)]:
        yield "Other", others
