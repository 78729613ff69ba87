"""One question to a target until it is answered: limits and cold starts are waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from backends.domain.ab.run import Run
from backends.domain.ab.tokens import Piece
from backends.prober import clock, problems
from backends.prober.exchange import Asked, Hooks
from backends.prober.loop import Loop, Timer
from backends.prober.retry import Later, Why, has_finished, later_of
from backends.prober.target import TargetClient

SHORTEST_S = 0.05
TRUSTED_HINTS = 4
FIRST_LIMITED_S, LONGEST_LIMITED_S = 1.0, 30.0
MOST_FETCHES = 20
"""So often a reply that is to come elsewhere is fetched; each time the wait is longer."""

JOB_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE)
"""A queue that answers so keeps no record of its jobs, or no longer: it is asked again."""

COLD_SHARE, FIRST_COLD_S, LONGEST_COLD_S = 0.1, 0.5, 10.0
"""An endpoint that does not say when to come back is asked again after a share of the time since
its first refusal, so that a cold start is known to that share."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A target is asked again after a while.

    Attributes:
        why: what it refused with, one line.
        waited_s: since its first refusal.
    """

    why: str
    cold: bool
    delay_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class AskingHooks:
    """Who wants to know: as `Hooks`, and that a target is waited for.

    Attributes:
        measures: the answer is measured, so that it must not be one that came while waking up.
    """

    sent: Callable[[int], None]
    pieces: Callable[[int, list[Piece]], None]
    ended: Callable[[Asked], None]
    waits: Callable[[Wait], None] = lambda _: None
    measures: bool = True


class Asking:
    """Asks until there is an answer, a failure that lasts, or no time left to wait.

    Attributes:
        exchange: the last one, whose figures count; None before the first.
        in_vain: it was waited for as long as allowed.
    """

    def __init__(
        self,
        client: TargetClient,
        prepare: Callable[[], Asked],
        loop: Loop,
        wait_s: float,
        hooks: AskingHooks,
    ) -> None:
        self.exchange: Asked | None = None
        self.in_vain = False
        self._client = client
        self._prepare = prepare
        self._loop = loop
        self._wait_s = wait_s
        self._hooks = hooks
        self._was_warm = client.accepted
        self._why: Why | None = None
        self._waits = 0
        self._refused_ns = self._posted_ns = self._answered_ns = 0
        self._follows = self._follows_job = False
        self._job_url: str | None = None
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Send the request."""
        self._follows = self._follows_job = False
        self._job_url = None
        self._send(self._prepare())

    def cancel(self) -> None:
        """Stop asking; what came until now is read."""
        if self._timer is not None:
            self._timer.cancel()
        if self.exchange is not None:
            self.exchange.cancel()

    def completed(self, run: Run) -> Run:
        """Return the run of the last exchange with what came before it."""
        assert self.exchange is not None
        if self._follows and run.ttft_s is not None and run.e2e_s is not None:
            hops_s = (self.exchange.trace.sent_ns - self._posted_ns) / clock.NS
            visible_s = run.ttft_visible_s
            run = replace(
                run,
                ttft_s=run.ttft_s + hops_s,
                ttft_visible_s=None if visible_s is None else visible_s + hops_s,
                e2e_s=run.e2e_s + hops_s,
                flags=(*run.flags, "redirected"),
            )
        if self._why is None:
            return run
        until_ns = self._answered_ns or self.exchange.trace.sent_ns or self._refused_ns
        waited_s = (until_ns - self._refused_ns) / clock.NS
        first_s = 0.0 if self._answered_ns else run.ttft_s
        return replace(
            run,
            waits=self._waits,
            waited_s=waited_s,
            waited_for=self._why,
            cold_s=waited_s + first_s if self._is_cold() and first_s is not None else None,
        )

    def _is_cold(self) -> bool:
        """Before its first answer an endpoint that cannot be reached is taken to wake up."""
        return self._why == "cold" or (self._why == "unavailable" and not self._was_warm)

    def _send(self, exchange: Asked) -> None:
        self.exchange, self._timer = exchange, None
        exchange.begin(None, Hooks(self._hooks.sent, self._hooks.pieces, self._ended))
        if not self._follows:
            self._posted_ns = exchange.trace.sent_ns

    def _ended(self, exchange: Asked) -> None:
        if not self._follows:
            self._posted_ns = exchange.trace.sent_ns
        if self._client.adapt(exchange):
            self.begin()
            return
        if self._follows_job and has_finished(exchange):
            self._answered_ns = clock.now_ns() if self._hooks.measures else 0
            self.begin()  # awake now, and in a job's result no token has a time
            return
        later = later_of(exchange)
        if self._follows_job and exchange.reply.status in JOB_GONE:
            later, self._job_url = Later("cold"), None
        if later is not None and self._may_wait(exchange, later):
            return
        first_s = next((p.at_s for p in exchange.reply.reader.pieces if p.carries), None)
        woke = self._follows and self._hooks.measures and not self._answered_ns
        if woke and exchange.error is None and first_s is not None:
            self._answered_ns = exchange.trace.sent_ns + int(first_s * clock.NS)
            self.begin()  # awake now: what is measured is a request of its own
            return
        self._hooks.ended(exchange)

    def _may_wait(self, exchange: Asked, later: Later) -> bool:
        """Ask again after a while; return False where there is no time for it."""
        now_ns = clock.now_ns()
        self._refused_ns = self._refused_ns or exchange.trace.sent_ns or now_ns
        waited_s = (now_ns - self._refused_ns) / clock.NS
        follow = self._client.follow(later.location) if later.location else None
        self._job_url = later.job_url or self._job_url
        job = self._client.job(later.job_id, self._job_url) if follow is None else None
        follow = follow or job
        delay_s = max(SHORTEST_S, self._own_delay_s(later, waited_s))
        if later.after_s is not None:
            # Who keeps refusing at the time that he named is asked ever more seldom.
            floor_s = SHORTEST_S if self._waits < TRUSTED_HINTS else delay_s
            delay_s = max(floor_s, later.after_s)
        elif follow is not None and job is None and not self._follows:
            delay_s = 0.0
        # A reply that was promised is fetched even by who would not ask again.
        fetches = follow is not None and self._waits < MOST_FETCHES
        if not fetches and waited_s + delay_s > self._wait_s:
            if not self._wait_s:
                return False
            assert exchange.error is not None
            exchange.error = problems.waited_in_vain(exchange.error, waited_s, delay_s)
            self.in_vain = True
            return False
        if not self._answered_ns:
            self._why, self._waits = later.why, self._waits + 1
        assert exchange.error is not None
        self._hooks.waits(Wait(exchange.error, self._is_cold(), delay_s, waited_s))
        self._follows, self._follows_job = follow is not None, job is not None
        again = self.begin if follow is None else lambda: self._send(follow)
        self._timer = self._loop.call_at(now_ns + int(delay_s * clock.NS), again)
        return True

    def _own_delay_s(self, later: Later, waited_s: float) -> float:
        if later.why == "limited":
            return min(LONGEST_LIMITED_S, FIRST_LIMITED_S * 2.0 ** min(self._waits, 10))
        return min(LONGEST_COLD_S, max(FIRST_COLD_S, COLD_SHARE * waited_s))
