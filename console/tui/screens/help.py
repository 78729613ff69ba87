"""The help screen: every key with what it does, as it is bound now."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from console.tui.bindings import APP_BINDINGS, BACK, MAIN_BINDINGS
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter

TEXT = """
Panels: 1 start-up, 2 VRAM, 3 A/B, 4 cost, 5 serving; the same key gives the room back.
Unknown is drawn as —, with its reason beside it or in the panel's second line.
Keys are rebound in config.toml, for example:  [keys]  "server.stop" = "f8"
"""


class HelpScreen(Screen[None]):
    """A list of keys."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]

    def __init__(self, rebound: dict[str, str]) -> None:
        super().__init__()
        self._rebound = rebound

    def compose(self) -> ComposeResult:
        """Lay out the keys, then the rest."""
        yield StatusStrip()
        with VerticalScroll():
            yield Static(Content("\n".join(self._rows()) + "\n" + TEXT))
        yield StillFooter()

    def _rows(self) -> list[str]:
        bindings = [each for each in (*APP_BINDINGS, *MAIN_BINDINGS) if isinstance(each, Binding)]
        rows = [
            (self._rebound.get(each.id or "") or each.key_display or each.key, each)
            for each in bindings
        ]
        rows.sort(key=lambda row: row[1].id or "")
        told = [
            f"{key:>8}  {each.description:<10} {each.tooltip or '':<38} {each.id}"
            for key, each in rows
        ]
        return [*told, f"{'ctrl+p':>8}  {'Palette':<10} Every command by name"]
