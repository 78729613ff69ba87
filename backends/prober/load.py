"""Open-loop load on one endpoint: requests leave when planned, whether or not others came back."""

import gc
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import islice

from backends.domain.ab.load import LoadEnded, LoadLimits, LoadStep, next_rate, summarise_load
from backends.domain.ab.run import Run
from backends.prober import clock
from backends.prober.asking import Asking, AskingHooks
from backends.prober.body import with_nonce
from backends.prober.exchange import Asked, Hooks
from backends.prober.load_step import Due, Step, Trace, at_random
from backends.prober.loop import Loop
from backends.prober.origin import BadAddress
from backends.prober.outcome import run_of
from backends.prober.protocol import LoadOrder
from backends.prober.target import TargetClient
from backends.prober.trace_prompts import TracePrompts

PREPARED = 16
"""Requests whose bytes are built ahead of their time, so that a burst leaves when planned."""

LoadNews = LoadStep | LoadEnded


class _Spent:
    """What the requests of a load have cost, and how much they may cost together.

    Attributes:
        cut_unpriced: requests that were cut off, of which nobody tells the cost.
    """

    def __init__(self, allowed: str | None) -> None:
        self.cut_unpriced = 0
        self._allowed = allowed
        self._usd: Decimal | None = None

    @property
    def digits(self) -> str | None:
        """The sum in US dollars, None where none is known."""
        return None if self._usd is None else format(self._usd, "f")

    def pay(self, run: Run) -> str | None:
        """Add what a run has cost; return why no further one may be sent, None where it may."""
        if run.cost_usd is None:
            if self._allowed is not None and not run.error:
                return "the endpoint reports no usage, so its cost cannot be limited"
            return None
        self._usd = (self._usd or Decimal(0)) + Decimal(run.cost_usd)
        if self._allowed is not None and self._usd >= Decimal(self._allowed):
            return f"{self._allowed} USD were spent, the limit"
        return None

    def cut(self, run: Run) -> None:
        """Add what a run has cost that was cut off."""
        self.cut_unpriced += run.cost_usd is None
        self.pay(run)


