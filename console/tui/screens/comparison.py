"""Two records of the history side by side."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from backends.domain.comparison import Comparison
from console.tui.bindings import BACK
from widgets.comparison_panel import ComparisonPanel
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter


class ComparisonScreen(Screen[None]):
    """Shows one comparison, which its export writes as well."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]
    DEFAULT_CSS = """
    ComparisonScreen > ComparisonPanel { height: 1fr; }
    """

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self.shown = comparison

    def compose(self) -> ComposeResult:
        """Lay out the figures of both."""
        yield StatusStrip()
        panel = ComparisonPanel()
        panel.view = self.shown
        yield panel
        yield StillFooter()
