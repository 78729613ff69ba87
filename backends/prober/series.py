"""An A/B: which target is asked when, and the facts that are reported."""

import gc
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from backends.domain.ab.facts import (
    AbFact,
    RunBegan,
    RunEnded,
    SeriesBegan,
    SeriesEnded,
    TargetWaits,
)
from backends.domain.ab.run import Priority, Run, TargetName
from backends.prober import clock, problems
from backends.prober.asking import Asking, AskingHooks, Wait
from backends.prober.audit import Audit
from backends.prober.body import with_nonce
from backends.prober.exchange import Asked
from backends.prober.live import LiveText
from backends.prober.loop import Loop
from backends.prober.origin import BadAddress
from backends.prober.outcome import hidden, run_of
from backends.prober.protocol import SeriesOrder, Target
from backends.prober.target import TargetClient

WARM_UP = -1
WARM_UP_TOKENS = 16
FAILURES_TO_GIVE_UP = 3

Slot = tuple[TargetName, ...]


def plan(order: SeriesOrder, source: random.Random) -> list[Slot]:
    """Return which targets are asked together, in order.

    Interleaved: one after another, in an order drawn again for every round of targets, so that a
    drift of the network or the host meets all targets alike. Simultaneous: all in each slot.
    """
    names = [target.name for target in order.targets]
    if order.mode == "simultaneous":
        return [tuple(names)] * order.runs
    slots: list[Slot] = []
    for _ in range(order.runs):
        slots += [(name,) for name in source.sample(names, len(names))]
    return slots


