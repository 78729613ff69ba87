"""The main screen: its panels, laid out by what the server does."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Click, Resize
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Static

from console.tui.bindings import MAIN_BINDINGS
from widgets.ab_panel import AbPanel
from widgets.cost_panel import CostPanel
from widgets.load_strip import LoadStrip
from widgets.log_tail import LogTail
from widgets.panel import Panel
from widgets.serving_panel import ServingPanel
from widgets.startup_panel import StartupPanel
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.study_strip import StudyStrip
from widgets.verdict_line import VerdictLine
from widgets.vram_panel import VramPanel

if TYPE_CHECKING:
    from console.tui.views.screen import MainView

SMALLEST = (60, 16)
"""Columns and rows below which no panel says anything useful."""

PANELS = ("startup", "vram", "ab", "cost", "serving")


LAYOUTS = ("stopped", "starting", "serving", "failed")


class MainScreen(Screen[None]):
    """Arranges the panels; draws only what `show` changes.

    One panel may have the room of all: the header and the footer stay, unlike Textual's own
    maximising, because no screen goes without SIMULATED.
    """

    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS
    VERTICAL_BREAKPOINTS = [(0, "-small"), (22, "-short"), (30, "-tall"), (42, "-huge")]  # noqa: RUF012

    status = query_one("#status", StatusStrip)
    startup = query_one("#startup", StartupPanel)
    serving = query_one("#serving", ServingPanel)
    vram = query_one("#vram", VramPanel)
    ab = query_one("#ab", AbPanel)
    cost = query_one("#cost", CostPanel)
    verdict = query_one("#verdict", VerdictLine)
    load = query_one("#load", LoadStrip)
    study = query_one("#study", StudyStrip)
    tail = query_one("#tail", LogTail)

    def compose(self) -> ComposeResult:
        """Lay out the panels, and the line for a terminal that is too small."""
        yield Static(id="too-small")
        yield StatusStrip(id="status")
        yield VerdictLine(id="verdict")
        yield StartupPanel(id="startup")
        with Horizontal(id="upper"):
            yield ServingPanel(id="serving")
            yield VramPanel(id="vram")
        yield LogTail(id="tail")
        yield AbPanel(id="ab")
        yield LoadStrip(id="load")
        yield StudyStrip(id="study")
        yield CostPanel(id="cost")
        yield StillFooter()

    def show(self, view: "MainView") -> None:
        """Hand each widget its view; equal views draw nothing."""
        self.status.view = view.status
        self.startup.view = view.startup
        self.serving.view = view.serving
        self.vram.view = view.vram
        self.ab.view = view.ab
        self.cost.view = view.cost
        self.verdict.view = view.verdict
        self.load.view = view.load
        self.study.view = view.study
        self.tail.view = view.tail
        for layout in LAYOUTS:
            self.set_class(layout == view.layout, f"-{layout}")
        self.set_class(bool(view.load.endpoint), "-load")
        self.set_class(bool(view.study.server), "-study")
        self.set_class(view.compares, "-compares")
        self.set_class(not view.vram.gpus, "-no-gpu")
        self.set_class(view.verdict.kind == "undecided", "-undecided")
        self.set_class(not view.tail.lines, "-no-log")

    def on_resize(self, event: Resize) -> None:
        """Say what is needed where the terminal is too small for any panel."""
        columns, rows = SMALLEST
        small = event.size.width < columns or event.size.height < rows
        self.set_class(small, "-too-small")
        self.query_one("#too-small", Static).update(
            f"inferctl needs {columns}x{rows}; this is {event.size.width}x{event.size.height}"
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the panel of what is served only where something is."""
        if action == "restore":
            return self.has_class("-one-whole")
        if action == "maximise":
            return parameters != (len(PANELS),) or self.has_class("-serving")
        return True

    def action_maximise(self, number: int) -> None:
        """Give one panel the room of all, or give it back."""
        wanted = self.query_one(f"#{PANELS[number - 1]}", Panel)
        already = wanted.has_class("-whole")
        self.action_restore()
        if already:
            return
        self.add_class("-one-whole")
        for widget in (self.query_one("#upper"), *self.query(Panel)):
            shown = widget in (wanted, wanted.parent)
            widget.set_class(shown, "-whole")
            widget.set_class(not shown and not isinstance(widget, StatusStrip), "-aside")

    def action_restore(self) -> None:
        """Give every panel its room back."""
        self.remove_class("-one-whole")
        self.query(".-whole, .-aside").remove_class("-whole", "-aside")

    def on_click(self, event: Click) -> None:
        """Do what the number of the clicked panel does."""
        panel = event.widget
        if isinstance(panel, Panel) and panel.id in PANELS:
            self.action_maximise(PANELS.index(panel.id) + 1)
