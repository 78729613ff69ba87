"""How long an endpoint takes to its first token after it was left alone for a while."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

from backends.domain.ab_facts import RunEnded, SeriesEnded
from backends.domain.run import Run
from backends.domain.streams.cold import ColdProbe, HuntPlan, missing_gap, missing_warm
from backends.prober.client import run_series
from backends.prober.orders import Lane, Limits, SeriesOrder

PROMPT = "Reply with the one word: ready"
"""As short as a request can be, for a hunt and for the warm-up that it recommends."""

MAX_TOKENS = 16
# A serverless endpoint may load its weights first.
COLD_LIMITS = Limits(ttft_s=1200.0, total_s=1500.0)

RETRY_S = 60.0
"""After a request that failed the next one waits so long."""

FAILURES_TO_GIVE_UP = 10

Ask = Callable[[Lane, str], Awaitable[Run]]


async def hunt(
    lane: Lane,
    prompt: str,
    plan: HuntPlan,
    state: Path,
    *,
    ask: Ask | None = None,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[ColdProbe, None]:
    """Yield every request that `state` lacks for the plan, until none is missing.

    Every probe is appended to `state`, one JSON line each, before it is yielded, so that a hunt of
    hours may be killed and taken up again. What was measured is not measured again; a pause that
    was interrupted begins anew, behind a request that ends the one of which nothing is known. Ten
    failures in a row end the hunt with the last of them.

    Raises:
        OSError: the file cannot be read or written.
    """
    probes = read_probes(state)
    known_busy, failures = False, 0
    while (gap_s := missing_gap(probes, plan)) is not None and failures < FAILURES_TO_GIVE_UP:
        planned_s: float | None = gap_s
        if failures:
            await sleep(RETRY_S)
        if not known_busy:
            planned_s = None
        elif missing_warm(probes, plan):
            planned_s = 0.0
        else:
            await sleep(max(0.0, probes[-1].ended_at + gap_s - now()))
        idle_s = now() - probes[-1].ended_at if probes else None
        run = await (ask or ask_once)(lane, prompt)
        probe = ColdProbe(
            planned_s, idle_s, now(), run.ttft_s, run.error, run.input_tokens, run.cost_usd
        )
        append_probe(state, probe)
        probes.append(probe)
        known_busy = probe.error is None
        failures = 0 if known_busy else failures + 1
        yield probe


def append_probe(state: Path, probe: ColdProbe) -> None:
    """Add a probe to a file, on a line of its own even after one that was cut short."""
    before = state.read_bytes() if state.exists() else b""
    separator = "" if not before or before.endswith(b"\n") else "\n"
    descriptor = os.open(state, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        file.write(f"{separator}{json.dumps(asdict(probe))}\n")


def read_probes(state: Path) -> list[ColdProbe]:
    """Return the probes of a file, none where there is no file; a line cut short is passed over."""
    if not state.exists():
        return []
    probes = []
    for line in state.read_text().splitlines():
        try:
            probes.append(ColdProbe(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return probes


async def ask_once(lane: Lane, prompt: str) -> Run:
    """Return one run over a connection of its own, without a warm-up."""
    order = SeriesOrder(
        "cold", (lane,), prompt, runs=1, max_tokens=MAX_TOKENS, warm_up=False, limits=COLD_LIMITS
    )
    found = Run(lane.name, 0, error="no reply")
    async with aclosing(run_series(order)) as facts:
        async for fact in facts:
            if isinstance(fact, RunEnded):
                found = fact.run
            elif isinstance(fact, SeriesEnded) and fact.reason and found.error == "no reply":
                found = Run(lane.name, 0, error=fact.reason)
    return found
