"""How fast a simulated engine answers: alone as recorded, slower in company, in line when full."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from backends.simulated.completions import Ask
from backends.simulated.counters import ServerCounters
from backends.simulated.prose import words_of
from backends.simulated.script import Speech

_REMEMBERED_PROMPTS = 4096
BLOCK_TOKENS = 16


@dataclass(eq=False, slots=True)
class _Request:
    """One request that waits or runs.

    Attributes:
        arrived_s: on the loop's clock, like `admitted_s`, when it was first scheduled.
        done: tokens that are written.
        runs: set while it is scheduled.
        lost_cache: it was preempted, so that everything of it must be computed again.
    """

    ask: Ask
    arrived_s: float
    admitted_s: float | None = None
    done: int = 0
    runs: asyncio.Event = field(default_factory=asyncio.Event)
    lost_cache: bool = False

    @property
    def held_tokens(self) -> int:
        return self.ask.input_tokens + self.done


@dataclass(slots=True)
class Scheduler:
    """Admits requests, paces their tokens and counts all of it.

    Requests are admitted in the order of their arrival while there are seats, room in the KV cache
    for what they hold, and no prompt is being computed. A cache that overflows takes the room of
    the one that came last, as vLLM's scheduler does.

    Attributes:
        speed: divides the recorded times.
        cache_tokens: size of the KV cache.
        on_load: gets how many requests run whenever that changes.
    """

    speech: Speech
    speed: float
    max_num_seqs: int
    cache_tokens: int
    counters: ServerCounters
    on_load: Callable[[int], None]
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    seen_prompts: dict[str, None] = field(default_factory=dict)
    waiting: deque[_Request] = field(default_factory=deque)
    running: list[_Request] = field(default_factory=list)
    prefilling: _Request | None = None

    async def answer(self, ask: Ask) -> AsyncGenerator[str, None]:
        """Yield the tokens of an answer, each at its time."""
        loop = asyncio.get_running_loop()
        request = _Request(ask, loop.time())
        self.waiting.append(request)
        self._schedule()
        outcome = "abort"
        try:
            async for word in self._paced(request):
                yield word
            outcome = ask.finish_reason
            self.counters.request_input.observe(ask.input_tokens)
            self.counters.request_output.observe(ask.tokens)
        finally:
            if request.admitted_s is not None:
                self.counters.finished[outcome] += 1
                self.counters.e2e.observe(loop.time() - request.arrived_s)
            self._leave(request)

    async def _paced(self, request: _Request) -> AsyncGenerator[str, None]:
        loop, ask = asyncio.get_running_loop(), request.ask
        due = await self._prefilled(request)
        said = words_of(ask.prompt)
        first = before = 0.0
        for number in range(ask.tokens):
            await asyncio.sleep(due - loop.time())
            if request.lost_cache:
                due = await self._prefilled(request)
                await asyncio.sleep(due - loop.time())
            now = loop.time()
            if number:
                self.counters.inter_token.observe(now - before)
            else:
                first = now
                self.counters.ttft.observe(now - request.arrived_s)
                self._count_prompt(ask)
            self.counters.generation_tokens += 1
            before = now
            request.done += 1
            self._make_room()
            if request.done == ask.tokens:
                self._count_times(request, first, now)
            yield next(said)
            # From the plan, so that what the host itself takes for a token does not add up.
            step_s = self._slowness() / self.speech.output_tokens_per_s / self.speed
            due = max(due + step_s, loop.time())

    async def _prefilled(self, request: _Request) -> float:
        """Return when the next token is due, once a request runs and its prompt is computed."""
        loop = asyncio.get_running_loop()
        await request.runs.wait()
        request.lost_cache = False
        if self.speech.input_tokens_per_s is not None:
            # One prompt at a time uses the whole budget of tokens of each step.
            try:
                seconds = request.held_tokens / self.speech.input_tokens_per_s
                await asyncio.sleep(seconds / self.speed)
            finally:
                self._prompt_done(request)
                self._schedule()
        spread = (self.chance.random() - 0.5) * self.speech.ttft_spread_s
        return loop.time() + (self.speech.ttft_s + spread) * self._slowness() / self.speed

    def _slowness(self) -> float:
        return 1 + self.speech.slower_per_neighbour * max(0, self.counters.running - 1)

    def _count_times(self, request: _Request, first_s: float, last_s: float) -> None:
        """Count what vLLM counts of a finished request, in which a preemption is decode time."""
        admitted_s = request.admitted_s or request.arrived_s
        self.counters.queue_time.observe(admitted_s - request.arrived_s)
        self.counters.prefill_time.observe(first_s - admitted_s)
        self.counters.decode_time.observe(last_s - first_s)

    def _count_prompt(self, ask: Ask) -> None:
        self.counters.prompt_tokens += ask.input_tokens
        if ask.prompt in self.seen_prompts:
            self.counters.cached_tokens += ask.input_tokens // BLOCK_TOKENS * BLOCK_TOKENS
            return
        self.seen_prompts[ask.prompt] = None
        if len(self.seen_prompts) > _REMEMBERED_PROMPTS:
            del self.seen_prompts[next(iter(self.seen_prompts))]

    def _schedule(self) -> None:
        """Admit who fits, in the order of arrival."""
        while self.waiting and self.prefilling is None and len(self.running) < self.max_num_seqs:
            head = self.waiting[0]
            if self.running and self._held() + head.held_tokens > self.cache_tokens:
                break
            self.running.append(self.waiting.popleft())
            self.prefilling = head if self.speech.input_tokens_per_s is not None else None
            if head.admitted_s is None:
                head.admitted_s = asyncio.get_running_loop().time()
            head.runs.set()
        self._show()

    def _make_room(self) -> None:
        """Preempt the last comer until the others fit; one alone may overflow."""
        while len(self.running) > 1 and self._held() > self.cache_tokens:
            last = self.running.pop()
            last.runs.clear()
            last.lost_cache = True
            self._prompt_done(last)
            self.waiting.appendleft(last)
            self.counters.preemptions += 1
        self._show()

    def _leave(self, request: _Request) -> None:
        for line in (self.running, self.waiting):
            with suppress(ValueError):
                line.remove(request)
        self._prompt_done(request)
        self._schedule()

    def _prompt_done(self, request: _Request) -> None:
        if self.prefilling is request:
            self.prefilling = None

    def _held(self) -> int:
        return sum(request.held_tokens for request in self.running)

    def _show(self) -> None:
        self.counters.running, self.counters.waiting = len(self.running), len(self.waiting)
        self.counters.kv_cache_usage = min(1.0, self._held() / self.cache_tokens)
        self.on_load(self.counters.running)
