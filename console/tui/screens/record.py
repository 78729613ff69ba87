"""A record of the history: a series with its dots, a load with its curve, or a cold-start probe."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from backends.domain.ab.series import AbSeries
from backends.domain.reports.load import LoadReport
from backends.domain.reports.sleep import SleepReport, sleep_sentence
from backends.history.records import Note
from backends.operations.record_files import Noted, Recorded, noted_text
from backends.operations.recorded_start import RecordedStart
from console.tui.bindings import BACK
from console.tui.views.ab import recorded_view
from console.tui.views.findings import cold_probe_view, load_view
from console.tui.views.history import start_record_view
from widgets.ab_panel import AbPanel
from widgets.cold_probe_panel import ColdProbePanel
from widgets.load_curve import LoadCurve
from widgets.panel import Panel
from widgets.sleep_panel import SleepPanel, SleepView
from widgets.start_record_panel import StartRecordPanel
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.text import safe


class RecordScreen(Screen[None]):
    """Shows one record; `compare` shows a series beside the live targets."""

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("b", "compare", "Beside", id="record.beside", tooltip="Beside the live A/B"),
    ]

    def __init__(
        self, record: Recorded, compare: Callable[[AbSeries], None], note: Note | None = None
    ) -> None:
        super().__init__()
        self.record = record
        self.note = note
        self._compare = compare

    @property
    def shown(self) -> Noted:
        """What an export writes."""
        return Noted(self.record, self.note)

    def compose(self) -> ComposeResult:
        """Lay out the panel of this kind of record."""
        yield StatusStrip()
        yield panel_of(self.record, self.note)
        yield StillFooter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer only what can act on this record."""
        return isinstance(self.record, AbSeries) if action == "compare" else True

    def action_compare(self) -> None:
        """Put the series beside the live targets, and go there."""
        if isinstance(self.record, AbSeries):
            self._compare(self.record)


def panel_of(record: Recorded, note: Note | None = None) -> Panel:
    """Return a panel that shows a record, with the note on it."""
    panel = _panel_of(record, note)
    if note is not None and not isinstance(record, RecordedStart):
        panel.border_subtitle = Content(safe(noted_text(note)))
    return panel


def _panel_of(record: Recorded, note: Note | None) -> Panel:
    if isinstance(record, RecordedStart):
        start = StartRecordPanel()
        start.view = start_record_view(record, note)
        return start
    if isinstance(record, AbSeries):
        ab = AbPanel()
        ab.view = recorded_view(record)
        return ab
    if isinstance(record, LoadReport):
        curve = LoadCurve()
        curve.view = load_view(record)
        return curve
    if isinstance(record, SleepReport):
        slept = SleepPanel()
        slept.view = SleepView(sleep_sentence(record))
        return slept
    run_cold_probe = ColdProbePanel()
    run_cold_probe.view = cold_probe_view(record)
    return run_cold_probe
