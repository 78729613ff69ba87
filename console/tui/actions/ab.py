"""What the keys for an A/B do: one run, a series, cancel, and the choice of the prompt."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from backends.domain.ab.facts import SeriesEnded
from backends.domain.ab.run import SeriesMode
from backends.operations import ab
from backends.operations.ab import ab_targets, why_no_ab
from backends.operations.ab_run import measured_series
from backends.operations.consent import Consent
from backends.prober.prompts import PROMPTS
from backends.problem import Problem, UsageProblem
from console.tui.actions.console import Console
from console.tui.screens.question import Question, TextQuestion

SERIES_RUNS = 20
"""A single run costs what a question is worth; a series on a priced endpoint is asked about."""


class AbActions:
    """Measures the endpoints against each other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._cancelled = asyncio.Event()

    def act(self, what: str) -> None:
        """Do what the binding's word says."""
        match what:
            case "cancel":
                self._cancelled.set()
            case "prompt":
                self._console.carry_out(self._choose_prompt(), "prompt")
            case "series":
                self._console.carry_out(self._measure(SERIES_RUNS), "series")
            case _:  # where an A/B cannot be, its first step says why
                self._console.carry_out(self._measure(1), "series")

    async def _measure(self, runs: int) -> None:
        """Send the prompt `runs` times to every endpoint that can take it."""
        console = self._console
        settings = console.host.settings
        if missing := why_no_ab(console.session, settings):
            console.notify(f"no A/B: {missing}", severity="warning", markup=False)
            return
        try:
            references = ab_targets(console.session, settings)
            targets = await asyncio.to_thread(ab.targets, references, settings)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
            return
        mode: SeriesMode = "simultaneous" if runs == 1 else "interleaved"
        order = ab.series(targets, console.context.prompt, runs, mode=mode)
        consent = ab.consent(order, console.host)
        if consent.needed and not await self._agreed(consent):
            return
        if not consent.needed:
            console.notify(consent.sentence, timeout=4, markup=False)
        self._cancelled = asyncio.Event()
        try:
            end: SeriesEnded | None = None
            async with aclosing(measured_series(order, console.host, self._cancelled)) as facts:
                async for fact in facts:
                    if isinstance(fact, SeriesEnded):
                        end = fact  # shown once the next order can be taken
                    else:
                        console.happened(fact)
            if end is not None:
                console.happened(end)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)

    async def _agreed(self, consent: Consent) -> bool:
        answers = (("go", "Run"), ("no", "Cancel"))
        question = Question(f"{consent.sentence}.", answers)
        return await self._console.push_screen_wait(question) == "go"

    async def _choose_prompt(self) -> None:
        """Choose a prompt of the library, type one, or name a file that holds one."""
        console = self._console
        used = console.context.prompt
        choices = tuple(
            (each.name, f"{each.title}{' ● in use' if each == used else ''}") for each in PROMPTS
        )
        question = TextQuestion("The prompt of the next A/B", choices, "type a prompt, or @FILE")
        answer = await console.push_screen_wait(question)
        if answer is None:
            return
        try:
            if answer.startswith("@"):
                prompt = await asyncio.to_thread(ab.prompt_in, Path(answer[1:]))
            else:
                prompt = ab.typed_prompt(answer)
        except UsageProblem as problem:
            console.notify(str(problem), severity="error", markup=False)
        else:
            console.context = replace(console.context, prompt=prompt)
            console.notify(
                f"the next A/B sends: {prompt.name}, at most {prompt.max_tokens:,} tokens",
                markup=False,
            )
