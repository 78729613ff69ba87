import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.load import (
    LoadLimits,
    LoadStep,
    broken_rates,
    judge,
    keeps,
    next_rate,
    summarise_load,
)
from backends.domain.ab.run import Run
from backends.domain.reports.load import LoadReport, ended_text, load_finding, step_finding

LIMITS = LoadLimits(ttft_s=0.5, itl_s=0.05)
GOOD = Run("a", 0, ttft_s=0.2, itl_s=(0.02, 0.03), e2e_s=0.25, output_tokens=3)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"ttft_s": 0.6}, False),
        ({"planned_to_sent_s": 0.4}, False),
        ({"itl_s": (0.02, 0.1)}, False),
        ({"itl_s": ()}, True),
        ({"error": "cut"}, False),
        ({"ttft_s": None}, False),
    ],
)
def test_which_requests_keep_the_limits(change: dict[str, object], kept: bool) -> None:
    assert keeps(replace(GOOD, **change), LIMITS) is kept  # type: ignore[arg-type]


def test_a_step_by_its_figures() -> None:
    runs = [GOOD] * 150 + [replace(GOOD, ttft_s=0.9)]
    step = judge(10.0, runs, 15.0, LIMITS, concurrency=4)
    assert step.broke == ""
    assert step.goodput_rps == pytest.approx(10)
    assert step.output_tokens_per_s == pytest.approx(151 * 3 / 15)
    assert step.ttft_s is not None
    assert step.ttft_s.max == 0.9


def test_why_a_step_broke() -> None:
    runs = [GOOD] * 50 + [replace(GOOD, ttft_s=0.9)] * 2 + [Run("a", 0, error="HTTP 503")] * 3
    step = judge(10.0, runs, 5.0, LIMITS, concurrency=4)
    assert step.broke == "2 of 55 requests missed a limit and 3 of 55 requests failed"
    assert step.errors == 3


def test_a_step_without_requests_is_no_proof() -> None:
    step = judge(0.1, [], 5.0, LIMITS, concurrency=0)
    assert step.kept_share is None
    assert step.ttft_s is None
    assert (step.outcome, step.broke) == ("unknown", "")
    assert "unknown" in step_finding(step)
    assert summarise_load([step], "over", None).best is None


def step(rate: float, broke: str = "", **more: object) -> LoadStep:
    runs = [GOOD] * 10
    return replace(judge(rate, runs, 1.0, LIMITS, concurrency=1, broke=broke), **more)  # type: ignore[arg-type]


def missed(rate: float, misses: int, requests: int) -> LoadStep:
    late = replace(GOOD, ttft_s=2.0)
    runs = [late] * misses + [GOOD] * (requests - misses)
    return judge(rate, runs, 20.0, LIMITS, concurrency=1)


NOTHING = judge(0.1, [], 5.0, LIMITS, concurrency=0)
"""A rate so low that no request came in its time."""


@pytest.mark.parametrize(
    ("steps", "rate"),
    [
        ([], 1.0),
        ([step(1)], 2.0),
        ([step(1), step(2), step(4, "x")], 3.0),
        ([step(1), step(2), step(4, "x"), step(3)], 3.5),
        ([step(1), step(2), step(4, "x"), step(3, "x")], 2.5),
        ([step(1), step(2), step(4, "x"), step(3), step(3.5), step(3.75)], None),
        ([step(1, "x")], 0.5),
        ([NOTHING], 0.2),
        ([NOTHING, step(0.2, "x")], 0.1),
        ([step(1), missed(2, 1, 27)], 2),
        ([step(1), missed(2, 1, 27), step(2)], 4.0),
        ([step(1), missed(2, 1, 27), missed(2, 1, 27)], 1.5),
        ([step(1), missed(2, 1, 27), replace(NOTHING, planned_rps=2)], 1.5),
        ([step(1), missed(2, 4, 12)], 1.5),
    ],
)
def test_the_rate_doubles_and_then_halves_the_gap(
    steps: list[LoadStep], rate: float | None
) -> None:
    assert next_rate(steps, 1.0, 2.0) == rate


