"""The history screen: starts, A/B series, loads and cold-start probes, newest first."""

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Footer

from backends.domain.ab.series import AbSeries
from backends.operations.record_files import Recorded, recorded
from backends.problem import NotFound, Problem
from console.tui.actions import ab
from console.tui.bindings import BACK
from console.tui.screens.record import RecordScreen
from widgets.history_table import HistoryTable, HistoryView

if TYPE_CHECKING:
    from console.tui.app import InferctlApp


class HistoryScreen(Screen[None]):
    """One table, read when it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("b", "beside", "Beside", id="history.beside", tooltip="This series beside today's"),
    ]

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

    def on_history_table_opened(self, message: HistoryTable.Opened) -> None:
        """Show the record that was chosen; a start has no more than its row."""
        self.run_worker(self._open(message.record_id), group="open", exclusive=True)

    async def _open(self, record_id: str) -> None:
        try:
            record = await self._read(record_id)
        except NotFound:
            return
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
            return
        self.app.push_screen(RecordScreen(record))

    def action_beside(self) -> None:
        """Put the series under the cursor beside the live targets."""
        self.run_worker(self._beside(self.table.chosen()), group="open", exclusive=True)

    async def _beside(self, chosen: str | None) -> None:
        try:
            record = await self._read(chosen) if chosen else None
        except Problem:
            record = None
        if isinstance(record, AbSeries):
            ab.compare_with(self._inferctl, record)
        else:
            self.notify("choose an A/B series; others do not stand beside one", severity="warning")

    async def _read(self, record_id: str) -> Recorded:
        app = self._inferctl
        return await app.history.read(partial(recorded, app.host, record_id))

    @property
    def _inferctl(self) -> "InferctlApp":
        return cast("InferctlApp", self.app)
