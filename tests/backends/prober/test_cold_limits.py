"""The cold-start probe on a clock of its own, against every kind of endpoint: it ends, and right.

Every refusal is worded by the prober's own `problems`, as a real reply would be.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.domain.ab.cold import ColdProbe, ColdProbePlan, ProbeEnded, limits_of
from backends.domain.ab.run import Run
from backends.domain.reports.cold_probe import (
    ColdProbeReport,
    cold_probe_document,
    cold_probe_lines,
    verdict_line,
)
from backends.prober import problems
from backends.prober.cold_probe import LONGEST_POLL_S, POLL_SHARE, SHORTEST_POLL_S, run_cold_probe
from backends.prober.http import Head
from backends.prober.protocol import Target

LANE = Target("a", "x", "http://127.0.0.1:9/v1", "m")
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

    async def ask(self, _target: Target, _prompt: str, limit_s: float) -> Run:
        assert limit_s > 0
        error, takes_s = self._answer()
        self.sent += 1
        if takes_s > limit_s:
            error, takes_s = f"no reply within {limit_s:g} s", limit_s
        self.now_s += takes_s
        if error:
            return Run("a", 0, error=error)
        self.busy_s, self.knocked_s = self.now_s, None
        return Run("a", 0, ttft_s=takes_s, cost_usd=self.cost_usd)

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
        LANE,
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


SLEEPERS = [
    pytest.param(name, after_s, awake_s, id=f"{name}, asleep {after_s:g} s, awake {awake_s:g} s")
    for name in REFUSALS
    for after_s, awake_s in ((30.0, 20.0), (300.0, 90.0), (600.0, 400.0), (899.0, 700.0))
]


@pytest.mark.parametrize(("name", "after_s", "awake_s"), SLEEPERS)
async def test_an_endpoint_that_refuses_while_it_wakes_is_cold(
    name: str, after_s: float, awake_s: float, tmp_path: Path
) -> None:
    refusal, refusal_s = REFUSALS[name]
    endpoint = Endpoint(refusal, refusal_s, after_s, awake_s)
    report = await probed(endpoint, plan(), tmp_path / "probes.jsonl")
    cold_gap_s = next(gap_s for gap_s in GAPS if gap_s >= after_s)
    assert report.complete
    assert report.finding.cold_after_s == cold_gap_s
    assert report.finding.warm_up_to_s == (None if cold_gap_s == GAPS[0] else GAPS[0])
    assert "was seen COLD" in verdict_line(report)
    for probe in report.probes:
        if probe.planned_idle_s in GAPS and not probe.error and probe.planned_idle_s >= after_s:
            poll_s = min(LONGEST_POLL_S, max(SHORTEST_POLL_S, POLL_SHARE * awake_s))
            assert probe.ttft_s is not None
            assert awake_s <= probe.ttft_s <= awake_s + poll_s + refusal_s + WARM_TTFT_S
    planned = [probe.planned_idle_s for probe in report.probes]
    assert planned.count(None) == 1


@pytest.mark.parametrize("name", REFUSALS)
async def test_an_endpoint_that_is_always_down_is_never_called_warm(
    name: str, tmp_path: Path
) -> None:
    endpoint = Endpoint(*REFUSALS[name], fails_from=0)
    report = await probed(endpoint, plan(), tmp_path / "probes.jsonl")
    assert verdict_line(report) == "x: nothing is known yet"
    assert report.ended.startswith("no token within 20m: ")


@pytest.mark.parametrize("name", REFUSALS)
async def test_an_endpoint_that_never_wakes_is_told_with_what_was_measured(
    name: str, tmp_path: Path
) -> None:
    endpoint = Endpoint(*REFUSALS[name], asleep_after_s=300.0, awake_after_s=NEVER)
    report = await probed(endpoint, plan(), tmp_path / "probes.jsonl")
    assert report.ended.startswith("no token within 20m after a pause of 15m: ")
    assert "UNSURE so far, after 15m idle it refused" in verdict_line(report)
    assert report.finding.gaps[0].verdict == "warm"
    assert any(report.ended in line for line in cold_probe_lines(report))


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("fails_each", [2, 3, 4, 5])
async def test_an_endpoint_that_fails_now_and_then_is_not_called_cold(
    name: str, fails_each: int, tmp_path: Path
) -> None:
    endpoint = Endpoint(*REFUSALS[name], fails_each=fails_each)
    report = await probed(endpoint, plan(rounds=3), tmp_path / "probes.jsonl")
    assert report.finding.cold_after_s is None


@pytest.mark.parametrize("awake_s", [2.0, 30.0, 1000.0])
async def test_an_endpoint_that_holds_the_request_while_it_wakes_is_cold(
    awake_s: float, tmp_path: Path
) -> None:
    endpoint = Endpoint(asleep_after_s=300.0, awake_after_s=awake_s, holds=True)
    report = await probed(endpoint, plan(), tmp_path / "probes.jsonl")
    assert (report.complete, report.finding.cold_after_s) == (True, 900.0)


async def test_an_endpoint_that_never_sleeps_was_never_seen_cold(tmp_path: Path) -> None:
    report = await probed(Endpoint(), plan(), tmp_path / "probes.jsonl")
    assert verdict_line(report) == "x was never seen cold, after pauses of up to 15m"
    assert len(report.probes) == plan().requests - 1  # no warm request after the last pause


async def test_a_clock_that_is_set_back_gives_no_more_time(tmp_path: Path) -> None:
    endpoint = Endpoint(takes_s=600.0)
    told = run_cold_probe(
        LANE,
        "hi",
        plan(),
        tmp_path / "probes.jsonl",
        ask=endpoint.ask,
        now=lambda: 1000.0 - endpoint.now_s,
        elapsed=endpoint.now,
        sleep=endpoint.sleep,
    )
    facts = [fact async for fact in told]
    assert isinstance(facts[-1], ProbeEnded)
    assert "after the agreed" in facts[-1].reason
    assert endpoint.now_s - 1000.0 <= limits_of(plan()).lasts_s


@pytest.mark.parametrize("fails_from", [0, 3, 7])
async def test_a_key_that_is_no_longer_taken_ends_it(fails_from: int, tmp_path: Path) -> None:
    endpoint = Endpoint(LASTING, fails_from=fails_from)
    report = await probed(endpoint, plan(), tmp_path / "probes.jsonl")
    assert report.ended.startswith("10 requests in a row failed: HTTP 401")
    assert len(report.probes) == fails_from + 10


@pytest.mark.parametrize("cost_usd", ["0.0008", "0.002", "1000"])
async def test_an_endpoint_that_charges_more_ends_at_the_agreed_money(
    cost_usd: str, tmp_path: Path
) -> None:
    report = await probed(Endpoint(cost_usd=cost_usd), plan(), tmp_path / "probes.jsonl")
    assert report.ended.startswith("the next request may cost more than is left of the agreed $")


@pytest.mark.parametrize("takes_s", [600.0, 1190.0])
async def test_an_endpoint_that_is_slow_at_everything_ends_at_the_agreed_time(
    takes_s: float, tmp_path: Path
) -> None:
    report = await probed(Endpoint(takes_s=takes_s), plan(), tmp_path / "probes.jsonl")
    assert "after the agreed" in report.ended
    assert report.finding.cold_after_s is None


@given(
    outcomes=st.lists(
        st.tuples(
            st.sampled_from([None, LASTING, *(text for text, _ in REFUSALS.values())]),
            st.floats(0.01, 2000.0),
            st.sampled_from([None, "0", "0.00001", "0.01"]),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_an_endpoint_does_the_limits_hold(
    outcomes: list[tuple[str | None, float, str | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    endless = _again(outcomes)

    class Erratic(Endpoint):
        def _answer(self) -> tuple[str | None, float]:
            error, takes_s, self.cost_usd = next(endless)
            return error, takes_s

    state = tmp_path_factory.mktemp("erratic") / "probes.jsonl"
    await probed(Erratic(), plan(), state)


def _again(
    outcomes: list[tuple[str | None, float, str | None]],
) -> Iterator[tuple[str | None, float, str | None]]:
    while True:
        yield from outcomes


async def test_the_limits_are_in_the_document_and_the_text(tmp_path: Path) -> None:
    report = await probed(Endpoint(fails_from=0), plan(), tmp_path / "probes.jsonl")
    document = cold_probe_document(report)
    assert document["limits"] == {"requests": 114, "lasts_s": 7920, "usd": "0.00228"}
    assert document["ended"] == report.ended
    assert "limits of one start: 114 requests, 2.2h, $0.00228" in cold_probe_lines(report)