class Load:
    """Raises the rate step by step until the limits break or a bound is reached.

    Attributes:
        over: its end was sent.
    """

    def __init__(self, order: LoadOrder, loop: Loop, tell: Callable[[LoadNews], None]) -> None:
        self.over = False
        self._order = order
        self._loop = loop
        self._tell = tell
        self._source = random.Random(order.seed)
        self._limits = LoadLimits(order.ttft_limit_s, order.itl_limit_s)
        self._client: TargetClient | None = None
        self._waking: Asking | None = None
        self._steps: list[LoadStep] = []
        self._running: set[Asked] = set()
        self._requests = 0
        self._spent = _Spent(order.max_usd)
        self._step = Step(loop, 0.0, 0, 0)
        self._trace = Trace(order.trace, order.trace_s) if order.trace else None
        self._prompts = TracePrompts(order.seed or self._source.getrandbits(32))
        self._due: Iterator[Due] = iter(())
        self._ahead: deque[tuple[int, Asked]] = deque()

    def begin(self) -> None:
        """Warm the endpoint up and start the first step."""
        order = self._order
        if order.max_usd is not None and not order.target.prices.known:
            self._end("a limit in dollars needs the endpoint's prices")
            return
        try:
            self._client = TargetClient(order.target, order.limits, self._loop)
        except BadAddress as error:
            self._end(str(error))
            return
        gc.collect()
        gc.freeze()
        gc.disable()
        late = partial(self.cancel, f"{order.max_s:g} s have passed, the limit")
        self._loop.call_at(clock.now_ns() + int(order.max_s * clock.NS), late)
        self._warm_up()

    def cancel(self, reason: str) -> None:
        """End now with the steps that are complete, and with what was replayed of a trace."""
        if self.over:
            return
        for exchange in tuple(self._running):
            exchange.cancel()
            if exchange.trace.sent_ns:
                self._spent.cut(run_of(exchange, self._order.target, self._requests))
        self._running.clear()
        if self._waking is not None:
            self._waking.cancel()
        if self._step.replayed_speed is not None and not self._steps:
            self._keep(self._step.judged(self._limits, self._spent.digits))
        self._end(reason)

    def _keep(self, found: LoadStep) -> None:
        self._steps.append(found)
        self._tell(found)

    def _warm_up(self) -> None:
        assert self._client is not None

        first = self._order.trace[0] if self._order.trace else None

        def prepared() -> Asked:
            self._running.clear()
            exchange = self._prepared(Due(0, first, again=-1))
            self._running.add(exchange)
            return exchange

        def ended(exchange: Asked) -> None:
            self._running.clear()
            run = run_of(exchange, self._order.target, 0)
            self._pay(run)
            if self.over:
                return
            if exchange.error:
                self._end(f"the first request failed: {run.error}")
            else:
                self._next_step()

        wait_s = self._order.limits.wait_s
        hooks = AskingHooks(lambda _: None, lambda *_: None, ended, measures=False)
        self._waking = Asking(self._client, prepared, self._loop, wait_s, hooks)
        self._waking.begin()

    def _prepared(self, due: Due) -> Asked:
        order, max_tokens = self._order, self._order.max_tokens
        assert self._client is not None
        if due.arrival is not None:
            again = 0 if order.cached else due.again
            prompt = self._prompts.text(due.arrival.prompt, again)
            max_tokens = due.arrival.output_tokens
        else:
            prompt = order.prompt if order.cached else with_nonce(order.prompt, self._source)
        return self._client.exchange(
            prompt, max_tokens, temperature=0.0, ignore_eos=order.ignore_eos
        )

    def _next_step(self) -> None:
        gc.collect()
        order, trace = self._order, self._trace
        rate = next_rate(self._steps, order.first_rps, order.growth)
        if rate is None:
            self._end("the limit is found")
            return
        began_ns = clock.now_ns()
        replays = trace is not None and not self._steps
        lasts_s = order.trace_s / order.speed if replays else order.step_s
        ends_ns = began_ns + int(lasts_s * clock.NS)
        self._step = Step(
            self._loop,
            rate,
            began_ns,
            ends_ns,
            planned=len(order.trace) if replays else None,
            replayed_speed=order.speed if replays else None,
            mixed=trace is not None,
        )
        if trace is None:
            self._due = at_random(rate, began_ns, ends_ns, self._source)
        else:
            of_step = trace.due(rate, began_ns, ends_ns)
            self._due = islice(of_step, len(order.trace)) if replays else of_step
        self._await_next()

    def _prepare_ahead(self) -> None:
        while len(self._ahead) < PREPARED and not self.over:
            due = next(self._due, None)
            if due is None:
                return
            self._ahead.append((due.due_ns, self._prepared(due)))

    def _await_next(self) -> None:
        step = self._step
        if not self._ahead and not step.broke:
            self._prepare_ahead()
        if not self._ahead or step.broke:
            self._ahead.clear()
            step.all_sent = True
            self._finish_step_when_empty()
            return
        due_ns, exchange = self._ahead.popleft()

        def leave() -> None:
            if not self.over:
                self._send(exchange, due_ns)
            if not self.over:
                self._loop.defer(self._prepare_ahead)
                self._await_next()

        self._loop.call_exactly_at(due_ns, leave)

    def _send(self, exchange: Asked, due_ns: int) -> None:
        step, order = self._step, self._order
        self._requests += 1
        if self._requests > order.max_requests:
            self.cancel(f"{order.max_requests} requests were sent, the limit")
            return
        self._running.add(exchange)
        counts = step.send(due_ns, len(self._running), order.max_concurrency)

        def ended(done: Asked) -> None:
            self._running.discard(done)
            self._take(step, run_of(done, order.target, self._requests), counts=counts)

        exchange.begin(due_ns, Hooks(lambda _: None, lambda *_: None, ended))

    def _take(self, step: Step, run: Run, *, counts: bool) -> None:
        if self.over:
            return
        if counts:
            step.take(run, self._limits)
        self._pay(run)
        if not self.over:
            self._finish_step_when_empty()

    def _pay(self, run: Run) -> None:
        if reason := self._spent.pay(run):
            self.cancel(reason)

    def _finish_step_when_empty(self) -> None:
        step = self._step
        if not step.all_sent or self._running:
            return
        self._keep(step.judged(self._limits, self._spent.digits))
        self._next_step()

    def _end(self, reason: str) -> None:
        gc.enable()
        self.over = True
        if self._client is not None:
            self._client.close()
        spent = self._spent
        ended = summarise_load(self._steps, reason, spent.digits, spent.cut_unpriced)
        not_sent = self._client.not_sent if self._client is not None else ()
        self._tell(replace(ended, not_sent=not_sent))
