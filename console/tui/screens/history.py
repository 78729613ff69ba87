"""The history screen: starts, A/B series, loads and cold-start probes, newest first."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.domain.ab.series import AbSeries
from backends.operations.record_files import Recorded
from backends.problem import NotFound, Problem
from console.tui.bindings import BACK
from widgets.history_table import HistoryTable, HistoryView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter


class HistoryScreen(Screen[None]):
    """One table, read when it is opened.

    Args:
        view: the table.
        read: reads a record by its id.
        show: opens a record.
        compare: shows a series beside the live targets.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding(
            "b", "compare", "Beside", id="history.beside", tooltip="This series beside today's"
        ),
    ]

    table = query_one(HistoryTable)

    def __init__(
        self,
        view: HistoryView,
        read: Callable[[str], Awaitable[Recorded]],
        show: Callable[[Recorded], None],
        compare: Callable[[AbSeries], None],
    ) -> None:
        super().__init__()
        self._view = view
        self._read = read
        self._show = show
        self._compare = compare

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield StatusStrip()
        yield HistoryTable()
        yield StillFooter()

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
        self._show(record)

    def action_compare(self) -> None:
        """Put the series under the cursor beside the live targets."""
        self.run_worker(self._compare_with(self.table.chosen()), group="open", exclusive=True)

    async def _compare_with(self, chosen: str | None) -> None:
        try:
            record = await self._read(chosen) if chosen else None
        except Problem:
            record = None
        if isinstance(record, AbSeries):
            self._compare(record)
        else:
            self.notify("choose an A/B series; others do not stand beside one", severity="warning")
