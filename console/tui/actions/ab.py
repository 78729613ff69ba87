"""What the keys for an A/B do: one run, a series, cancel, and the choice of the prompt."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.domain.ab.series import AbSeries
from backends.domain.facts import Ticked
from backends.operations import ab
from backends.operations.ab import ab_targets, why_no_ab
from backends.prober.client import run_series
from backends.prober.prompts import PROMPTS, Prompt, named_prompt
from backends.prober.protocol import SeriesOrder
from backends.problem import Problem
from backends.servers.own_traffic import sending
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question, TextQuestion

if TYPE_CHECKING:
    from console.tui.app import InferctlApp

TYPED_MAX_TOKENS = 220

ASK_ABOVE_RUNS = 1
"""A single run costs what a question is worth; a series on a priced endpoint is asked about."""


async def run_ab(app: "InferctlApp", runs: int) -> None:
    """Send the prompt `runs` times to every endpoint that can take it."""
    references = ab_targets(app.session, app.host.settings)
    if missing := why_no_ab(app.session, app.host.settings):
        app.notify(f"no A/B: {missing}", severity="warning", markup=False)
        return
    try:
        targets = await asyncio.to_thread(ab.targets, references, app.host.settings)
    except Problem as problem:
        app.notify(str(problem), severity="error", markup=False)
        return
    order = ab.series(
        targets, app.context.prompt, runs, mode="simultaneous" if runs == 1 else "interleaved"
    )
    if runs > ASK_ABOVE_RUNS and not app.host.simulated and not await _agreed(app, order):
        return
    if runs <= ASK_ABOVE_RUNS:
        told = ab.cost_text(order, app.host.settings)
        app.notify(f"one run at each of {len(targets)} endpoints: {told}", timeout=4, markup=False)
    app.ab_cancelled = asyncio.Event()
    try:
        async with sending(app.host.state_folder, (target.base_url for target in order.targets)):
            async for fact in run_series(order, app.ab_cancelled):
                app.happened(fact)
    except Problem as problem:
        app.notify(str(problem), severity="error", markup=False)


async def _agreed(app: "InferctlApp", order: SeriesOrder) -> bool:
    """Ask where a series costs money, or where nobody can tell what it costs."""
    settings = app.host.settings
    if all(settings.profile(target.endpoint) is not None for target in order.targets):
        return True
    cost = ab.cost_text(order, settings)
    sentence = (
        f"{order.runs} runs and one warm-up at each of {len(order.targets)} endpoints: {cost}."
    )
    answers = (("go", "Run"), ("no", "Don't"))
    return await app.push_screen_wait(Question(sentence, answers)) == "go"


def compare_with(app: "InferctlApp", series: AbSeries) -> None:
    """Show a recorded series beside the live targets, on the main screen."""
    app.context = replace(app.context, beside=series)
    while not isinstance(app.screen, MainScreen):
        app.pop_screen()
    app.happened(Ticked(app.host.now()))


def put_away(app: "InferctlApp") -> None:
    """Show the live targets alone."""
    app.context = replace(app.context, beside=None)
    app.happened(Ticked(app.host.now()))


async def choose_prompt(app: "InferctlApp") -> None:
    """Choose a prompt of the library, type one, or name a file that holds one."""
    choices = tuple((each.name, each.title) for each in PROMPTS)
    hint = "type a prompt, or @FILE"
    answer = await app.push_screen_wait(TextQuestion("The prompt of the next A/B", choices, hint))
    if answer is None:
        return
    try:
        prompt = named_prompt(answer)
        if prompt is None:
            prompt = await asyncio.to_thread(typed_prompt, answer)

    except OSError as error:
        app.notify(f"{answer[1:]}: {error.strerror}", severity="error", markup=False)
    else:
        app.context = replace(app.context, prompt=prompt)


def typed_prompt(text: str) -> Prompt:
    """Return the prompt of a typed text, or of the file that ``@FILE`` names.

    Raises:
        OSError: the file cannot be read.
    """
    if text.startswith("@"):
        text = Path(text[1:]).expanduser().read_text(errors="replace")
    return Prompt("typed", "typed", text, TYPED_MAX_TOKENS)
