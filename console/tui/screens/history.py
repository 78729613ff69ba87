"""The history screen: starts, A/B series, loads and cold-start probes, newest first."""

from dataclasses import replace
from typing import ClassVar, Protocol

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.problem import Problem
from widgets.ask_line import AskLine
from widgets.history_table import HistoryTable, HistoryView
from widgets.series_panel import SeriesPanel, SeriesView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter

WITH_CHARTS = 30
"""From so many rows on the charts stand below the list from the beginning."""

KINDS = ("", "kind:start", "kind:a/b", "kind:load", "kind:cold-start", "kind:sleep")
SEARCH = "Words, kind:start, server:NAME, result:failed ... (Enter list, Esc all)"
NOTE = "Note: (Enter keeps it, empty takes it away, Esc cancels)"


class History(Protocol):
    """What the screen asks the history; what is awaited raises `Problem`."""

    async def listed(self, text: str) -> HistoryView:
        """Return the newest records that a typed text finds."""

    async def charts(self, text: str) -> SeriesView:
        """Return the charts of these."""

    def open(self, record_id: str) -> None:
        """Show a record."""

    def compare(self, first_id: str, second_id: str | None) -> None:
        """Show two records side by side; without a second, one and the one before it."""

    def beside(self, record_id: str) -> None:
        """Show a series beside the live targets."""

    def put_note(self, record_id: str, text: str) -> None:
        """Have a note written."""


class HistoryScreen(Screen[None]):
    """One table of what is searched for, with charts of it below.

    Args:
        view: the table as it is opened.
        history: what is asked for everything else.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="screen.back", tooltip="All records, then back"),
        Binding(
            "slash",
            "search",
            "Search",
            id="history.search",
            key_display="/",
            tooltip="List what has these words, this kind:, server: or result:",
        ),
        Binding("k", "kind", "Kind", id="history.kind", tooltip="Only starts, A/B, loads ..."),
        Binding(
            "d",
            "compare",
            "Compare",
            id="history.compare",
            tooltip="With the marked one, or the one before: figures and arguments",
        ),
        Binding(
            "space",
            "mark",
            "Mark",
            id="history.mark",
            key_display="space",
            tooltip="Mark the one that d compares with",
        ),
        Binding("n", "note", "Note", id="history.note", tooltip="Write a note on this record"),
        Binding(
            "t", "charts", "Charts", id="history.charts", tooltip="Start seconds, TTFT, $ per day"
        ),
        Binding("b", "beside", "Beside", id="history.beside", tooltip="This series beside today's"),
    ]
    DEFAULT_CSS = """
    HistoryScreen {
        & HistoryTable { height: 2fr; }
        & SeriesPanel { height: 1fr; min-height: 7; display: none; }
    }
    """

    table = query_one(HistoryTable)
    charts = query_one(SeriesPanel)
    line = query_one(AskLine)

    def __init__(self, view: HistoryView, history: History) -> None:
        super().__init__()
        self._view = view
        self._history = history
        self._noted: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the table above the charts."""
        yield StatusStrip()
        yield HistoryTable()
        yield SeriesPanel()
        yield AskLine()
        yield StillFooter()

    def on_mount(self) -> None:
        """Fill the table."""
        self.table.view = self._view
        if self.size.height >= WITH_CHARTS:
            self.action_charts()

    def on_history_table_opened(self, message: HistoryTable.Opened) -> None:
        """Show the record that was chosen."""
        self._history.open(message.record_id)

    def action_search(self) -> None:
        """Open the input line for what is to be listed."""
        self._noted = None
        self.line.ask(SEARCH, f"{self.table.view.search} ".lstrip())

    def action_kind(self) -> None:
        """List the next kind of records alone; after the last one, all of them."""
        words = self.table.view.search.split()
        now = next((word for word in words if word in KINDS), "")
        after = KINDS[(KINDS.index(now) + 1) % len(KINDS)]
        self._list(" ".join([after, *(word for word in words if word != now)]).strip())

    def action_mark(self) -> None:
        """Mark the record under the cursor, or take its mark away."""
        chosen, view = self.table.chosen(), self.table.view
        marked = chosen if chosen and chosen != view.marked else ""
        self.table.view = replace(view, marked=marked)

    def action_compare(self) -> None:
        """Put the record under the cursor beside the marked one, or the one before it."""
        chosen, marked = self.table.chosen(), self.table.view.marked
        if chosen is None:
            return
        if marked in ("", chosen):
            self._history.compare(chosen, None)
            return
        ids = [key for key, _ in self.table.records()]
        older_marked = marked not in ids or ids.index(marked) > ids.index(chosen)
        self._history.compare(*((marked, chosen) if older_marked else (chosen, marked)))

    def action_note(self) -> None:
        """Open the input line for a note on the record under the cursor."""
        self._noted = self.table.chosen()
        if self._noted is not None:
            self.line.ask(NOTE, self.table.note())

    def action_charts(self) -> None:
        """Show the charts, or hide them."""
        self.charts.display = not self.charts.display
        self._list(self.table.view.search)

    def action_beside(self) -> None:
        """Put the series under the cursor beside the live targets."""
        chosen = self.table.chosen()
        if chosen is not None:
            self._history.beside(chosen)

    def on_input_submitted(self, event: AskLine.Submitted) -> None:
        """List what was typed, or keep it as a note."""
        search = event.value.strip()
        if self._noted is not None:
            search = self.table.view.search
            self._history.put_note(self._noted, event.value)
        self.line.put_away()
        self.table.focus()
        self._list(search)

    def action_back(self) -> None:
        """Leave the input line, then the search, then the history."""
        if self.line.display:
            self.line.put_away()
            self.table.focus()
        elif self.table.view.search:
            self._list("")
        else:
            self.app.pop_screen()

    @work(exclusive=True, group="list")
    async def _list(self, text: str) -> None:
        """List what a text finds, and chart it; a newer text replaces an older one."""
        try:
            view = await self._history.listed(text)
            self.table.view = replace(view, marked=self.table.view.marked)
            if self.charts.display:
                self.charts.view = await self._history.charts(text)
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
