"""How long an endpoint takes to its first token after it was left alone for a while."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import takewhile
from pathlib import Path

from backends.domain.ab.cold import (
    WAKE_S,
    ColdProbe,
    ColdProbePlan,
    ProbeEnded,
    ProbeLimits,
    limits_of,
    missing_gap,
    missing_warm,
)
from backends.domain.ab.facts import RunBegan, RunEnded, SeriesEnded
from backends.domain.ab.run import Run
from backends.domain.format import pause, usd
from backends.domain.values import NOT_JSON
from backends.prober import problems
from backends.prober.client import ProberFailed, run_series
from backends.prober.protocol import Limits, SeriesOrder, Target

PROMPT = "Reply with the one word: ready"
"""As short as a request can be, for a cold-start probe and for the warm-up that it recommends."""

MAX_TOKENS = 16
# A serverless endpoint may load its weights first.
COLD_LIMITS = Limits(ttft_s=WAKE_S, total_s=1500.0)

RETRY_S = 60.0
"""After a request that failed without a pause before it the next one waits so long."""

SHORTEST_POLL_S, LONGEST_POLL_S = 5.0, 60.0
POLL_SHARE = 0.2
"""A refused request is repeated after this share of the time since the first refused one, so that
the time of a cold start is known to that share, within the two bounds."""

FAILURES_TO_GIVE_UP = 10

LONGEST_PAUSE = 1.5
"""A pause that became longer than this many times its length, as on a host that was suspended or
has no time for its processes, says nothing of that length: it is measured again."""

BEGINNING_S = 0.6
"""What a process that sends one request may take to begin; the shortest pauses are shorter."""

Ask = Callable[[Target, str, float], Awaitable[tuple[Run, float | None]]]
"""Sends one request that may take so many seconds; its run, and the wall time at which it was sent,
None where it was not."""


@dataclass(frozen=True, slots=True)
class _Next:
    """The request to be sent: when, and after which pause.

    Attributes:
        wait_s: from the end of the request before.
        first_sent_s: when the first request after this pause was sent that was refused, None
            where none was.
        idle_s: the pause before that one.
    """

    wait_s: float
    planned_s: float | None
    first_sent_s: float | None = None
    idle_s: float | None = None


async def run_cold_probe(
    target: Target,
    prompt: str,
    plan: ColdProbePlan,
    state: Path,
    *,
    ask: Ask | None = None,
    now: Callable[[], float] = time.time,
    elapsed: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[ColdProbe | ProbeEnded, None]:
    """Yield every request that `state` lacks for the plan, until none is missing.

    Each is first appended to `state`, so that hours of it may be killed and continued; an OSError
    says that this failed. A request that is refused after a pause is repeated until the first
    token. The plan's limits hold for what this call sends; what ends it early is yielded last.
    """
    probes, began_s, limits = read_probes(state), elapsed(), limits_of(plan)
    had = len(probes)
    following = _Next(0.0, None)
    while missing_gap(probes, plan) is not None:
        if reason := limit_reached(probes[had:], limits, elapsed() - began_s + following.wait_s):
            yield ProbeEnded(reason)
            return
        await sleep(following.wait_s)
        sent_s, left_s = now(), limits.lasts_s - (elapsed() - began_s)
        run, sent_at = await (ask or ask_once)(target, prompt, min(COLD_LIMITS.total_s, left_s))
        sent_s = sent_at or sent_s
        following = _sent_at(sent_s, following, probes, plan)
        target = replace(target, refused=run.not_sent)
        probe = _probe(run, following, sent_s, now())
        append_probe(state, probe)
        probes.append(probe)
        yield probe
        if reason := _given_up(probes[had:], following):
            yield ProbeEnded(reason)
            return
        following = _following(probes, plan, following)


def limit_reached(
    sent: Sequence[ColdProbe], limits: ProbeLimits, next_after_s: float
) -> str | None:
    """Return which limit forbids the next request, which is due so long after the start."""
    fetches = [each.fetches for each in sent]
    if len(sent) + sum(fetches) + max(fetches, default=0) >= limits.requests:
        return f"{limits.requests} requests were sent, as many as agreed"
    if next_after_s >= limits.lasts_s:
        return f"the next request would come after the agreed {pause(limits.lasts_s)}"
    if limits.usd is None:
        return None
    once = limits.usd / limits.requests
    costs = (once if each.cost_usd is None else Decimal(each.cost_usd) for each in sent)
    if sum(costs, once) > limits.usd:
        return f"the next request may cost more than is left of the agreed {usd(limits.usd)}"
    return None


def _sent_at(sent_s: float, sent: _Next, probes: Sequence[ColdProbe], plan: ColdProbePlan) -> _Next:
    """Return a request with its pause, once the first one after it was sent.

    It measures no pause where that became a much longer one.
    """
    if sent.first_sent_s is not None:
        return sent
    planned_s, idle_s = sent.planned_s, sent_s - probes[-1].ended_at if probes else None
    if planned_s is not None and idle_s is not None:
        longest_s = max(LONGEST_PAUSE * planned_s or min(plan.gaps_s), planned_s + BEGINNING_S)
        planned_s = planned_s if idle_s <= longest_s else None
    return replace(sent, first_sent_s=sent_s, idle_s=idle_s, planned_s=planned_s)


def _probe(run: Run, sent: _Next, sent_s: float, ended_s: float) -> ColdProbe:
    assert sent.first_sent_s is not None
    waited_s = sent_s - sent.first_sent_s
    return ColdProbe(
        planned_idle_s=sent.planned_s,
        idle_s=sent.idle_s,
        ended_at=ended_s,
        ttft_s=None if run.ttft_s is None else waited_s + run.ttft_s,
        error=run.error,
        input_tokens=run.input_tokens,
        cost_usd=run.cost_usd,
        refused=run.error is not None and sent.planned_s != 0 and problems.may_pass(run.error),
        waited_s=waited_s,
        fetches=run.waits,
    )


def _given_up(probes: Sequence[ColdProbe], sent: _Next) -> str | None:
    """Return why no further request makes sense, None where one does."""
    probe, failed = probes[-1], (bool(each.error) and not each.refused for each in probes[::-1])
    failures = sum(takewhile(bool, failed))
    if failures >= FAILURES_TO_GIVE_UP:
        return f"{failures} requests in a row failed: {probe.error}"
    assert sent.first_sent_s is not None
    if probe.refused and probe.ended_at - sent.first_sent_s >= WAKE_S:
        after = "" if not sent.planned_s else f" after a pause of {pause(sent.planned_s)}"
        return f"no token within {pause(WAKE_S)}{after}: {probe.error}"
    return None


def _following(probes: Sequence[ColdProbe], plan: ColdProbePlan, before: _Next) -> _Next:
    last = probes[-1]
    if last.refused:
        assert before.first_sent_s is not None
        poll_s = POLL_SHARE * (last.ended_at - before.first_sent_s)
        poll_s = min(LONGEST_POLL_S, max(SHORTEST_POLL_S, poll_s))
        return replace(before, wait_s=poll_s)
    if last.error is not None:
        return _Next(RETRY_S, None)
    if missing_warm(probes, plan):
        return _Next(0.0, 0.0)
    gap_s = missing_gap(probes, plan)
    return _Next(gap_s or 0.0, gap_s)


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
        except (*NOT_JSON, TypeError):
            continue
    return probes


async def ask_once(
    target: Target, prompt: str, limit_s: float = COLD_LIMITS.total_s
) -> tuple[Run, float | None]:
    """Return one run over a connection of its own, without a warm-up, and when it was sent.

    It is an error after `limit_s`. The process that sends it takes its time to begin, which is part
    of the pause before the request.
    """
    order = SeriesOrder(
        "cold", (target,), prompt, runs=1, max_tokens=MAX_TOKENS, warm_up=False, limits=COLD_LIMITS
    )
    found, sent_at = Run(target.name, 0, error="no reply"), None
    try:
        async with asyncio.timeout(limit_s), aclosing(run_series(order)) as facts:
            async for fact in facts:
                if isinstance(fact, RunBegan):
                    sent_at = fact.at.wall_s
                elif isinstance(fact, RunEnded):
                    found = fact.run
                elif isinstance(fact, SeriesEnded) and fact.reason and found.error == "no reply":
                    found = Run(target.name, 0, error=fact.reason)
    except ProberFailed as failure:
        found = Run(target.name, 0, error=str(failure))
    except TimeoutError:
        found = Run(target.name, 0, error=f"no reply within {limit_s:g} s")
    return found, sent_at
