"""The study of the watched server: asked about once, and measured while the console goes on."""

import asyncio
from dataclasses import replace

from backends.domain.study.progress import StudyProgress
from backends.operations.study import plan
from backends.operations.study.background import BackgroundStudy, Prepared, prepare
from backends.operations.study.plan import QUICK, WHOLE
from backends.operations.study.run import Progress
from backends.problem import Problem
from console.tui.actions.console import Console
from console.tui.actions.drawing import Drawing
from console.tui.screens.question import Question
from console.tui.views.keys import managed_name

WRITTEN_S = 60.0
"""How long it stays on screen where the study is: long enough to be copied."""


class StudyActions:
    """Measures the watched server beside an endpoint, step by step, in the background."""

    def __init__(self, console: Console, drawing: Drawing) -> None:
        self._console = console
        self._drawing = drawing
        self._running: BackgroundStudy | None = None

    def act(self, what: str) -> None:
        """Do what the binding's word says: begin or resume a study, or end it."""
        if what != "cancel":
            self._console.carry_out(self._choose(), "study")
        elif self._running is not None:
            self._running.cancel()

    async def _choose(self) -> None:
        console = self._console
        server, settings = managed_name(console.session), console.host.settings
        names = [each.name for each in settings.endpoints]
        if server is None or not names:
            return
        endpoint: str | None = "0"
        if len(names) > 1:
            choices = tuple((str(number), each) for number, each in enumerate(names))
            question = Question(f"A study of {server} beside", (*choices, ("no", "Cancel")))
            endpoint = await console.push_screen_wait(question)
        if endpoint is None or not endpoint.isdigit():
            return
        name = names[int(endpoint)]
        sizes = (("whole", "Whole"), ("quick", "Quick: fewer runs"), ("no", "Cancel"))
        size = await console.push_screen_wait(Question(f"A study of {server} beside {name}", sizes))
        if size in {"whole", "quick"}:
            await self._ask(server, name, quick=size == "quick")

    async def _ask(self, server: str, endpoint: str, *, quick: bool) -> None:
        console, host = self._console, self._console.host

        def prepared() -> tuple[Prepared, str]:
            sizes = QUICK if quick else WHOLE
            study = prepare(host, plan.order_of(host, server, endpoint, sizes, quick=quick))
            done = len(study.steps) - len(study.left)
            return study, plan.consent(host, study.order, study.left, done).sentence

        try:
            study, sentence = await asyncio.to_thread(prepared)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
            return
        go = "Resume" if study.resumed else "Measure"
        question = Question(f"{sentence}.", (("no", "Cancel"), ("go", go)))
        if await console.push_screen_wait(question) == "go":
            await self._run(study)

    async def _run(self, study: Prepared) -> None:
        """Run to the end; whoever leaves the console ends it too, and resumes it later."""
        console, loop = self._console, asyncio.get_running_loop()
        self._running = running = BackgroundStudy(console.host, study, console.history)
        begun = StudyProgress(study.order.server, study.order.endpoint)
        self._take(begun)

        def tell(at: Progress) -> None:
            shown = replace(
                begun,
                title=at.step.title,
                number=at.number,
                of=at.of,
                detail=at.detail,
                step_ends_s=at.began_s + at.step.expected_s,
                later_s=at.later_s,
            )
            loop.call_soon_threadsafe(self._take, shown)

        try:
            written = await asyncio.to_thread(running.run, tell)
        except (Problem, OSError) as problem:
            console.notify(str(problem), severity="error", timeout=WRITTEN_S, markup=False)
        else:
            said = f"written: {written[-1]}" if written else "what is measured is kept; S resumes"
            title = f"study of {study.order.server} {'ended' if written else 'was cut off'}"
            console.notify(said, title=title, timeout=WRITTEN_S, markup=False)
        finally:
            running.cancel()
            self._running = None
            loop.call_soon(self._take, None)

    def _take(self, progress: StudyProgress | None) -> None:
        self._console.context = replace(self._console.context, study=progress)
        self._drawing.soon()
