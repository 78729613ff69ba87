"""One step of a load: the instants at which its requests are due, and what came of them."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backends.domain.ab.load import (
    CLIENT_BUSY_PERCENT,
    KEPT_SHARE,
    LoadLimits,
    LoadStep,
    judge,
    keeps,
    mean_itl_s,
)
from backends.domain.ab.run import Run
from backends.domain.traffic.arrivals import Arrival, rounds
from backends.prober import clock
from backends.prober.loop import Loop

FILLING_SHARE = 1 / 3
# So many misses beyond the allowed ones end a step before its time.
MISSES_TO_STOP = 3


@dataclass(frozen=True, slots=True)
class Due:
    """A request that is to leave at an instant.

    Attributes:
        arrival: the recorded request; None for one of the prompt that all share.
        again: the round of the trace that it is of, so that no round finds another's cache.
    """

    due_ns: int
    arrival: Arrival | None = None
    again: int = 0


def at_random(rate: float, began_ns: int, ends_ns: int, source: random.Random) -> Iterator[Due]:
    """Yield a Poisson stream of requests at a rate."""
    due_ns = began_ns
    while (due_ns := due_ns + int(source.expovariate(rate) * clock.NS)) < ends_ns:
        yield Due(due_ns)


class Trace:
    """Recorded requests that are sent at any speed, from where the step before it ended."""

    def __init__(self, arrivals: Sequence[Arrival], lasts_s: float) -> None:
        self.rate = len(arrivals) / lasts_s
        self._rounds = rounds(arrivals, lasts_s)
        self._next = next(self._rounds)

    def due(self, rate: float, began_ns: int, ends_ns: int) -> Iterator[Due]:
        """Yield the requests of a step, as much faster than they came as makes them come so often.

        The next step begins with the first request that is not sent in this one.
        """
        speed, from_s = rate / self.rate, self._next[1]
        while True:
            again, at_s, arrival = self._next
            due_ns = began_ns + int((at_s - from_s) / speed * clock.NS)
            if due_ns >= ends_ns:
                return
            self._next = next(self._rounds)
            yield Due(due_ns, arrival, again)


class Step:
    """The step that runs.

    Attributes:
        replayed_speed: of recorded traffic; None where a rate is tried.
    """

    def __init__(
        self,
        loop: Loop,
        rate: float,
        began_ns: int,
        ends_ns: int,
        *,
        planned: int | None = None,
        replayed_speed: float | None = None,
        mixed: bool = False,
    ) -> None:
        self.rate = rate
        self.ends_ns = ends_ns
        self.replayed_speed = replayed_speed
        self.all_sent = False
        self.broke = ""
        self._planned = planned
        self._mixed = mixed
        self._began_ns = self._latest_ns = began_ns
        self._loop = loop
        self._worked_before_ns = _worked_ns(loop)
        filling = 0.0 if replayed_speed else FILLING_SHARE
        self._counts_from_ns = began_ns + int((ends_ns - began_ns) * filling)
        self._runs: list[Run] = []
        self._sent = self._misses = self._concurrency = 0

    def send(self, due_ns: int, running: int, most: int) -> bool:
        """Note a request that leaves beside others; return whether it counts."""
        if running > most:
            self.broke = f"more than {most} streams were open at once"
        self._sent += 1
        self._concurrency = max(self._concurrency, running)
        self._latest_ns = due_ns
        return due_ns >= self._counts_from_ns

    def take(self, run: Run, limits: LoadLimits) -> None:
        """Note the answer to a request that counts: what is judged of it, for a trace may be long.

        A rate that is tried is given up once it has clearly failed; recorded traffic is sent whole.
        """
        mean_s = mean_itl_s(run)
        self._runs.append(replace(run, text="", itl_s=() if mean_s is None else (mean_s,)))
        self._misses += not keeps(run, limits)
        expected = self.rate * (self.ends_ns - self._counts_from_ns) / clock.NS
        allowed = (1 - KEPT_SHARE) * expected + MISSES_TO_STOP
        if self._misses > allowed and not self.broke and not self.replayed_speed:
            self.broke = f"{self._misses} of the first {len(self._runs)} requests missed a limit"

    def judged(self, limits: LoadLimits, spent_usd: str | None) -> LoadStep:
        """Return what it showed."""
        wall_ns = max(1, clock.now_ns() - self._began_ns)
        found = judge(
            self.rate,
            self._runs,
            self._window_s(),
            limits,
            concurrency=self._concurrency,
            broke=self.broke,
            mixed=self._mixed,
        )
        busy = 100 * max(0, _worked_ns(self._loop) - self._worked_before_ns) / wall_ns
        return replace(
            found,
            client_cpu_percent=busy,
            client_limited=busy > CLIENT_BUSY_PERCENT,
            spent_usd=spent_usd,
            replayed_speed=self.replayed_speed,
            planned=self._planned,
            sent=self._sent,
        )

    def _window_s(self) -> float:
        """How long requests that count were sent; a step that broke stopped sending early."""
        until_ns = self.ends_ns if self.all_sent and not self.broke else self._latest_ns
        if until_ns <= self._counts_from_ns:
            until_ns = self.ends_ns
        return (until_ns - self._counts_from_ns) / clock.NS


def _worked_ns(loop: Loop) -> int:
    """CPU of this process without what was spun away in waiting."""
    return time.process_time_ns() - loop.spun_ns
