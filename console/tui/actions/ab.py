"""What the keys for an A/B do: one run, a series, cancel, and the choice of the prompt."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.domain.ab.series import AbSeries
from backends.domain.facts import Ticked
from backends.operations import ab
from backends.operations.ab import ab_targets, why_no_ab
from backends.operations.consent import Consent
from backends.prober.client import run_series
from backends.prober.prompts import PROMPTS
from backends.problem import Problem, UsageProblem
from backends.servers.own_traffic import sending
from console.tui.screens.main import MainScreen
from console.tui.screens.question import Question, TextQuestion

if TYPE_CHECKING:
    from console.tui.app import InferctlApp


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
    consent = ab.consent(order, app.host)
    if consent.needed and not await _agreed(app, consent):
        return
    if not consent.needed:
        app.notify(consent.sentence, timeout=4, markup=False)
    app.ab_cancelled = asyncio.Event()
    try:
        async with sending(app.host.state_folder, (target.base_url for target in order.targets)):
            async for fact in run_series(order, app.ab_cancelled):
                app.happened(fact)
    except Problem as problem:
        app.notify(str(problem), severity="error", markup=False)


async def _agreed(app: "InferctlApp", consent: Consent) -> bool:
    answers = (("go", "Run"), ("no", "Don't"))
    return await app.push_screen_wait(Question(f"{consent.sentence}.", answers)) == "go"


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
        if answer.startswith("@"):
            prompt = await asyncio.to_thread(ab.prompt_in, Path(answer[1:]))
        else:
            prompt = ab.typed_prompt(answer)
        app.context = replace(app.context, prompt=prompt)
    except UsageProblem as problem:
        app.notify(str(problem), severity="error", markup=False)
