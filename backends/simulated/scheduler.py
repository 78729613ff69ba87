"""How fast a simulated engine answers: alone as recorded, slower in company, in line when full."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from backends.simulated.completions import Ask
from backends.simulated.counters import ServerCounters
from backends.simulated.prose import words_of
from backends.simulated.script import Speech

_SLOWER_PER_NEIGHBOUR = 0.02
_REMEMBERED_PROMPTS = 4096
_BLOCK_TOKENS = 16


@dataclass(slots=True)
class Scheduler:
    """Admits requests, paces their tokens and counts all of it.

    Attributes:
        speed: divides the recorded times.
        cache_tokens: size of the KV cache.
        on_load: gets how many requests run whenever that changes.
    """

    speech: Speech
    speed: float
    slots: asyncio.Semaphore
    cache_tokens: int
    counters: ServerCounters
    on_load: Callable[[int], None]
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    held_tokens: int = 0
    seen_prompts: dict[str, None] = field(default_factory=dict)

    async def answer(self, ask: Ask) -> AsyncGenerator[str, None]:
        """Yield the tokens of an answer, each at its time."""
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        self.counters.waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self.counters.waiting -= 1
        outcome = "abort"
        self._admit(ask)
        try:
            async for word in self._paced(ask, arrived):
                yield word
            outcome = ask.finish_reason
            self.counters.request_input.observe(ask.input_tokens)
            self.counters.request_output.observe(ask.tokens)
        finally:
            self.counters.finished[outcome] += 1
            self.counters.e2e.observe(loop.time() - arrived)
            self._release(ask)

    async def _paced(self, ask: Ask, arrived: float) -> AsyncGenerator[str, None]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        self.counters.queue_time.observe(due - arrived)
        spread = (self.chance.random() - 0.5) * self.speech.ttft_spread_s
        due += (self.speech.ttft_s + spread) * self._slowness() / self.speed
        said = words_of(ask.prompt)
        before = 0.0
        for number in range(ask.tokens):
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            if number:
                self.counters.inter_token.observe(now - before)
            else:
                self.counters.ttft.observe(now - arrived)
                self._count_prompt(ask)
            self.counters.generation_tokens += 1
            before = now
            yield next(said)
            due += self._slowness() / self.speech.output_tokens_per_s / self.speed

    def _slowness(self) -> float:
        return 1 + _SLOWER_PER_NEIGHBOUR * max(0, self.counters.running - 1)

    def _count_prompt(self, ask: Ask) -> None:
        self.counters.prompt_tokens += ask.input_tokens
        if ask.prompt in self.seen_prompts:
            self.counters.cached_tokens += ask.input_tokens // _BLOCK_TOKENS * _BLOCK_TOKENS
            return
        self.seen_prompts[ask.prompt] = None
        if len(self.seen_prompts) > _REMEMBERED_PROMPTS:
            del self.seen_prompts[next(iter(self.seen_prompts))]

    def _admit(self, ask: Ask) -> None:
        self.counters.running += 1
        self._hold(ask.input_tokens + ask.tokens)

    def _release(self, ask: Ask) -> None:
        self.counters.running -= 1
        self._hold(-ask.input_tokens - ask.tokens)
        self.slots.release()

    def _hold(self, tokens: int) -> None:
        self.held_tokens += tokens
        self.counters.kv_cache_usage = min(1.0, self.held_tokens / self.cache_tokens)
        self.on_load(self.counters.running)
