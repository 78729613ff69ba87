"""Endpoints of every kind on a clock of their own, for the cold-start probe.

Every refusal is worded by the prober's own `problems`, as a real reply would be.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

from backends.domain.ab.cold import ColdProbe, ColdProbePlan, ProbeEnded, limits_of
from backends.domain.ab.run import Run
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.prober import problems
from backends.prober.cold_probe import run_cold_probe
from backends.prober.http import Head
from backends.prober.protocol import Target

TARGET = Target("a", "x", "http://127.0.0.1:9/v1", "m")
GAPS = (60.0, 900.0)
ONCE_USD = Decimal("0.00002")
WARM_TTFT_S = 0.5
MOST_STEPS = 5000
"""Far above any limit here: a probe that goes on for longer never ends."""


def http(status: HTTPStatus) -> str:
    return problems.status(Head(status, status.phrase), b"", "m")


REFUSALS: dict[str, tuple[str, float]] = {
    "503": (http(HTTPStatus.SERVICE_UNAVAILABLE), 0.1),
    "429": (http(HTTPStatus.TOO_MANY_REQUESTS), 0.1),
    "303": (http(HTTPStatus.SEE_OTHER), 0.1),
    "202": (http(HTTPStatus.ACCEPTED), 0.1),
    "502": (http(HTTPStatus.BAD_GATEWAY), 3.0),
    "504": (http(HTTPStatus.GATEWAY_TIMEOUT), 60.0),
    "queue": (
        problems.not_streamed(
            Head(200, "OK", {"content-type": "application/json"}), b'{"status":"IN_QUEUE"}'
        ),
        0.1,
    ),
    "timeout": (problems.no_token(45.0), 45.0),
    "reset": (problems.broken(ConnectionResetError(104, "Connection reset by peer")), 0.1),
    "cut": (problems.cut(0, None), 0.1),
}
"""What a refused request says, and how long it took."""

LASTING = http(HTTPStatus.UNAUTHORIZED)
NEVER = float("inf")


@dataclass
class Endpoint:
    """An endpoint and the clock; only sleeping and asking move it.

    Attributes:
        asleep_after_s: without a request it falls asleep.
        awake_after_s: so long after the first request it answers again; None: it holds that
            request instead of refusing it.
        fails_each: every so many-th request fails, asleep or not; 0 for none.
        fails_from: all requests from this one on fail; None for none.
    """

    refusal: str = REFUSALS["503"][0]
    refusal_s: float = 0.1
    asleep_after_s: float = NEVER
    awake_after_s: float = 0.0
    holds: bool = False
    fails_each: int = 0
    fails_from: int | None = None
    takes_s: float = WARM_TTFT_S
    cost_usd: str | None = "0.00001"
    now_s: float = 1000.0
    began_asleep: bool = False
    sent: int = 0
    knocked_s: float | None = None
    busy_s: float = field(default=1000.0)

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now_s += seconds

    async def ask(self, _target: Target, _prompt: str, limit_s: float) -> tuple[Run, float]:
        assert limit_s > 0
        sent_s = self.now_s
        error, takes_s = self._answer()
        self.sent += 1
        if takes_s > limit_s:
            error, takes_s = f"no reply within {limit_s:g} s", limit_s
        self.now_s += takes_s
        if error:
            return Run("a", 0, error=error), sent_s
        self.busy_s, self.knocked_s = self.now_s, None
        return Run("a", 0, ttft_s=takes_s, cost_usd=self.cost_usd), sent_s

    def _answer(self) -> tuple[str | None, float]:
        if self.fails_from is not None and self.sent >= self.fails_from:
            return self.refusal, self.refusal_s
        if self.fails_each and self.sent % self.fails_each == self.fails_each - 1:
            return self.refusal, self.refusal_s
        if self.now_s - self.busy_s < self.asleep_after_s:
            return None, self.takes_s
        if self.holds:
            return None, self.awake_after_s + self.takes_s
        if self.knocked_s is None:
            self.knocked_s = self.now_s
        if self.now_s - self.knocked_s >= self.awake_after_s:
            return None, self.takes_s
        return self.refusal, self.refusal_s


async def probed(endpoint: Endpoint, plan: ColdProbePlan, state: Path) -> ColdProbeReport:
    """Probe to the end, and check that it came within what was agreed."""
    limits = limits_of(plan)
    probes, ended, began_s = list[ColdProbe](), "", endpoint.now_s
    told = run_cold_probe(
        TARGET,
        "hi",
        plan,
        state,
        ask=endpoint.ask,
        now=endpoint.now,
        elapsed=endpoint.now,
        sleep=endpoint.sleep,
    )
    async for fact in told:
        assert not ended
        if isinstance(fact, ProbeEnded):
            ended = fact.reason
        else:
            probes.append(fact)
        assert len(probes) < MOST_STEPS, "it never ends"
    assert endpoint.sent == len(probes) <= limits.requests
    assert endpoint.now_s - began_s <= limits.lasts_s
    spent = [Decimal(probe.cost_usd) for probe in probes if probe.cost_usd]
    assert limits.usd is None or sum(spent[:-1], Decimal(0)) <= limits.usd
    report = ColdProbeReport("h", "x", "m", 1000.0, plan, tuple(probes), ended=ended)
    assert report.complete is not bool(ended)
    return report


def plan(rounds: int = 2) -> ColdProbePlan:
    bare = ColdProbePlan(GAPS, rounds, warm=5)
    return ColdProbePlan(GAPS, rounds, warm=5, limits=limits_of(bare, ONCE_USD))