@given(st.floats(0.3, 500), st.floats(1.1, 3))
def test_the_search_ends_below_the_capacity_and_near_it(capacity: float, growth: float) -> None:
    steps: list[LoadStep] = []
    while (rate := next_rate(steps, 1.0, growth)) is not None:
        steps.append(step(rate, "x" if rate > capacity else ""))
        assert len(steps) < 100
    found = summarise_load(steps, "the limit is found", None)
    assert found.bounded
    if capacity >= 1.0:
        assert found.best is not None
        assert found.best.planned_rps <= capacity
        assert found.best.planned_rps >= capacity / (1 + (growth - 1) / 8) * 0.99


def test_one_late_request_among_few_breaks_no_rate_that_the_server_carries() -> None:
    chance, found = random.Random(20261130), list[float]()
    for _ in range(200):
        steps: list[LoadStep] = []
        while (rate := next_rate(steps, 1.0, 1.5)) is not None:
            requests = round(20 * rate)
            late = sum(chance.random() < (0.002 if rate <= 15 else 0.5) for _ in range(requests))
            steps.append(missed(rate, late, requests))
        best = summarise_load(steps, "the limit is found", None).best
        found.append(best.planned_rps if best else 0.0)
    assert sum(rate < 15 / 1.5 for rate in found) <= 0.05 * len(found)
    assert max(found) <= 15


def test_a_rate_that_broke_once_and_was_kept_then_is_carried() -> None:
    steps = [step(1), missed(2, 1, 27), step(2), step(4, "x")]
    found = summarise_load(steps, "over", None)
    assert (found.best and found.best.planned_rps, found.bounded) == (2, True)
    assert broken_rates(steps) == [4]
    once = summarise_load(steps[:2], "60 s have passed", None)
    assert (once.best and once.best.planned_rps, once.bounded) == (1, True)


def test_what_the_client_broke_is_no_capacity() -> None:
    limited = step(8, "x", client_limited=True)
    found = summarise_load([limited, step(2), step(4)], "over", None)
    assert found.best is not None
    assert found.best.planned_rps == 4
    assert not found.bounded
    assert [one.planned_rps for one in found.steps] == [2, 4, 8]


def test_a_rate_above_one_that_broke_is_never_the_best() -> None:
    found = summarise_load([step(1), step(2, "x"), step(4)], "over", None)
    assert found.best is not None
    assert found.best.planned_rps == 1


def test_a_step_tells_how_long_its_requests_were() -> None:
    runs = [replace(GOOD, input_tokens=size, output_tokens=30) for size in (90, 100, 400)]
    found = judge(10.0, [*runs, Run("a", 0, error="cut")], 5.0, LIMITS, concurrency=1)
    assert (found.input_tokens, found.output_tokens) == (100, 30)
    assert judge(10.0, [GOOD], 5.0, LIMITS, concurrency=1).input_tokens is None


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (10, "; 10 of 10 requests kept the limits there, which shows that 74.1% of all do"),
        (299, "; 299 of 299 requests kept the limits there"),
    ],
)
def test_how_sure_a_capacity_is(runs: int, said: str) -> None:
    step = judge(10.0, [GOOD] * runs, 15.0, LIMITS, concurrency=4)
    ended = summarise_load([step], "enough", "0.5", cut_unpriced=2)
    finding = load_finding(LoadReport("x", "chat", "m", 0.0, 8, "", 0.5, None, ended))
    assert said in finding
    assert ("95 % sure" in finding) is (runs < 299)


@pytest.mark.parametrize(("runs", "told"), [(8, True), (17, False), (20, False), (30, False)])
def test_a_rate_that_hardly_came_is_told_with_what_did(runs: int, *, told: bool) -> None:
    step = judge(4.0, [GOOD] * runs, 5.0, LIMITS, concurrency=4)
    ended = summarise_load([step], "enough", None)
    finding = load_finding(LoadReport("x", "chat", "m", 0.0, 8, "", 0.5, None, ended))
    assert ("only 1.6 req/s came" in finding) is told
    assert ("by chance" in finding) is told


def test_what_was_cut_off_is_not_forgotten_in_the_cost() -> None:
    ended = summarise_load([], "60 s have passed", "0.5", cut_unpriced=2)
    told = ended_text(LoadReport("x", "chat", "m", 0.0, 8, "", 0.5, None, ended))
    assert told.endswith("spent $0.50 and what 2 requests cost that were cut off")
