"""The screen of the load test that runs, or has just ended: its curve, and what ends it."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.operations import load_test
from backends.operations.host import Host
from backends.operations.load_test import LoadProgress
from console.tui.views.findings import load_view
from widgets.load_curve import LoadCurve, LoadView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter

TICK_S = 1.0


class LoadScreen(Screen[None]):
    """Shows a load; leaving it lets the load go on.

    Args:
        look: returns the load as it stands, None once it failed without a result.
        cancel: ends it.
        left: called when the screen is left.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="load.back", tooltip="Hide it; the load goes on"),
        Binding("x", "cancel", "Cancel", id="load.cancel", tooltip="End it; its steps are kept"),
    ]

    curve = query_one(LoadCurve)

    def __init__(
        self,
        host: Host,
        look: Callable[[], LoadProgress | None],
        cancel: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        super().__init__()
        self._host = host
        self._look = look
        self._cancel = cancel
        self._left = left
        self._runs = True
        self._leaving = False

    def compose(self) -> ComposeResult:
        """Lay out the curve."""
        yield StatusStrip()
        yield LoadCurve()
        yield StillFooter()

    def on_mount(self) -> None:
        """Show it as it stands, and again each second."""
        self._draw()
        self.set_interval(TICK_S, self._draw)

    def _draw(self) -> None:
        progress = self._look()
        runs = progress is not None and progress.rps is not None
        if runs is not self._runs:
            self._runs = runs
            self.refresh_bindings()
        if progress is None:
            return
        order, report, rps = progress.order, progress.report, progress.rps
        left_s = max(0.0, progress.step_ends_s - self._host.now().mono_s)
        bounds = f"{load_test.limits_of(order)}; {load_test.bounds_text(order)}"
        if report is None:
            name = order.target.endpoint
            replay = (load_test.replay_text(order),) if order.trace else ()
            self.curve.view = LoadView(
                name, now_rps=rps, now_left_s=left_s, replay=replay, bounds=bounds
            )
        else:
            self.curve.view = load_view(report, running_rps=rps, left_s=left_s, bounds=bounds)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer only what can act now."""
        return self._runs if action == "cancel" else True

    def action_cancel(self) -> None:
        """End the load; what was measured is kept."""
        self._cancel()

    def action_leave(self) -> None:
        """Hide once: Textual takes a screen down later, and the one below it where asked twice."""
        if not self._leaving:
            self._leaving = True
            self._left()
            self.dismiss()
