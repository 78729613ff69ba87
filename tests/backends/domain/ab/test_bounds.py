"""The last value on one side of each limit of an A/B's rules, and the first on the other."""

from dataclasses import replace
from decimal import Decimal
from math import comb

import pytest

from backends.domain.ab.answers import endpoint_remarks
from backends.domain.ab.cold import (
    ColdProbe,
    ColdProbePlan,
    find_cold,
    limits_of,
    missing_warm,
    prevention,
)
from backends.domain.ab.comparability import comparability
from backends.domain.ab.deltas import read_choice
from backends.domain.ab.errors import error_message, named_fields
from backends.domain.ab.facts import RunBegan, SeriesBegan, TextArrived
from backends.domain.ab.fairness import Alike, alike, alike_text, compared_as
from backends.domain.ab.live import ab_after
from backends.domain.ab.load import (
    LoadLimits,
    LoadStep,
    judge,
    judged_again,
    keeps,
    next_rate,
    summarise_load,
)
from backends.domain.ab.provider_cost import provider_cost
from backends.domain.ab.run import Run
from backends.domain.ab.series import AbSeries
from backends.domain.ab.server_times import ServerTimes, server_times
from backends.domain.ab.sse import EventTooLong, SseParser
from backends.domain.ab.statistics import hodges_lehmann, mann_whitney_p, more_runs_to_settle
from backends.domain.prices.cost import NO_PRICES
from tests.backends.domain.journals import at

LIMITS = LoadLimits(ttft_s=0.5, itl_s=0.05)
GOOD = Run("a", 0, ttft_s=0.5, itl_s=(0.05,), input_tokens=100, output_tokens=50)
PLAN = ColdProbePlan((60.0, 900.0), rounds=3, warm=5)
BEGAN = SeriesBegan(
    at(10), "s", (("a", "one"), ("b", "other")), 4, ("m",), temperature=0.0, efforts=("low",)
)


def nested(inside: object, name: str, depth: int) -> object:
    for _ in range(depth):
        inside = {name: inside}
    return inside


# load


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"ttft_s": 0.501}, False),
        ({"ttft_s": 0.25, "planned_to_sent_s": 0.25}, True),
        ({"itl_s": (0.0501,)}, False),
    ],
)
def test_a_request_at_its_limits_keeps_them(change: dict[str, object], kept: bool) -> None:
    assert keeps(replace(GOOD, **change), LIMITS) is kept  # type: ignore[arg-type]


@pytest.mark.parametrize(("late", "broke"), [(1, ""), (2, "2 of 100 requests missed a limit")])
def test_a_step_keeps_where_99_of_100_do(late: int, broke: str) -> None:
    runs = [*[GOOD] * (100 - late), *[replace(GOOD, ttft_s=0.6)] * late]
    assert judge(10.0, runs, 10.0, LIMITS, concurrency=1).broke == broke


@pytest.mark.parametrize(
    ("percent", "limited"), [(None, False), (80.0, False), (80.1, True), (100.0, True)]
)
def test_a_client_is_limited_above_four_fifths_of_a_core(
    percent: float | None, *, limited: bool
) -> None:
    step = judge(10.0, [GOOD] * 10, 1.0, LIMITS, concurrency=1)
    again = judged_again(replace(step, client_cpu_percent=percent), LIMITS)
    assert again is not None
    assert again.client_limited is limited


def step(rate: float, broke: str = "") -> LoadStep:
    return judge(rate, [GOOD] * 10, 1.0, LIMITS, concurrency=1, broke=broke)


def test_a_rate_that_broke_once_and_was_kept_when_tried_again_is_carried() -> None:
    steps = [step(1), step(2), step(4, "x"), step(4)]
    assert next_rate(steps, 1.0, 2.0) == 8
    best = summarise_load(steps, "over", None).best
    assert best is not None
    assert best.planned_rps == 4


# cold starts


def probes(
    planned_s: float | None, *ttft_s: float, waited_s: float = 0.0, error: str | None = None
) -> list[ColdProbe]:
    return [ColdProbe(planned_s, planned_s, 1.0, each, error, waited_s=waited_s) for each in ttft_s]


@pytest.mark.parametrize(("slow_s", "slow"), [(0.8, 0), (0.81, 2)])
def test_a_first_token_of_twice_the_usual_time_is_not_slow(slow_s: float, slow: int) -> None:
    found = find_cold([*probes(0, *[0.4] * 5), *probes(60, slow_s, slow_s)], PLAN)
    assert found.slow_above_s == 0.8
    assert found.gaps[0].slow == slow


