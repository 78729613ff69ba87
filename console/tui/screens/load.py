"""The screen of a load: it runs while the screen stands, and its curve grows."""

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.screen import Screen

from backends.domain.reports.load import LoadReport
from backends.history.thread import HistoryThread
from backends.operations import load_test
from backends.operations.host import Host
from backends.prober.protocol import LoadOrder
from backends.problem import Problem
from console.tui.views.findings import load_view
from widgets.load_curve import LoadCurve, LoadView
from widgets.status_strip import StatusStrip
from widgets.still_footer import StillFooter

TICK_S = 1.0


class LoadScreen(Screen[LoadReport | None]):
    """Raises the rate at one endpoint; dismissed with what was found, None for nothing.

    Leaving it ends the load: nothing is sent to an endpoint behind the user's back.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="load.back", tooltip="End the load and go back"),
        Binding("x", "cancel", "Cancel", id="load.cancel", tooltip="End it; its steps are kept"),
    ]

    curve = query_one(LoadCurve)

    def __init__(self, writer: HistoryThread, host: Host, order: LoadOrder) -> None:
        super().__init__()
        self._writer = writer
        self._host = host
        self._order = order
        self._cancelled = asyncio.Event()
        self._leaving = False
        self._left = False
        self._report: LoadReport | None = None
        self._now_rps: float | None = order.first_rps
        self._step_ends_s = host.now().mono_s + order.step_s

    def compose(self) -> ComposeResult:
        """Lay out the curve."""
        yield StatusStrip()
        yield LoadCurve()
        yield StillFooter()

    def on_mount(self) -> None:
        """Begin."""
        self._draw()
        self.set_interval(TICK_S, self._draw)
        self.run_worker(self._run(), group="load", exclusive=True)

    async def _run(self) -> None:
        try:
            async for news in load_test.recorded_load(
                self._writer, self._host, self._order, self._cancelled
            ):
                self._report, self._now_rps = news.report, news.next_rps
                self._step_ends_s = self._host.now().mono_s + self._order.step_s
                if news.step is None:
                    await self._say_end(news.report)
                self._draw()
        except Problem as problem:
            self.notify(str(problem), severity="error", markup=False)
            self._now_rps = None
        self.refresh_bindings()
        if self._leaving:
            self._go_back()

    async def _say_end(self, report: LoadReport) -> None:
        if not report.ended.steps:
            sentence = f"nothing was measured: {report.ended.reason}"
            self.notify(sentence, severity="error", markup=False)
            return
        kept = await asyncio.to_thread(load_test.keep_for_verdict, self._host, report)
        self.notify(kept or "kept in the history", markup=False)

    def _draw(self) -> None:
        left_s = max(0.0, self._step_ends_s - self._host.now().mono_s)
        bounds = f"{load_test.limits_of(self._order)}; {load_test.bounds_text(self._order)}"
        if self._report is None:
            endpoint, rps = self._order.target.endpoint, self._now_rps
            self.curve.view = LoadView(endpoint, now_rps=rps, now_left_s=left_s, bounds=bounds)
            return
        self.curve.view = load_view(
            self._report, running_rps=self._now_rps, left_s=left_s, bounds=bounds
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer only what can act now."""
        return self._now_rps is not None if action == "cancel" else True

    def action_cancel(self) -> None:
        """End the load; what was measured is kept."""
        self._cancelled.set()

    def action_leave(self) -> None:
        """Leave, once the load has ended with what it cost; asked again, leave at once."""
        if self._now_rps is None or self._leaving:
            self._go_back()
        self._leaving = True
        self._cancelled.set()

    def _go_back(self) -> None:
        """Leave once: Textual takes a screen down later, and the one below it where asked twice."""
        if not self._left:
            self._left = True
            self.dismiss(self._report)
