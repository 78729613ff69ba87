"""The problems screen: whole, what the header has room to begin with."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from console.tui.bindings import BACK
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.text import line, safe


class ProblemsScreen(Screen[None]):
    """One sentence below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]
    DEFAULT_CSS = "ProblemsScreen #problems { padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, ...] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the sentences above the footer."""
        yield StatusStrip()
        with VerticalScroll():
            yield Static(id="problems")
        yield StillFooter()

    def show(self, problems: tuple[str, ...]) -> None:
        """Draw the sentences, if they have changed."""
        if problems == self._shown:
            return
        self._shown = problems
        lines = [line(("▲ ", "$text-warning"), safe(each)) for each in problems]
        nothing = [Content("no problems: every source responds")]
        self.query_one("#problems", Static).update(Content("\n\n").join(lines or nothing))
