"""The history screen: starts and A/B series, newest first."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Footer

from console.keys import BACK
from widgets.history_table import HistoryTable, HistoryView


class HistoryScreen(Screen[None]):
    """One table, read when it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]

    table = query_one(HistoryTable)

    def __init__(self, view: HistoryView) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield HistoryTable()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Fill the table."""
        self.table.view = self._view
