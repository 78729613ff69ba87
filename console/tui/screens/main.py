"""The main screen: status, start-up or serving, VRAM, A/B, cost and the verdict."""

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.getters import query_one
from textual.screen import Screen
from textual.widgets import Static

from console.tui.bindings import MAIN_BINDINGS
from widgets.ab_panel import AbPanel
from widgets.cost_panel import CostPanel
from widgets.load_strip import LoadStrip
from widgets.serving_panel import ServingPanel
from widgets.startup_panel import StartupPanel
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter
from widgets.verdict_line import VerdictLine
from widgets.vram_panel import VramPanel

if TYPE_CHECKING:
    from console.tui.views.screen import MainView

SMALLEST = (60, 16)
"""Columns and rows below which no panel says anything useful."""

PANELS = ("startup", "vram", "ab", "cost", "serving")


class MainScreen(Screen[None]):
    """Arranges the panels; draws only what `show` changes."""

    BINDINGS: ClassVar[list[BindingType]] = MAIN_BINDINGS
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall"), (42, "-huge")]  # noqa: RUF012

    status = query_one("#status", StatusStrip)
    startup = query_one("#startup", StartupPanel)
    serving = query_one("#serving", ServingPanel)
    vram = query_one("#vram", VramPanel)
    ab = query_one("#ab", AbPanel)
    cost = query_one("#cost", CostPanel)
    verdict = query_one("#verdict", VerdictLine)
    load = query_one("#load", LoadStrip)

    def compose(self) -> ComposeResult:
        """Lay out the panels, and the line for a terminal that is too small."""
        yield Static(id="too-small")
        yield StatusStrip(id="status")
        with Horizontal(id="upper"):
            with Vertical(id="server"):
                yield StartupPanel(id="startup")
                yield ServingPanel(id="serving")
            yield VramPanel(id="vram")
        yield AbPanel(id="ab")
        yield LoadStrip(id="load")
        yield CostPanel(id="cost")
        yield VerdictLine(id="verdict")
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
        startup = view.startup
        self.set_class(startup.compact and startup.failure is None, "-serving")
        self.set_class(bool(startup.slower or startup.levers), "-remarks")
        self.set_class(startup.failure is not None, "-failed")
        self.set_class(bool(view.load.endpoint), "-load")

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
        if action == "maximise":
            return parameters != (len(PANELS),) or self.has_class("-serving")
        return True

    def action_maximise(self, number: int) -> None:
        """Give one panel the whole screen, or give the room back."""
        wanted = PANELS[number - 1]
        if self.maximized is not None and self.maximized.id == wanted:
            self.minimize()
        else:
            self.minimize()
            self.maximize(self.query_one(f"#{wanted}"))