@pytest.mark.parametrize(("quick", "verdict"), [(2, "cold"), (3, "unsure")])
def test_half_of_the_first_tokens_after_a_pause_prove_a_cold_start(
    quick: int, verdict: str
) -> None:
    after = [9.0, 9.0, *[0.4] * quick]
    found = find_cold([*probes(0, *[0.4] * 5), *probes(60, *after)], PLAN)
    assert found.gaps[0].verdict == verdict


@pytest.mark.parametrize(("failed", "of", "verdict"), [(1, 10, "cold"), (1, 9, "unsure")])
def test_a_wait_proves_nothing_of_an_endpoint_that_fails_while_warm_more_than_once_in_ten(
    failed: int, of: int, verdict: str
) -> None:
    warm = [*probes(0, *[0.4] * (of - failed)), *probes(0, *[0.4] * failed, error="cut")]
    found = find_cold([*warm, *probes(60, 9.0, 9.0, waited_s=8.0)], PLAN)
    assert found.gaps[0].verdict == verdict


def test_a_warm_request_is_due_until_there_is_one_after_every_pause() -> None:
    seen = [*probes(0, *[0.4] * 5), *probes(60, 0.4)]
    assert missing_warm(seen, PLAN)
    assert not missing_warm([*seen, *probes(0, 0.4)], PLAN)


def test_what_a_plan_is_limited_to_follows_from_its_pauses() -> None:
    found = limits_of(PLAN, Decimal("0.01"))
    # one first request, five warm ones and two for each of six pauses; 20 refusals a waking
    assert (PLAN.requests, PLAN.lasts_s) == (18, 2880.0)
    assert found.requests == 18 + 20 * 7
    assert found.lasts_s == 2880 + 1200 * 7
    assert found.usd == Decimal("1.58")


@pytest.mark.parametrize(("every_s", "a_day"), [(60.0, 1440), (50_000.0, 2), (7.0, 12_343)])
def test_a_warm_up_is_sent_as_often_as_fills_the_day(every_s: float, a_day: int) -> None:
    plan = ColdProbePlan((every_s, 2 * every_s), rounds=2, warm=5)
    seen = [
        *probes(0, *[0.4] * 5),
        *probes(every_s, 0.4, 0.4),
        *probes(2 * every_s, 9.0, 9.0),
    ]
    found = prevention(find_cold(seen, plan), seen, NO_PRICES)
    assert found is not None
    assert (found.every_s, found.requests_per_day) == (every_s, a_day)


# whether two targets may be compared, and who answered


@pytest.mark.parametrize(
    ("change", "apart"),
    [
        ({"input_tokens": 98}, False),
        ({"input_tokens": 97}, True),
        ({"output_tokens": 45}, False),
        ({"output_tokens": 44}, True),
        ({"cached_tokens": 10}, False),
        ({"cached_tokens": 11}, True),
    ],
)
def test_how_far_the_work_of_two_targets_may_differ(
    change: dict[str, object], *, apart: bool
) -> None:
    other = replace(GOOD, target="b", **change)  # type: ignore[arg-type]
    assert bool(comparability([GOOD], [other])) is apart
    assert bool(comparability([replace(other, target="a")], [replace(GOOD, target="b")])) is apart


@pytest.mark.parametrize(("pairs", "found"), [(2, None), (3, Alike(3, 3))])
def test_three_pairs_of_answers_tell_whether_they_begin_alike(
    pairs: int, found: Alike | None
) -> None:
    runs = [Run(name, place, text="Once") for name in ("a", "b") for place in range(pairs)]
    assert alike(AbSeries(BEGAN, tuple(runs)), "a", "b") == found


@pytest.mark.parametrize(("same", "said"), [(2, "as those of the same model do"), (1, "another")])
def test_half_of_the_answers_alike_are_those_of_the_same_model(same: int, said: str) -> None:
    assert said in alike_text(Alike(4, same), "a", "b")


def test_a_target_of_which_neither_model_nor_effort_was_asked_has_none() -> None:
    found = compared_as(AbSeries(BEGAN), "b")
    assert (found.model, found.effort) == ("", None)
    assert compared_as(AbSeries(BEGAN), "a").effort == "low"


@pytest.mark.parametrize(("times", "again"), [(1, "request;"), (3, "request and 2 times again;")])
def test_how_often_an_endpoint_was_cold_is_said_from_the_second_time_on(
    times: int, again: str
) -> None:
    (said,) = endpoint_remarks("b", [replace(GOOD, cold_s=63.0)] * times, [])
    assert f"63 s after the first {again}" in said


# what a reply says of its cost, times and errors


