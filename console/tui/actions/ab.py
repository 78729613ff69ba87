"""What the keys for an A/B do: one run, a series, cancel, and the choice of the prompt."""

import asyncio
from dataclasses import replace
from pathlib import Path

from backends.operations import ab
from backends.operations.ab import ab_targets, why_no_ab
from backends.prober.client import run_series
from backends.prober.prompts import PROMPTS, Prompt, named_prompt
from backends.prober.protocol import SeriesOrder
from backends.problem import Problem
from backends.servers.own_traffic import sending
from console.tui.actions.console import Console
from console.tui.screens.question import Question, TextQuestion

TYPED_MAX_TOKENS = 220

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
        single = runs == 1
        order = ab.series(
            targets,
            console.context.prompt,
            runs,
            mode="simultaneous" if single else "interleaved",
        )
        if single:
            cost = ab.cost_text(order, settings)
            sentence = f"one run at each of {len(targets)} endpoints: {cost}"
            console.notify(sentence, timeout=4, markup=False)
        elif not console.host.simulated and not await self._agreed(order):
            return
        self._cancelled = asyncio.Event()
        try:
            with sending(console.host.state_folder, (target.base_url for target in order.targets)):
                async for fact in run_series(order, self._cancelled):
                    console.happened(fact)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)

    async def _agreed(self, order: SeriesOrder) -> bool:
        """Ask where a series costs money, or where nobody can tell what it costs."""
        settings = self._console.host.settings
        if all(settings.profile(target.endpoint) is not None for target in order.targets):
            return True
        cost = ab.cost_text(order, settings)
        sentence = (
            f"{order.runs} runs and one warm-up at each of {len(order.targets)} endpoints: {cost}."
        )
        answers = (("go", "Run"), ("no", "Don't"))
        return await self._console.push_screen_wait(Question(sentence, answers)) == "go"

    async def _choose_prompt(self) -> None:
        """Choose a prompt of the library, type one, or name a file that holds one."""
        console = self._console
        choices = tuple((each.name, each.title) for each in PROMPTS)
        question = TextQuestion("The prompt of the next A/B", choices, "type a prompt, or @FILE")
        answer = await console.push_screen_wait(question)
        if answer is None:
            return
        try:
            prompt = named_prompt(answer)
            if prompt is None:
                prompt = await asyncio.to_thread(_typed_prompt, answer)
        except OSError as error:
            console.notify(f"{answer[1:]}: {error.strerror}", severity="error", markup=False)
        else:
            console.context = replace(console.context, prompt=prompt)


def _typed_prompt(text: str) -> Prompt:
    """Return the prompt of a typed text, or of the file that ``@FILE`` names.

    Raises:
        OSError: the file cannot be read.
    """
    if text.startswith("@"):
        text = Path(text[1:]).expanduser().read_text(errors="replace")
    return Prompt("typed", "typed", text, TYPED_MAX_TOKENS)
