"""Seats, KV cache and prompts of a simulated engine, on a clock that jumps."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from backends.simulated.completions import Ask
from backends.simulated.counters import ServerCounters
from backends.simulated.scheduler import Scheduler
from backends.simulated.script import Speech
from tests.backends.domain.advise.worlds import run_in_virtual_time

ASK = Ask("id", True, "m", "Say something.", 50, "length", 100, True, True, False)
SPEECH = Speech(ttft_s=0.1, ttft_spread_s=0.0, output_tokens_per_s=10, slower_per_neighbour=0.0)


def served(
    asks: Sequence[Ask], *, seats: int = 256, cache: int = 10**6, speech: Speech = SPEECH
) -> tuple[list[int], ServerCounters]:
    """Return how many tokens each request got, and what was counted, of requests sent at once."""
    counters = ServerCounters()
    scheduler = Scheduler(speech, 1.0, seats, cache, counters, lambda _: None)

    async def one(ask: Ask) -> int:
        return len([word async for word in scheduler.answer(ask)])

    async def every() -> list[int]:
        return list(await asyncio.gather(*map(one, asks)))

    return run_in_virtual_time(every), counters


def test_a_cache_that_two_requests_outgrow_preempts_the_later_one_and_both_are_whole() -> None:
    words, counters = served([ASK, ASK], cache=250)
    assert words == [50, 50]
    assert counters.preemptions == 1
    # Both waited for nothing at first: what the preemption costs is decode time, as in vLLM.
    assert counters.queue_time.sum == 0
    assert counters.decode_time.sum > 2 * 4.9
    assert (counters.running, counters.waiting, counters.kv_cache_usage) == (0, 0, 0.0)


def test_a_host_that_wakes_late_slows_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    on_time = asyncio.sleep

    async def late(delay_s: float) -> None:
        await on_time(max(0.0, delay_s) + 0.02)

    monkeypatch.setattr("backends.simulated.scheduler.asyncio.sleep", late)
    _, counters = served([ASK])
    assert counters.e2e.sum == pytest.approx(0.1 + 49 * 0.1 + 0.02)


def test_a_prompt_that_does_not_fit_beside_another_waits() -> None:
    words, counters = served([ASK, ASK], cache=190)
    assert (words, counters.preemptions) == ([50, 50], 0)
    assert round(counters.queue_time.sum, 6) == 5.0


def test_one_request_alone_may_fill_the_whole_cache() -> None:
    words, counters = served([ASK], cache=120)
    assert (words, counters.preemptions) == ([50], 0)


def test_no_more_run_than_there_are_seats() -> None:
    _, counters = served([ASK] * 3, seats=1)
    assert round(counters.queue_time.sum, 6) == 5.0 + 10.0


def test_prompts_are_computed_one_after_another() -> None:
    speech = replace(SPEECH, input_tokens_per_s=50)
    _, counters = served([ASK] * 2, speech=speech)
    assert round(counters.queue_time.sum, 6) == 2.0
    assert round(counters.prefill_time.sum, 6) == 2 * 2.1
