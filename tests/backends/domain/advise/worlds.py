"""Simulated servers with one planted bottleneck each, watched on a clock that jumps."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import TypeVar

from backends.domain.advise.binding import Binding, Resource, binding_of
from backends.domain.facts import MetricsScraped
from backends.domain.stamp import Stamp
from backends.metrics.exposition import counters_from
from backends.simulated.completions import Ask
from backends.simulated.counters import ServerCounters
from backends.simulated.scheduler import Scheduler
from backends.simulated.script import Speech

WARM_UP_S, WATCHED_S = 40.0, 120.0
PLANTED = (
    Resource.NONE,
    Resource.KV_CACHE,
    Resource.QUEUE,
    Resource.PREFILL,
    Resource.COMPUTE,
    Resource.CLIENT,
)


@dataclass(frozen=True)
class World:
    """One server and who asks it; `clients` wait for replies, without them requests come freely."""

    speech: Speech
    max_num_seqs: int
    cache_tokens: int
    input_tokens: float
    output_tokens: float
    rate_rps: float = 0.0
    clients: int = 0
    pause_s: float = 0.0

    @property
    def alone_s(self) -> float:
        """The mean time of one request alone."""
        prefill = self.input_tokens / (self.speech.input_tokens_per_s or 1e12)
        return prefill + self.speech.ttft_s + self.output_tokens / self.speech.output_tokens_per_s

    def with_(self, share: float, seats: float) -> "World":
        """Requests come at this share of what so many seats take."""
        slow = 1 + self.speech.slower_per_neighbour * max(0.0, seats - 1)
        return replace(self, rate_rps=share * seats / (self.alone_s * slow))


def drawn(planted: Resource, chance: random.Random) -> World:
    """Draw a world in which just this binds."""
    between = chance.uniform
    speech = Speech(
        ttft_s=between(0.03, 0.3),
        output_tokens_per_s=between(20, 80),
        slower_per_neighbour=between(0.005, 0.03),
    )
    plenty = World(speech, chance.choice((64, 128, 256)), 10**7, between(50, 400), between(30, 90))
    if planted is Resource.NONE:
        at_once = between(0.5, min(10.0, 1 + 0.35 / speech.slower_per_neighbour))
        most = at_once + 4 * sqrt(at_once) + 2
        each = plenty.input_tokens + plenty.output_tokens
        world = replace(plenty, cache_tokens=int(between(2, 6) * most * each)).with_(1.0, at_once)
        # Prompts take up to an eighth of the time: well below what makes others wait.
        busy = between(0.02, 0.12)
        fast = replace(speech, input_tokens_per_s=world.rate_rps * world.input_tokens / busy)
        return replace(world, speech=chance.choice((speech, fast)))
    if planted is Resource.QUEUE:
        seats = chance.choice((1, 2, 4, 8))
        return replace(plenty, max_num_seqs=seats).with_(between(0.85, 1.4), seats)
    if planted is Resource.KV_CACHE:
        fits = between(1.3, 7)
        each = plenty.input_tokens + plenty.output_tokens
        return replace(plenty, cache_tokens=int(fits * each)).with_(between(0.95, 1.5), fits)
    if planted is Resource.PREFILL:
        long = replace(plenty, input_tokens=between(2000, 8000), output_tokens=between(10, 30))
        long = replace(long, speech=replace(speech, input_tokens_per_s=between(4000, 12000)))
        prompt_s = long.input_tokens / (long.speech.input_tokens_per_s or 1.0)
        return replace(long, rate_rps=between(0.85, 1.3) / prompt_s)
    if planted is Resource.COMPUTE:
        slowed = between(2.4, 4)
        dense = replace(plenty, speech=replace(speech, slower_per_neighbour=between(0.1, 0.3)))
        return dense.with_(1.0, 1 + (slowed - 1) / dense.speech.slower_per_neighbour)
    clients = chance.randint(1, 8)
    return replace(plenty, clients=clients, pause_s=between(0, 0.04) * plenty.alone_s)


def judged(world: World, chance: random.Random, *, knows_seats: bool) -> Binding:
    """Return what is said to bind a world after two minutes of its own time."""
    return run_in_virtual_time(lambda: _watched(world, chance, knows_seats=knows_seats))


async def _watched(world: World, chance: random.Random, *, knows_seats: bool) -> Binding:
    counters = ServerCounters()
    scheduler = Scheduler(
        world.speech, 1.0, world.max_num_seqs, world.cache_tokens, counters, lambda _: None
    )
    await _ask(scheduler, world, chance)
    alone_itl_s = counters.inter_token.sum / max(1, sum(counters.inter_token.counts))
    loop, tasks = asyncio.get_running_loop(), set()

    async def arrive() -> None:
        while True:
            await asyncio.sleep(chance.expovariate(world.rate_rps))
            task = asyncio.create_task(_ask(scheduler, world, chance))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def wait_for_replies() -> None:
        while True:
            await _ask(scheduler, world, chance)
            await asyncio.sleep(chance.expovariate(1 / world.pause_s) if world.pause_s else 0.0)

    senders = [asyncio.create_task(wait_for_replies()) for _ in range(world.clients)]
    if not world.clients:
        senders = [asyncio.create_task(arrive())]
    await asyncio.sleep(WARM_UP_S)
    readings = []
    for _ in range(int(WATCHED_S) + 1):
        at = Stamp(loop.time(), loop.time())
        readings.append(MetricsScraped(at, counters_from(counters.exposition("m", {}))))
        await asyncio.sleep(1.0)
    for task in (*senders, *tasks):
        task.cancel()
    await asyncio.gather(*senders, *tasks, return_exceptions=True)
    return binding_of(
        readings,
        max_num_seqs=world.max_num_seqs if knows_seats else None,
        alone_itl_s=alone_itl_s,
    )


async def _ask(scheduler: Scheduler, world: World, chance: random.Random) -> None:
    tokens = max(2, round(world.output_tokens * _spread(chance)))
    asked = max(1, round(world.input_tokens * _spread(chance)))
    prompt = f"{chance.random()}"
    ask = Ask("id", True, "m", prompt, tokens, "length", asked, True, True, False)
    async for _ in scheduler.answer(ask):
        pass


def _spread(chance: random.Random) -> float:
    """Return a length over its mean: log-normal, with a standard deviation of about a third."""
    return exp(chance.gauss(-0.05, 0.32))


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the clock jumps to when the loop wanted to be woken."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += timeout or 0.0
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


T = TypeVar("T")


def run_in_virtual_time(work: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a coroutine on a loop whose clock jumps over every pause."""
    loop = _VirtualLoop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()
