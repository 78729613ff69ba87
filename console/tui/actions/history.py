"""What the history screen asks for: lists, records, comparisons, charts, notes."""

from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from backends.domain.ab.series import AbSeries
from backends.history.database import HistoryUnavailable
from backends.history.entries import Search
from backends.history.history import open_history
from backends.history.records import Note, Point
from backends.history.series import with_runs
from backends.operations.compare import compared
from backends.operations.host import Host
from backends.operations.notes import written_note
from backends.operations.record_files import Recorded, finding_of, note_on, recorded
from backends.operations.rental import tariff_of
from backends.problem import Problem
from console.tui.actions.console import Console
from console.tui.screens.comparison import ComparisonScreen
from console.tui.screens.record import RecordScreen
from console.tui.views.history import history_view
from console.tui.views.history_charts import charts_view, day_points
from widgets.history_table import HistoryView
from widgets.series_panel import SeriesView

LISTED = 200
"""Records that are listed at once, the newest of what was searched for."""

CHARTED = 2000
"""Records of a kind whose figure is charted."""


class HistoryActions:
    """Between the history's thread and its screen; nothing here waits for a disk.

    Args:
        console: what is acted for.
        beside: shows a series beside the live targets.
    """

    def __init__(self, console: Console, beside: Callable[[AbSeries], None]) -> None:
        self._console = console
        self._beside = beside

    async def listed(self, text: str) -> HistoryView:
        """Return the newest records that a typed text finds.

        Raises:
            Problem: the history cannot be read.
        """
        return await self._console.history.read(partial(listed, self._console.host, text))

    async def charts(self, text: str) -> SeriesView:
        """Return the charts of the records that a typed text finds, and of each day's dollars.

        Raises:
            Problem: the history cannot be read.
        """
        console = self._console
        starts, ttft = await console.history.read(partial(_points, console.host, text))
        settings, life = console.host.settings, console.session.life
        profile = settings.profile(life.server.name) if life else None
        usd = day_points(console.session.ledger.days, tariff_of(settings, profile))
        return charts_view(starts, ttft, usd, console.host.now().wall_s)

    def open(self, record_id: str) -> None:
        """Show a record."""
        self._console.carry_out(self._said(self._open(record_id)), "show")

    def compare(self, first_id: str, second_id: str | None) -> None:
        """Show two records side by side; without a second, one and the one before it."""
        self._console.carry_out(self._said(self._compare(first_id, second_id)), "show")

    def beside(self, record_id: str) -> None:
        """Show a series beside the live targets."""
        self._console.carry_out(self._said(self._put_beside(record_id)), "show")

    def put_note(self, record_id: str, text: str) -> None:
        """Have a note written; without text the one that was there goes."""
        self._console.history.keep(written_note(self._console.host, record_id, text))

    async def _open(self, record_id: str) -> None:
        console = self._console
        record, note = await console.history.read(partial(_noted, console.host, record_id))
        console.push_screen(RecordScreen(record, self._beside, note))

    async def _compare(self, first_id: str, second_id: str | None) -> None:
        console = self._console
        found = await console.history.read(partial(compared, console.host, first_id, second_id))
        console.push_screen(ComparisonScreen(found))

    async def _put_beside(self, record_id: str) -> None:
        console = self._console
        record = await console.history.read(partial(recorded, console.host, record_id))
        if isinstance(record, AbSeries):
            self._beside(record)
        else:
            said = "choose an A/B series; only A/B series can be compared with the live one"
            console.notify(said, severity="warning")

    async def _said(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Problem as problem:
            self._console.notify(str(problem), severity="error", markup=False)


def listed(host: Host, text: str) -> HistoryView:
    """Return what the history keeps and a typed text finds, as its table shows it.

    Raises:
        Problem: the history cannot be read.
    """
    with closing(open_history(host.history_file)) as history:
        found = history.entries.found(Search.of(text), LISTED)
        series = with_runs(history, found.series)
    reports = []
    for record in found.findings:
        try:
            reports.append(finding_of(record))
        except HistoryUnavailable:  # one that is not known here hides no other
            continue
    return history_view(replace(found, series=series), reports, text)


def _points(host: Host, text: str) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    search = Search.of(text)
    with closing(open_history(host.history_file)) as history:
        starts = history.entries.start_seconds(search, CHARTED)
        return starts, history.entries.first_token_seconds(search, CHARTED)


def _noted(host: Host, record_id: str) -> tuple[Recorded, Note | None]:
    return recorded(host, record_id), note_on(host, record_id)
