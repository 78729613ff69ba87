"""What the palette's loads do: ask with bounds and cost, then open the screen that runs one."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from backends.operations import ab, load_test
from backends.prober.protocol import LoadOrder
from backends.problem import Problem
from console.tui.screens.load import LoadScreen
from console.tui.screens.question import Question

if TYPE_CHECKING:
    from console.tui.app import InferctlApp


async def load(app: "InferctlApp", reference: str) -> None:
    """Load one endpoint, once its bounds and its cost were agreed to."""
    try:
        order = await asyncio.to_thread(_order, app, reference)
        await asyncio.to_thread(load_test.check_that_it_serves, app.host, reference)
    except Problem as problem:
        app.notify(str(problem), severity="error", markup=False)
        return
    sentence = f"{load_test.consent(order, app.host).sentence}."
    if await app.push_screen_wait(Question(sentence, (("go", "Load"), ("no", "Don't")))) == "go":
        report = await app.push_screen_wait(LoadScreen(app.history, app.host, order))
        cost_usd = report.ended.cost_usd if report else None
        app.context = replace(app.context, tests_usd=app.context.tests_usd + Decimal(cost_usd or 0))


def _order(app: "InferctlApp", reference: str) -> LoadOrder:
    """Return a load of the chosen prompt within the configured limits.

    Raises:
        Problem: the endpoint or its key cannot be had.
    """
    (target,) = ab.targets([reference], app.host.settings)
    limits, prompt = app.host.settings.limits, app.context.prompt
    return LoadOrder(
        target=target,
        prompt=prompt.text,
        max_tokens=prompt.max_tokens,
        ttft_limit_s=limits.ttft_p99_s or load_test.DEFAULT_TTFT_S,
        itl_limit_s=limits.itl_p99_s,
    )