@pytest.mark.parametrize(
    ("part", "usd"),
    [
        ({"currency": "USD", "cost": 0.01}, "0.01"),
        ({"currency": "EUR", "cost": 0.01}, None),
        ({"cost": 0}, "0"),
        ({"cost": -0.01}, None),
        ({"cost": 1000}, "1000"),
        ({"cost": 1000.01}, None),
        ({"cost": f"0.5{'0' * 37}"}, "0.5"),
        ({"cost": f"0.5{'0' * 38}"}, None),
        (nested({"cost": 1}, "usage", 4), "1"),
        (nested({"cost": 1}, "usage", 5), None),
    ],
)
def test_which_amounts_are_what_a_request_cost(part: object, usd: str | None) -> None:
    assert provider_cost(part) == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("part", "times"),
    [
        ({"eval_duration": 2_000_000_000}, ServerTimes(completion_s=2.0)),
        ({"first_token": 0.25}, ServerTimes(ttft_s=0.25)),
        ({"firstByteLatency": 250}, ServerTimes(ttft_s=0.25)),
        ({"queue_time": 0}, ServerTimes(queue_s=0.0)),
        ({"queue_time": 999_999}, ServerTimes(queue_s=999_999.0)),
        ({"queue_time": 1_000_000}, None),
        (nested({"queue_time": 1}, "usage", 4), ServerTimes(queue_s=1.0)),
        (nested({"queue_time": 1}, "usage", 5), None),
    ],
)
def test_which_times_a_server_may_report(part: object, times: ServerTimes | None) -> None:
    assert server_times(part) == times


@pytest.mark.parametrize(("code", "is_error"), [(400, True), (399, False)])
def test_a_code_is_an_error_from_four_hundred_on(code: int, *, is_error: bool) -> None:
    assert (error_message({"status": code}) is not None) is is_error


def test_a_refused_field_is_looked_for_within_six_levels() -> None:
    assert list(named_fields(nested({"param": "seed"}, "error", 6))) == ["seed"]
    assert list(named_fields(nested({"param": "seed"}, "error", 7))) == []


@pytest.mark.parametrize(("levels", "text"), [(5, "Hi"), (6, "")])
def test_a_text_is_looked_for_within_five_levels(levels: int, text: str) -> None:
    content: object = [{"text": "Hi"}]
    for _ in range(levels - 1):
        content = [content]
    assert read_choice({"delta": {"content": content}}).content == text


# bounds of what is kept


def test_an_event_of_the_longest_size_is_read_and_one_byte_more_refused() -> None:
    parser = SseParser()
    assert parser.feed(b"data: " + b"x" * (4 * 2**20 - 6)) == []
    with pytest.raises(EventTooLong):
        parser.feed(b"x")


def test_a_piece_that_fills_the_room_leaves_none_for_the_one_before() -> None:
    facts = (
        replace(BEGAN, models=("m", "m")),
        RunBegan(at(11), "a", 0),
        TextArrived(at(12), "a", "thought", True, None),
        TextArrived(at(13), "a", "x" * 4000, False, None),
    )
    ab = None
    for fact in facts:
        ab = ab_after(ab, fact)
    assert ab is not None
    assert [piece.text for piece in ab.targets[0].pieces] == ["x" * 4000]


# statistics


def test_thirty_values_a_side_are_compared_exactly_and_thirty_one_by_the_normal() -> None:
    def apart(n: int) -> float:
        return mann_whitney_p([float(i) for i in range(n)], [100.0 + i for i in range(n)])

    # All of one side below all of the other: two of all the orders.
    assert apart(30) == pytest.approx(2 / comb(60, 30), rel=1e-9)
    assert apart(31) > 1000 * 2 / comb(62, 31)


def test_the_interval_of_thirty_values_a_side_begins_behind_the_tabled_critical_value() -> None:
    """Tables of the Mann-Whitney test reject at U of 317 and below for 30 and 30 values at 5 %."""
    found = hodges_lehmann([-30.0 * i for i in range(30)], [float(i) for i in range(30)])
    assert found == (449.5, (317.0, 582.0))  # the differences are 0, 1, ... 899


def test_the_interval_of_thirty_one_values_a_side_is_that_of_the_normal() -> None:
    found = hodges_lehmann([-31.0 * i for i in range(31)], [float(i) for i in range(31)])
    # 480.5 - 0.5 - 1.95996 times the root of 31 * 31 * 63 / 12 is 340.8
    assert found == (480.0, (340.0, 620.0))


@pytest.mark.parametrize(("runs", "more"), [(100, 9_900), (101, None)])
def test_no_more_than_ten_thousand_runs_are_asked_for(runs: int, more: int | None) -> None:
    assert more_runs_to_settle(1.0, 10.0, runs) == more
