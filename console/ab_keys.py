"""What the keys for an A/B do: one run, a series, cancel, and the choice of the prompt."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.domain.money.amounts import usd
from backends.prober.client import run_series
from backends.prober.prompts import PROMPTS, Prompt
from backends.problem import Problem
from console import racing
from console.screens.question import Question, TextQuestion

if TYPE_CHECKING:
    from console.app import InferctlApp

TYPED_MAX_TOKENS = 220

ASK_ABOVE_RUNS = 1
"""A single run costs what a question is worth; a series on a priced endpoint is asked about."""


async def race(app: "InferctlApp", runs: int) -> None:
    """Send the prompt `runs` times to every endpoint that can take it."""
    references = racing.contestants(app.session, app.machine.settings)
    if len(references) < 2:
        app.notify(
            "an A/B needs two: a ready server and an [endpoint.NAME], or two endpoints",
            severity="warning",
            markup=False,
        )
        return
    try:
        lanes = racing.lanes(references, app.machine.settings)
    except Problem as problem:
        app.notify(str(problem), severity="error", markup=False)
        return
    order = racing.series(
        lanes, app.desk.prompt, runs, mode="simultaneous" if runs == 1 else "interleaved"
    )
    most = racing.most_usd(order)
    if most is not None and runs > ASK_ABOVE_RUNS and not app.machine.simulated:
        sentence = f"{runs} runs at {len(lanes)} endpoints cost at most {usd(most)}."
        if await app.push_screen_wait(Question(sentence, (("go", "Run"), ("no", "Don't")))) != "go":
            return
    app.race_cancelled = asyncio.Event()
    async for fact in run_series(order, app.race_cancelled):
        app.happened(fact)


async def choose_prompt(app: "InferctlApp") -> None:
    """Choose a prompt of the library, type one, or name a file that holds one."""
    choices = tuple((each.name, each.title) for each in PROMPTS)
    hint = "type a prompt, or @FILE"
    answer = await app.push_screen_wait(TextQuestion("The prompt of the next A/B", choices, hint))
    if answer is None:
        return
    prompt = next((each for each in PROMPTS if each.name == answer), None)
    try:
        app.desk = replace(app.desk, prompt=prompt or typed_prompt(answer))
    except OSError as error:
        app.notify(f"{answer[1:]}: {error.strerror}", severity="error", markup=False)


def typed_prompt(text: str) -> Prompt:
    """Return the prompt of a typed text, or of the file that ``@FILE`` names.

    Raises:
        OSError: the file cannot be read.
    """
    if text.startswith("@"):
        text = Path(text[1:]).expanduser().read_text(errors="replace")
    return Prompt("typed", "typed", text, TYPED_MAX_TOKENS)
