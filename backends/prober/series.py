"""An A/B: which lane is asked when, and what is told about it."""

import gc
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus

from backends.domain.ab.facts import AbFact, RunBegan, RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.run import LaneName, Priority, Run
from backends.prober import clock, problems
from backends.prober.audit import Audit
from backends.prober.body import with_nonce
from backends.prober.exchange import Asked, Hooks
from backends.prober.live import LiveText
from backends.prober.loop import Loop
from backends.prober.origin import BadAddress
from backends.prober.outcome import run_of
from backends.prober.protocol import Lane, SeriesOrder
from backends.prober.target import Target

WARM_UP = -1
WARM_UP_TOKENS = 16
FAILURES_TO_GIVE_UP = 3

Slot = tuple[LaneName, ...]


def plan(order: SeriesOrder, source: random.Random) -> list[Slot]:
    """Return which lanes are asked together, in order.

    Interleaved: one after another, in an order drawn anew for every round of lanes, so that a
    drift of the network or the host meets all lanes alike. Simultaneous: all lanes in each slot.
    """
    names = [lane.name for lane in order.lanes]
    if order.mode == "simultaneous":
        return [tuple(names)] * order.runs
    slots: list[Slot] = []
    for _ in range(order.runs):
        slots += [(name,) for name in source.sample(names, len(names))]
    return slots


class Series:
    """Runs one A/B on the loop.

    Attributes:
        over: it has told its end.
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
        self._targets: dict[LaneName, Target] = {}
        self._lanes = {lane.name: lane for lane in order.lanes}
        self._done = dict.fromkeys(self._lanes, 0)
        self._failures = dict.fromkeys(self._lanes, 0)
        self._running: dict[Asked, tuple[Lane, int]] = {}
        self._warm_ups: list[Run] = []
        self._audit = Audit(priority)

    def begin(self) -> None:
        """Tell the beginning and warm the first lane up."""
        order = self._order
        self._tell(
            SeriesBegan(
                clock.stamp_of(clock.now_ns()),
                order.series_id,
                tuple((lane.name, lane.endpoint) for lane in order.lanes),
                order.runs,
                tuple(lane.model for lane in order.lanes),
                hashlib.sha256(order.prompt.encode()).hexdigest(),
                order.mode,
                order.max_tokens,
                order.temperature,
                order.ignore_eos,
                order.cached,
            )
        )
        try:
            for lane in order.lanes:
                self._targets[lane.name] = Target(lane, order.limits, self._loop)
        except BadAddress as error:
            self._end(f"lane {lane.name} ({lane.endpoint}): {error}")
            return
        gc.collect()
        gc.freeze()
        gc.disable()
        self._warm_up(order.lanes if order.warm_up else ())

    def cancel(self, reason: str) -> None:
        """End now; runs that are over stay told, running ones are errors with what they got."""
        if self.over:
            return
        running, self._running = self._running, {}
        for exchange, (lane, index) in running.items():
            exchange.cancel()
            if exchange.trace.sent_ns and index >= 0:
                run = self._run_of(exchange, lane, index)
                self._tell(RunEnded(clock.stamp_of(clock.now_ns()), run))
        self._end(reason)

    def _warm_up(self, waiting: Sequence[Lane]) -> None:
        if not waiting:
            self._next_slot()
            return
        lane, *others = waiting

        def ended(exchange: Asked) -> None:
            del self._running[exchange]
            target = self._targets[lane.name]
            if target.adapt(exchange):
                self._warm_up(waiting)
                return
            run = run_of(exchange, lane, WARM_UP)
            self._warm_ups.append(run)
            if exchange.error and _is_hopeless(exchange):
                self._tell(RunEnded(clock.stamp_of(clock.now_ns()), replace(run, index=0)))
                self._end(f"lane {lane.name} ({lane.endpoint}): {run.error}")
                return
            self._warm_up(others)

        prompt = with_nonce(self._order.prompt, self._source)
        tokens = min(WARM_UP_TOKENS, self._order.max_tokens)
        self._send(lane, prompt, tokens, Hooks(lambda _: None, lambda *_: None, ended))

    def _next_slot(self) -> None:
        gc.collect()
        if not self._slots:
            self._end("")
            return
        for name in self._slots.pop(0):
            self._run(self._lanes[name])

    def _run(self, lane: Lane) -> None:
        index = self._done[lane.name]
        live = LiveText(lane, self._tell)

        def sent(sent_ns: int) -> None:
            self._tell(RunBegan(clock.stamp_of(sent_ns), lane.name, index))

        def ended(exchange: Asked) -> None:
            del self._running[exchange]
            if exchange.http_2_only and self._targets[lane.name].adapt(exchange):
                self._run(lane)
                return
            live.close()
            self._take(lane, self._run_of(exchange, lane, index), exchange)

        prompt = self._order.prompt
        if not self._order.cached:
            prompt = with_nonce(prompt, self._source)
        self._send(lane, prompt, self._order.max_tokens, Hooks(sent, live.take, ended), index)

    def _run_of(self, exchange: Asked, lane: Lane, index: int) -> Run:
        run = run_of(exchange, lane, index)
        return replace(run, flags=(*run.flags, *self._targets[lane.name].flags))

    def _send(
        self, lane: Lane, prompt: str, max_tokens: int, hooks: Hooks, index: int = WARM_UP
    ) -> None:
        order = self._order
        exchange = self._targets[lane.name].exchange(
            prompt, max_tokens, temperature=order.temperature, ignore_eos=order.ignore_eos
        )
        self._running[exchange] = (lane, index)
        exchange.begin(None, hooks)

    def _take(self, lane: Lane, run: Run, exchange: Asked) -> None:
        self._done[lane.name] += 1
        self._failures[lane.name] = self._failures[lane.name] + 1 if run.error else 0
        self._audit.add(run, exchange.trace)
        self._tell(RunEnded(clock.stamp_of(clock.now_ns()), run))
        if self._failures[lane.name] >= FAILURES_TO_GIVE_UP:
            self.cancel(
                f"{FAILURES_TO_GIVE_UP} runs in a row failed in lane {lane.name}"
                f" ({lane.endpoint}): {run.error}"
            )
        elif not self._running:
            self._next_slot()

    def _end(self, reason: str) -> None:
        gc.enable()
        for target in self._targets.values():
            target.close()
        self.over = True
        audit = self._audit.finish(self._warm_ups)
        now = clock.stamp_of(clock.now_ns())
        self._tell(SeriesEnded(now, self._order.series_id, reason, audit))


def _is_hopeless(exchange: Asked) -> bool:
    """Whether the next request would fail in the same way."""
    status = exchange.status
    if status is None:
        return not exchange.trace.sent_ns
    if status == HTTPStatus.OK:
        return not exchange.reply.reader.pieces and bool(exchange.reply.plain_body)
    return status in problems.LASTING_STATUS or status < HTTPStatus.BAD_REQUEST
