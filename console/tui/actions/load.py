"""What the palette's loads do: ask with bounds and cost, then open the screen that runs one."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from backends.operations import ab, load_test
from backends.prober.protocol import LoadOrder
from backends.problem import Problem
from console.tui.actions.console import Console
from console.tui.screens.load import LoadScreen
from console.tui.screens.question import Question


class LoadActions:
    """Raises the rate at one endpoint until it breaks its limits."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def load(self, reference: str) -> None:
        """Load one endpoint, once its bounds and its cost were agreed to."""
        self._console.carry_out(self._load(reference), "load")

    async def _load(self, reference: str) -> None:
        console = self._console
        try:
            order = await asyncio.to_thread(self._order, reference)
            await asyncio.to_thread(load_test.check_that_it_serves, console.host, reference)
        except Problem as problem:
            console.notify(str(problem), severity="error", markup=False)
            return
        sentence = f"{load_test.consent(order, console.host).sentence}."
        question = Question(sentence, (("go", "Load"), ("no", "Don't")))
        if await console.push_screen_wait(question) == "go":
            screen = LoadScreen(console.history, console.host, order)
            report = await console.push_screen_wait(screen)
            cost_usd = Decimal((report.ended.cost_usd if report else None) or 0)
            tests_usd = console.context.tests_usd + cost_usd
            console.context = replace(console.context, tests_usd=tests_usd)

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
