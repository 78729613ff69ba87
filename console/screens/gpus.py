"""The GPU screen: every GPU with the processes on it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Footer

from backends.domain.gpu import GpuSample
from console.keys import BACK
from widgets.gpu_table import GpuTable, GpuTableView


class GpuScreen(Screen[None]):
    """One table."""

    BINDINGS: ClassVar[list[BindingType]] = [BACK]

    table = query_one(GpuTable)

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield GpuTable()
        yield Footer(show_command_palette=False, compact=True)

    def show(self, sample: GpuSample | None) -> None:
        """Draw a sample, if there is one."""
        if sample is not None:
            self.table.view = GpuTableView(sample)
