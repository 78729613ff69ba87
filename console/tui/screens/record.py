"""A record of the history: a series with its dots, a load with its curve, or a cold-start probe."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from backends.domain.ab.series import AbSeries
from backends.domain.reports.load import LoadReport
from backends.operations.record_files import Recorded
from console.tui.actions import ab as ab_keys
from console.tui.bindings import BACK
from console.tui.views.ab import recorded_view
from console.tui.views.findings import cold_probe_view, load_view
from widgets.ab_panel import AbPanel
from widgets.cold_probe_panel import ColdProbePanel
from widgets.load_curve import LoadCurve
from widgets.panel import Panel

if TYPE_CHECKING:
    from console.tui.app import InferctlApp


class RecordScreen(Screen[None]):
    """Shows one record; a series can be put beside the live targets from here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("b", "beside", "Beside", id="record.beside", tooltip="Beside the live A/B"),
    ]

    def __init__(self, record: Recorded) -> None:
        super().__init__()
        self.record = record

    def compose(self) -> ComposeResult:
        """Lay out the panel of this kind of record."""
        yield panel_of(self.record)
        yield Footer(show_command_palette=False, compact=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer only what can act on this record."""
        return isinstance(self.record, AbSeries) if action == "beside" else True

    def action_beside(self) -> None:
        """Put the series beside the live targets, and go there."""
        if isinstance(self.record, AbSeries):
            ab_keys.compare_with(cast("InferctlApp", self.app), self.record)


def panel_of(record: Recorded) -> Panel:
    """Return a panel that shows a record."""
    if isinstance(record, AbSeries):
        ab = AbPanel()
        ab.view = recorded_view(record)
        return ab
    if isinstance(record, LoadReport):
        curve = LoadCurve()
        curve.view = load_view(record)
        return curve
    run_cold_probe = ColdProbePanel()
    run_cold_probe.view = cold_probe_view(record)
    return run_cold_probe
