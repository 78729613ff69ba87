"""How long an endpoint takes to its first token after it was left alone for a while."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.domain.ab_facts import RunEnded, SeriesEnded
from backends.domain.run import Run
from backends.prober.client import run_series
from backends.prober.orders import Lane, Limits, SeriesOrder

MAX_TOKENS = 16
# A serverless endpoint may load its weights first.
COLD_LIMITS = Limits(ttft_s=1200.0, total_s=1500.0)


@dataclass(frozen=True, slots=True)
class ColdProbe:
    """One request after a pause.

    Attributes:
        planned_idle_s: the pause asked for; None for the first, which ends an unknown one.
        idle_s: the pause there really was.
        ended_at: seconds since 1970, when the endpoint was last known busy.
        error: one line; such a probe is repeated when the hunt goes on.
    """

    planned_idle_s: float | None
    idle_s: float | None
    ended_at: float
    ttft_s: float | None
    error: str | None


Ask = Callable[[Lane, str], Awaitable[Run]]


async def hunt(
    lane: Lane,
    prompt: str,
    pauses_s: Sequence[float],
    state: Path,
    *,
    ask: Ask | None = None,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[ColdProbe, None]:
    """Yield one probe for each pause that `state` does not have yet, shortest first.

    Every probe is appended to `state`, one JSON line each, so that a hunt of days may be stopped
    and taken up again; a pause that began before counts from the last probe there.

    Raises:
        OSError: the file cannot be read or written.
    """
    done = read_probes(state)
    had = {probe.planned_idle_s for probe in done if probe.error is None}
    last_at = done[-1].ended_at if done else None
    plans: list[float | None] = [None] if last_at is None else []
    plans += sorted(pause for pause in pauses_s if pause not in had)
    for planned_s in plans:
        if planned_s is not None and last_at is not None:
            await sleep(max(0.0, last_at + planned_s - now()))
        idle_s = None if last_at is None else now() - last_at
        run = await (ask or ask_once)(lane, prompt)
        last_at = now()
        probe = ColdProbe(planned_s, idle_s, last_at, run.ttft_s, run.error)
        append_probe(state, probe)
        yield probe


def append_probe(state: Path, probe: ColdProbe) -> None:
    """Add a probe to a file, on a line of its own even after one that was cut short."""
    before = state.read_bytes() if state.exists() else b""
    separator = "" if not before or before.endswith(b"\n") else "\n"
    with state.open("a") as file:
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
