"""Open-loop load on one endpoint: requests leave when planned, whether or not others came back."""

import gc
import random
import time
from collections.abc import Callable
from decimal import Decimal

from backends.domain.ab.load import (
    KEPT_SHARE,
    LoadEnded,
    LoadLimits,
    LoadStep,
    judge,
    keeps,
    next_rate,
    summarise_load,
)
from backends.domain.ab.run import Run
from backends.prober import clock
from backends.prober.asking import Asking, AskingHooks
from backends.prober.body import with_nonce
from backends.prober.exchange import Asked, Hooks
from backends.prober.loop import Loop
from backends.prober.origin import BadAddress
from backends.prober.outcome import run_of
from backends.prober.protocol import LoadOrder
from backends.prober.target import TargetClient

FILLING_SHARE = 1 / 3
# So many misses beyond the allowed ones end a step before its time.
MISSES_TO_STOP = 3

LoadNews = LoadStep | LoadEnded


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
        self._cost_usd: Decimal | None = None
        self._cut_unpriced = 0
        self._step = _Step(loop, 0.0, 0, 0)

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
        self._loop.call_at(clock.now_ns() + int(order.max_s * clock.NS), self._out_of_time)
        self._warm_up()

    def cancel(self, reason: str) -> None:
        """End now with the steps that are complete."""
        if not self.over:
            self._give_up_running()
            if self._waking is not None:
                self._waking.cancel()
            self._end(reason)

    def _warm_up(self) -> None:
        assert self._client is not None

        def prepared() -> Asked:
            self._running.clear()
            return self._prepared()

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

    def _prepared(self) -> Asked:
        order = self._order
        assert self._client is not None
        prompt = order.prompt if order.cached else with_nonce(order.prompt, self._source)
        exchange = self._client.exchange(
            prompt, order.max_tokens, temperature=0.0, ignore_eos=order.ignore_eos
        )
        self._running.add(exchange)
        return exchange

    def _next_step(self) -> None:
        gc.collect()
        order = self._order
        rate = next_rate(self._steps, order.first_rps, order.growth)
        if rate is None:
            self._end("the limit is found")
            return
        began_ns = clock.now_ns()
        ends_ns = began_ns + int(order.step_s * clock.NS)
        self._step = _Step(self._loop, rate, began_ns, ends_ns)
        self._plan_arrival(began_ns)

    def _plan_arrival(self, after_ns: int) -> None:
        """Prepare the next request ahead of its time, so that it can leave when planned."""
        step = self._step
        due_ns = after_ns + int(self._source.expovariate(step.rate) * clock.NS)
        if due_ns >= step.ends_ns or step.broke:
            step.all_sent = True
            self._finish_step_when_empty()
            return
        exchange = self._prepared()

        def leave() -> None:
            if not self.over:
                self._send(exchange, due_ns)
            if not self.over:
                self._plan_arrival(due_ns)

        self._loop.call_exactly_at(due_ns, leave)

    def _send(self, exchange: Asked, due_ns: int) -> None:
        step, order = self._step, self._order
        self._requests += 1
        if self._requests > order.max_requests:
            self.cancel(f"{order.max_requests} requests were sent, as many as allowed")
            return
        if len(self._running) > order.max_concurrency:
            step.broke = f"more than {order.max_concurrency} streams were open at once"
        step.concurrency = max(step.concurrency, len(self._running))
        counts = due_ns >= step.counts_from_ns
        step.latest_ns = due_ns

        def ended(done: Asked) -> None:
            self._running.discard(done)
            self._take(step, run_of(done, order.target, self._requests), counts=counts)

        exchange.begin(due_ns, Hooks(lambda _: None, lambda *_: None, ended))

    def _take(self, step: "_Step", run: Run, *, counts: bool) -> None:
        if self.over:
            return
        if counts:
            step.runs.append(run)
            step.misses += not keeps(run, self._limits)
            allowed = (1 - KEPT_SHARE) * step.expected() + MISSES_TO_STOP
            if step.misses > allowed and not step.broke:
                step.broke = f"{step.misses} of the first {len(step.runs)} requests missed a limit"
        self._pay(run)
        if not self.over:
            self._finish_step_when_empty()

    def _pay(self, run: Run) -> None:
        allowed = self._order.max_usd
        if run.cost_usd is None:
            if allowed is not None and not run.error:
                self.cancel("the endpoint sends no usage, so what it costs cannot be limited")
            return
        self._cost_usd = (self._cost_usd or Decimal(0)) + Decimal(run.cost_usd)
        if allowed is not None and self._cost_usd >= Decimal(allowed):
            self.cancel(f"{allowed} USD were spent, as much as allowed")

    def _finish_step_when_empty(self) -> None:
        step = self._step
        if not step.all_sent or self._running:
            return
        found = judge(
            step.rate,
            step.runs,
            step.window_s(),
            self._limits,
            concurrency=step.concurrency,
            broke=step.broke,
            client_cpu_percent=step.cpu_percent(),
            spent_usd=self._spent_usd(),
        )
        self._steps.append(found)
        self._tell(found)
        self._next_step()

    def _out_of_time(self) -> None:
        self.cancel(f"{self._order.max_s:g} s have passed, as many as allowed")

    def _give_up_running(self) -> None:
        for exchange in tuple(self._running):
            exchange.cancel()
            if not exchange.trace.sent_ns:
                continue
            cost_usd = run_of(exchange, self._order.target, self._requests).cost_usd
            if cost_usd is None:
                self._cut_unpriced += 1
            else:
                self._cost_usd = (self._cost_usd or Decimal(0)) + Decimal(cost_usd)
        self._running.clear()

    def _end(self, reason: str) -> None:
        gc.enable()
        self.over = True
        if self._client is not None:
            self._client.close()
        self._tell(summarise_load(self._steps, reason, self._spent_usd(), self._cut_unpriced))

    def _spent_usd(self) -> str | None:
        return None if self._cost_usd is None else format(self._cost_usd, "f")


class _Step:
    """The step that runs."""

    def __init__(self, loop: Loop, rate: float, began_ns: int, ends_ns: int) -> None:
        self.rate = rate
        self._began_ns = began_ns
        self._loop = loop
        self._worked_before_ns = _worked_ns(loop)
        self.ends_ns = ends_ns
        self.latest_ns = began_ns
        self.counts_from_ns = began_ns + int((ends_ns - began_ns) * FILLING_SHARE)
        self.runs: list[Run] = []
        self.misses = 0
        self.concurrency = 0
        self.all_sent = False
        self.broke = ""

    def cpu_percent(self) -> float:
        """Of one core, since the step began, without what was spun away in waiting."""
        wall_ns = max(1, clock.now_ns() - self._began_ns)
        return 100 * max(0, _worked_ns(self._loop) - self._worked_before_ns) / wall_ns

    def window_s(self) -> float:
        """How long requests that count were sent; a step that broke stopped sending early."""
        until_ns = self.latest_ns if self.broke else self.ends_ns
        if until_ns <= self.counts_from_ns:
            until_ns = self.ends_ns
        return (until_ns - self.counts_from_ns) / clock.NS

    def expected(self) -> float:
        """How many requests will count."""
        return self.rate * (self.ends_ns - self.counts_from_ns) / clock.NS


def _worked_ns(loop: Loop) -> int:
    return time.process_time_ns() - loop.spun_ns
