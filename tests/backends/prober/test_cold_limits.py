"""The cold-start probe on a made-up clock, against every kind of endpoint: it ends, and right."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.domain.ab.cold import ProbeEnded, limits_of
from backends.domain.reports.cold_probe import cold_probe_document, cold_probe_lines, verdict_line
from backends.prober.cold_probe import LONGEST_POLL_S, POLL_SHARE, SHORTEST_POLL_S, run_cold_probe
from tests.backends.prober.cold_endpoints import (
    GAPS,
    LASTING,
    NEVER,
    REFUSALS,
    TARGET,
    WARM_TTFT_S,
    Endpoint,
    plan,
    probed,
)
from tests.backends.prober.probe_table import KINDS, measured

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
    assert verdict_line(report) == "x: no data yet"
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
    assert verdict_line(report) == "x: no cold start observed, after pauses of up to 15m"
    assert len(report.probes) == plan().requests - 1  # no warm request after the last pause


async def test_a_clock_that_is_set_back_gives_no_more_time(tmp_path: Path) -> None:
    endpoint = Endpoint(takes_s=600.0)
    told = run_cold_probe(
        TARGET,
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


@pytest.mark.parametrize("name", KINDS)
async def test_every_kind_of_endpoint_gets_its_right_answer_within_its_bounds(
    name: str, tmp_path: Path
) -> None:
    row = await measured(name, tmp_path / "probes.jsonl")
    assert row.right, row
    assert len(KINDS) >= 50
