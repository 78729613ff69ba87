"""The figures of a server over minutes, hours and days, as they were recorded."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.problem import Problem
from console.tui.bindings import BACK
from console.tui.views.series import RANGES, series_view
from widgets.series_panel import SeriesPanel, SeriesView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter

RENEWED_S = 5.0

Rows = Sequence[Sequence[float | None]]


class SeriesScreen(Screen[None]):
    """A chart for each figure, over a range that a key chooses.

    Args:
        server: whose figures.
        read: returns its rows of a step in seconds.
        now_wall_s: the host's clock.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        BACK,
        Binding("t", "range(1)", "Longer", id="series.longer", tooltip="The next longer range"),
        Binding("T", "range(-1)", "Shorter", id="series.shorter", tooltip="The shorter range"),
    ]

    DEFAULT_CSS = """
    SeriesScreen > SeriesPanel { height: 1fr; }
    """

    panel = query_one(SeriesPanel)

    def __init__(
        self,
        server: str,
        read: Callable[[str, float], Awaitable[Rows]],
        now_wall_s: Callable[[], float],
    ) -> None:
        super().__init__()
        self._server = server
        self._read = read
        self._now_wall_s = now_wall_s
        self._place = 0

    def compose(self) -> ComposeResult:
        """Lay out the charts between the header and the footer."""
        yield StatusStrip()
        yield SeriesPanel()
        yield StillFooter()

    def on_mount(self) -> None:
        """Read, and again as rows are added."""
        self._renew()
        self.set_interval(RENEWED_S, self._renew)

    def action_range(self, step: int) -> None:
        """Show the next longer or shorter range."""
        self._place = (self._place + step) % len(RANGES)
        self._renew()

    def _renew(self) -> None:
        self.run_worker(self._draw(self._place), group="series", exclusive=True)

    async def _draw(self, place: int) -> None:
        try:
            rows = await self._read(self._server, RANGES[place][2])
        except Problem as problem:
            self.panel.view = SeriesView(reason=str(problem))
        else:
            self.panel.view = series_view(self._server, place, rows, self._now_wall_s())
