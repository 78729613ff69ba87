"""Load tests of the console: asked about with bounds and cost, and run while it goes on."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from backends.domain.reports.load import LoadReport
from backends.domain.traffic.arrivals import RecordedTraffic
from backends.operations import ab, load_test
from backends.operations.load_test import LoadProgress
from backends.prober.protocol import LoadOrder
from backends.problem import Problem, UsageProblem
from backends.traffic.arrivals import recorded_traffic
from console.tui.actions.console import Console
from console.tui.actions.drawing import Drawing
from console.tui.screens.load import LoadScreen
from console.tui.screens.question import Question, TextQuestion

TYPED_TRACE = re.compile(
    r"(?:--trace\s+)?(?P<path>\S.*?)(?:\s+--speed\s+(?P<speed>\d{1,6}(?:\.\d{1,6})?))?"
)
"""A file and its speed, in the words of ``inferctl load``."""


class LoadActions:
    """Raises the rate at one endpoint until it breaks its limits, in the background."""

    def __init__(self, console: Console, drawing: Drawing) -> None:
        self._console = console
        self._drawing = drawing
        self._cancelled = asyncio.Event()

    def act(self, what: str) -> None:
        """Do what the binding's word says: show the load, or begin one; or end it."""
        if what == "cancel":
            self._cancelled.set()
        elif self._console.context.load is not None:
            self._show()
        else:
            self._console.carry_out(self._choose(), "load")

    def load(self, reference: str) -> None:
        """Load one endpoint, once its bounds and its cost were agreed to."""
        self._console.carry_out(self._ask(reference), "load")

    def begin(self, order: LoadOrder) -> None:
        """Run a load that was agreed to."""
        self._console.carry_out(self._run(order), "load")

    async def _choose(self) -> None:
        console = self._console
        references = ab.ab_targets(console.session, console.host.settings)
        answer: str | None = "0"
        if len(references) > 1:
            choices = tuple((str(number), each) for number, each in enumerate(references))
            question = Question("The load test is of", (*choices, ("no", "Cancel")))
            answer = await console.push_screen_wait(question)
        if answer is not None and answer.isdigit():
            await self._ask(references[int(answer)])

    async def _ask(self, reference: str) -> None:
        console = self._console
        try:
            order = await asyncio.to_thread(self._order, reference)
            await asyncio.to_thread(load_test.check_that_it_serves, console.host, reference)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
            return
        answer = await self._agree(order, ("replay", "Replay recorded traffic"))
        if answer == "replay":
            await self._ask_trace(order)
        elif answer == "go":
            await self._run(order)

    async def _agree(self, order: LoadOrder, *others: tuple[str, str]) -> str | None:
        sentence = f"{load_test.consent(order, self._console.host).sentence}."
        choices = (("no", "Cancel"), ("go", "Start"), *others)
        return await self._console.push_screen_wait(Question(sentence, choices))

    async def _ask_trace(self, order: LoadOrder) -> None:
        """Let a file of traffic say what is sent and when, once its cost was agreed to as well."""
        console = self._console
        sentence = "Recorded traffic to send as it came, then its mix at rising rates"
        question = TextQuestion(sentence, (), "FILE, or FILE --speed 10")
        if not (typed := await console.push_screen_wait(question)):
            return
        try:
            traffic, speed = await asyncio.to_thread(_recorded, typed)
            order = load_test.replaying(order, traffic, speed, max_s=None, max_requests=None)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
            return
        if await self._agree(order) == "go":
            await self._run(order, traffic)

    async def _run(self, order: LoadOrder, traffic: RecordedTraffic | None = None) -> None:
        """Run to the end, on screen or not; what was measured is kept after each step."""
        console, host = self._console, self._console.host
        self._cancelled = asyncio.Event()
        first_s = order.trace_s / order.speed if order.trace else order.step_s
        ends_s = host.now().mono_s + first_s
        self._take(LoadProgress(order, None, None, order.first_rps, ends_s))
        self._show()
        report: LoadReport | None = None
        try:
            async for news in load_test.recorded_load(
                console.history, host, order, self._cancelled, traffic
            ):
                report = news.report
                if news.step is not None:  # its end is shown once the next order can be taken
                    ends_s = host.now().mono_s + order.step_s
                    self._take(LoadProgress(order, report, news.step, news.next_rps, ends_s))
            await self._say_end(report)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
        cost_usd = Decimal((report.ended.cost_usd if report else None) or 0)
        console.context = replace(console.context, tests_usd=console.context.tests_usd + cost_usd)
        self._take(None if report is None else LoadProgress(order, report, None, None, 0.0))

    async def _say_end(self, report: LoadReport | None) -> None:
        console = self._console
        if report is None or not report.ended.steps:
            if self._cancelled.is_set():
                console.notify("load test cancelled; no results", markup=False)
                return
            why = report.ended.reason if report else load_test.CUT_OFF
            console.notify(f"nothing was measured: {why}", severity="error", markup=False)
            return
        kept = await asyncio.to_thread(load_test.keep_for_verdict, console.host, report)
        what = kept or "kept in the history"
        console.notify(what, title=f"load test of {report.endpoint} ended", markup=False)

    def _take(self, progress: LoadProgress | None) -> None:
        self._console.context = replace(self._console.context, load=progress)
        self._drawing.soon()

    def _show(self) -> None:
        console = self._console
        if not isinstance(console.screen_stack[-1], LoadScreen):
            console.push_screen(
                LoadScreen(
                    console.host,
                    lambda: console.context.load,
                    partial(self.act, "cancel"),
                    self._hide,
                )
            )

    def _hide(self) -> None:
        """Show the main screen; a load that is over was looked at by then."""
        progress = self._console.context.load
        if progress is not None and progress.rps is None:
            self._take(None)

    def _order(self, reference: str) -> LoadOrder:
        """Return a load of the chosen prompt within the configured limits.

        Raises:
            Problem: the endpoint or its key cannot be had.
        """
        settings, prompt = self._console.host.settings, self._console.context.prompt
        (target,) = ab.targets([reference], settings)
        return LoadOrder(
            target=target,
            prompt=prompt.text,
            max_tokens=prompt.max_tokens,
            ttft_limit_s=settings.limits.ttft_p99_s or load_test.DEFAULT_TTFT_S,
            itl_limit_s=settings.limits.itl_p99_s,
        )


def _recorded(typed: str) -> tuple[RecordedTraffic, float]:
    """Return the traffic and the speed that were typed.

    Raises:
        UsageProblem: they cannot be understood, or the file cannot be read.
    """
    found = TYPED_TRACE.fullmatch(typed.strip())
    speed = float(found["speed"] or 1) if found else 0.0
    if found is None or not speed:
        raise UsageProblem(f"'{typed}' is not traffic to replay; type FILE, or FILE --speed 10")
    pattern = str(Path(found["path"]).expanduser())
    return recorded_traffic((pattern,), {}, load_test.MOST_REPLAYED), speed
