"""The log screen: the server's own output, followed, searched and filtered."""

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.domain.facts import LogRead
from backends.domain.start import Failure
from widgets.ask_line import AskLine
from widgets.log_view import LogLines
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter


class LogScreen(Screen[None]):
    """Lines arrive through `append`; keys search and filter.

    Args:
        failure: why the server failed; the log opens at the line that tells it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="screen.back", tooltip="The filter, then the log"),
        Binding("slash", "ask('search')", "Search", id="logs.search", key_display="/"),
        Binding("f", "ask('only')", "Filter", id="logs.filter", tooltip="Lines with this text"),
        Binding("w", "problems", "Warnings", id="logs.problems", tooltip="Warnings and errors"),
        Binding("n", "next_match", "Next", id="logs.next", tooltip="The next match"),
        Binding("N", "previous_match", "Previous", id="logs.previous", tooltip="The match before"),
        Binding("W", "wrap", "Wrap", id="logs.wrap", tooltip="Long lines in several rows"),
        Binding("o", "probes", "Probes", id="logs.probes", tooltip="Show or hide own probes"),
        Binding("y", "copy", "Copy", id="logs.copy", tooltip="Copy what was found, or the screen"),
        Binding("end", "follow", "Follow", id="logs.follow", tooltip="Go to the end and stay"),
    ]
    DEFAULT_CSS = """
    LogScreen {
        & LogLines { height: 1fr; }
    }
    """

    line = query_one(AskLine)

    def __init__(self, failure: Failure | None = None) -> None:
        super().__init__()
        self.lines = LogLines()  # lines may arrive before this screen stands
        self._asking = "search"
        if failure is not None and failure.line_number is not None:
            self.lines.open_at(failure.line_number, failure.line)

    def compose(self) -> ComposeResult:
        """Lay out the lines above the input and the footer."""
        yield StatusStrip()
        yield self.lines
        yield AskLine(replaces=True)
        yield StillFooter()

    def append(self, fact: LogRead) -> None:
        """Show lines that were read."""
        self.lines.append(fact.lines, fact.left_out_bytes)

    def action_ask(self, what: str) -> None:
        """Open the input line for a text to search or to filter by."""
        self._asking = what
        text = "Search" if what == "search" else "Filter"
        self.line.ask(f"{text}: (Enter apply, Esc cancel)", getattr(self.lines.view, what))

    def on_input_submitted(self, event: AskLine.Submitted) -> None:
        """Search or filter by what was typed; nothing typed ends it."""
        view = self.lines.view
        if self._asking == "search":
            self.lines.view = replace(view, search=event.value)
            self.lines.find()
        else:
            self.lines.view = replace(view, only=event.value)
        self.line.put_away()
        self.lines.focus()

    def action_problems(self) -> None:
        """Show warnings and errors only, or everything again."""
        view = self.lines.view
        self.lines.view = replace(view, problems_only=not view.problems_only)

    def action_next_match(self) -> None:
        """Go to the next line with the searched text."""
        self.lines.find()

    def action_previous_match(self) -> None:
        """Go to the line before with the searched text."""
        self.lines.find(forwards=False)

    def action_wrap(self) -> None:
        """Show long lines in several rows, or in one each again."""
        view = self.lines.view
        self.lines.view = replace(view, wrap=not view.wrap)

    def action_probes(self) -> None:
        """Show the lines of inferctl's own probes, or hide them again."""
        view = self.lines.view
        self.lines.view = replace(view, probes=not view.probes)

    def action_copy(self) -> None:
        """Hand the found line, or those on screen, to the terminal's clipboard (OSC 52)."""
        text = self.lines.marked_text()
        self.app.copy_to_clipboard(text)
        self.notify(f"copied {text.count(chr(10)) + 1} lines", markup=False)

    def action_back(self) -> None:
        """Leave the input line, then the filter and the search, then the log."""
        view = self.lines.view
        if self.line.display:
            self.line.put_away()
            self.lines.focus()
        elif view.search or view.only or view.problems_only:
            self.lines.view = replace(view, search="", only="", problems_only=False)
        else:
            self.app.pop_screen()

    def action_follow(self) -> None:
        """Go to the end, and stay there as lines arrive."""
        self.lines.scroll_end(animate=False)
