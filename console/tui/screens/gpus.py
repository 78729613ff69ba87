"""The GPU screen: every GPU with the processes on it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.domain.gpu import GpuSample
from console.tui.bindings import BACK
from widgets.gpu_remarks import GpuRemarks
from widgets.gpu_table import GpuTable, GpuTableView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter


class GpuScreen(Screen[None]):
    """The table, and below it what it has no room for."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]

    DEFAULT_CSS = """
    GpuScreen > GpuTable { height: 1fr; }
    """

    table = query_one(GpuTable)
    remarks = query_one(GpuRemarks)

    def compose(self) -> ComposeResult:
        """Lay out the table above the sentences and the footer."""
        yield StatusStrip()
        yield GpuTable()
        yield GpuRemarks()
        yield StillFooter()

    def show(self, sample: GpuSample | None) -> None:
        """Draw a sample, if there is one."""
        if sample is not None:
            self.table.view = GpuTableView(sample)
            self.remarks.view = sample