class Series:
    """Runs one A/B on the loop.

    Attributes:
        over: its end was sent.
    """

    def __init__(
        self,
        order: SeriesOrder,
        loop: Loop,
        tell: Callable[[AbFact], None],
        priority: Priority = "normal",
    ) -> None:
        self.over = False
        self._order = order
        self._loop = loop
        self._tell = tell
        self._source = random.Random(order.seed)
        self._slots = plan(order, self._source)
        self._clients: dict[TargetName, TargetClient] = {}
        self._targets = {target.name: target for target in order.targets}
        self._done = dict.fromkeys(self._targets, 0)
        self._failures = dict.fromkeys(self._targets, 0)
        self._running: dict[Asking, tuple[Target, int]] = {}
        self._given_up: dict[TargetName, str] = {}
        self._warm_ups: list[Run] = []
        self._audit = Audit(priority)

    def begin(self) -> None:
        """Tell the beginning and warm the first target up."""
        order = self._order
        efforts = tuple(target.effort for target in order.targets)
        self._tell(
            SeriesBegan(
                clock.stamp_of(clock.now_ns()),
                order.series_id,
                tuple((target.name, target.endpoint) for target in order.targets),
                order.runs,
                tuple(target.model for target in order.targets),
                hashlib.sha256(order.prompt.encode()).hexdigest(),
                order.mode,
                order.max_tokens,
                order.temperature,
                order.ignore_eos,
                order.cached,
                efforts if any(efforts) else (),
            )
        )
        try:
            for target in order.targets:
                self._clients[target.name] = TargetClient(target, order.limits, self._loop)
        except BadAddress as error:
            self._end(f"target {target.name} ({target.endpoint}): {error}")
            return
        gc.collect()
        gc.freeze()
        gc.disable()
        self._warm_up(order.targets if order.warm_up else ())

    def cancel(self, reason: str) -> None:
        """End now; finished runs keep their results, the others are errors with what they got."""
        if self.over:
            return
        running, self._running = self._running, {}
        for asking, (target, index) in running.items():
            asking.cancel()
            if asking.exchange is not None and asking.exchange.trace.sent_ns and index >= 0:
                run = self._run_of(asking, target, index)
                self._tell(RunEnded(clock.stamp_of(clock.now_ns()), run))
        self._end(reason)

    def _warm_up(self, waiting: Sequence[Target]) -> None:
        if not waiting:
            self._next_slot()
            return
        target, *others = waiting

        def ended(exchange: Asked) -> None:
            asking = self._over(exchange)
            run = asking.completed(run_of(exchange, target, WARM_UP))
            self._warm_ups.append(run)
            if exchange.error and (asking.in_vain or _is_hopeless(exchange)):
                self._tell(RunEnded(clock.stamp_of(clock.now_ns()), replace(run, index=0)))
                self._give_up(target, f"target {target.name} ({target.endpoint}): {run.error}")
            if not self.over:
                self._warm_up(others)

        tokens = min(WARM_UP_TOKENS, self._order.max_tokens)
        hooks = AskingHooks(
            lambda _: None, lambda *_: None, ended, partial(self._waits, target), measures=False
        )
        self._ask(target, tokens, hooks, WARM_UP)

    def _next_slot(self) -> None:
        gc.collect()
        while self._slots:
            names = [name for name in self._slots.pop(0) if name not in self._given_up]
            for name in names:
                self._run(self._targets[name])
            if names:
                return
        self._end("; ".join(self._given_up.values()))

    def _run(self, target: Target) -> None:
        index = self._done[target.name]
        live = LiveText(target, self._tell)

        def sent(sent_ns: int) -> None:
            self._tell(RunBegan(clock.stamp_of(sent_ns), target.name, index))

        def ended(exchange: Asked) -> None:
            live.close()
            asking = self._over(exchange)
            self._take(target, self._run_of(asking, target, index), asking)

        warm = self._order.warm_up
        hooks = AskingHooks(sent, live.take, ended, partial(self._waits, target), measures=warm)
        self._ask(target, self._order.max_tokens, hooks, index)

    def _waits(self, target: Target, wait: Wait) -> None:
        now = clock.stamp_of(clock.now_ns())
        why = hidden(wait.why, target)
        self._tell(TargetWaits(now, target.name, why, wait.cold, wait.delay_s, wait.waited_s))

    def _run_of(self, asking: Asking, target: Target, index: int) -> Run:
        assert asking.exchange is not None
        run = asking.completed(run_of(asking.exchange, target, index))
        client = self._clients[target.name]
        return replace(run, flags=(*run.flags, *client.flags), not_sent=client.not_sent)

    def _ask(self, target: Target, max_tokens: int, hooks: AskingHooks, index: int) -> None:
        order, client = self._order, self._clients[target.name]

        def prepared() -> Asked:
            fresh = index == WARM_UP or not order.cached
            prompt = with_nonce(order.prompt, self._source) if fresh else order.prompt
            return client.exchange(
                prompt, max_tokens, temperature=order.temperature, ignore_eos=order.ignore_eos
            )

        asking = Asking(client, prepared, self._loop, order.limits.wait_s, hooks)
        self._running[asking] = (target, index)
        asking.begin()

    def _over(self, exchange: Asked) -> Asking:
        """Return whose last exchange this was, which no longer runs."""
        asking = next(each for each in self._running if each.exchange is exchange)
        del self._running[asking]
        return asking

    def _take(self, target: Target, run: Run, asking: Asking) -> None:
        assert asking.exchange is not None
        self._done[target.name] += 1
        self._failures[target.name] = self._failures[target.name] + 1 if run.error else 0
        self._audit.add(run, asking.exchange.trace)
        self._tell(RunEnded(clock.stamp_of(clock.now_ns()), run))
        if asking.in_vain:
            self._give_up(target, f"target {target.name} ({target.endpoint}): {run.error}")
        elif self._failures[target.name] >= FAILURES_TO_GIVE_UP:
            self._give_up(
                target,
                f"{FAILURES_TO_GIVE_UP} runs in a row failed in target {target.name}"
                f" ({target.endpoint}): {run.error}",
            )
        if not self._running and not self.over:
            self._next_slot()

    def _give_up(self, target: Target, reason: str) -> None:
        """Ask this target no more; the others have all their runs."""
        self._given_up[target.name] = reason
        if len(self._given_up) == len(self._targets):
            self._end("; ".join(self._given_up.values()))

    def _end(self, reason: str) -> None:
        gc.enable()
        for client in self._clients.values():
            client.close()
        self.over = True
        audit = self._audit.finish(self._warm_ups)
        now = clock.stamp_of(clock.now_ns())
        self._tell(SeriesEnded(now, self._order.series_id, reason, audit))


def _is_hopeless(exchange: Asked) -> bool:
    """Whether the next request would fail in the same way."""
    status = exchange.reply.status
    if status is None:
        return not exchange.trace.sent_ns
    if status == HTTPStatus.OK:
        return not exchange.reply.reader.pieces and bool(exchange.reply.plain_body)
    return status in problems.LASTING_STATUS or status < HTTPStatus.BAD_REQUEST
