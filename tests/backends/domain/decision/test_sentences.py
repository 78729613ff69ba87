"""What is said of a decision, at the figure from which each sentence is another one."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.decision.break_even import Crossover
from backends.domain.decision.flip import Flip
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind, NowVerdict
from backends.domain.decision.scenario import Scenario, scenario_from
from backends.domain.decision.uncertainty import Band
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import (
    assumptions,
    break_even_sentence,
    horizon_sentence,
    now_reason,
    price_flip_sentence,
    reason,
    traffic_sentences,
)
from backends.domain.decision.wording.measured import _within
from backends.domain.reports.sleep import Asleep as Sleeping
from backends.domain.serving import Bucket
from backends.domain.traffic.demand import Demand, Horizon
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.shape import HourlyProfile

EVEN: dict[str, Any] = {"gpu_usd_per_hour": "3.6", "usd_per_request": "0.001"}
DAY_S = 86_400.0


def world(**more: Any) -> Scenario:
    return scenario_from({**EVEN, **more})


def said(words: str, **more: Any) -> list[str]:
    """The assumptions of a world that have these words in them."""
    return [each for each in assumptions(world(**more)) if words in each]


@pytest.mark.parametrize(
    ("words", "more", "sentences"),
    [
        ("binds", {"gpu_usd_per_month": 9, "commit_months": 6, "needed_months": 6}, []),
        (
            "binds",
            {"gpu_usd_per_month": 9, "commit_months": 7, "needed_months": 6},
            ["It binds for 7 months and is needed for 6."],
        ),
        (
            "carries",
            {"capacity_rps": 2, "input_tokens": 5, "output_tokens": 0},
            [
                "One GPU carries 2 req/s of these requests, as measured within the latency limit.",
            ],
        ),
        (
            "carries",
            {"capacity_rps": 2, "input_tokens": 5, "output_tokens": 3},
            [
                (
                    "One GPU carries 2 req/s of these requests, 6 output tokens/s, as measured"
                    " within the latency limit."
                )
            ],
        ),
        ("hourly rates,", {"profile_rps": [2] * 24}, ["24 hourly rates, all of 2 req/s."]),
        (
            "hourly rates,",
            {"profile_rps": [1] * 12 + [2] * 12},
            ["24 hourly rates, from 1 to 2 req/s."],
        ),
        ("batches", {"batch_multiplier": 1}, []),
        (
            "batches",
            {"batch_multiplier": "0.5", "batch_share": "0.25"},
            ["API token prices times 0.5 for the 25 % that may wait for batches."],
        ),
        ("Within an hour", {}, []),
        (
            "GPUs at most",
            {"capacity_rps": 1, "max_replicas": 3},
            ["There are 3 GPUs at most."],
        ),
    ],
)
def test_what_is_assumed(words: str, more: dict[str, Any], sentences: list[str]) -> None:
    assert said(words, **{"rate_rps": 1, **more}) == sentences


def test_two_sources_are_said_where_they_differ_and_bursts_where_they_were_measured() -> None:
    asked = world(rate_rps=1)
    apart = replace(asked, api_price_range=(Decimal("0.5"), Decimal(2)))
    assert not any("A request costs between" in each for each in assumptions(asked))
    assert any("A request costs between $0.0005 and $0.002" in each for each in assumptions(apart))
    halves = ((Decimal("0.5"), Decimal("1.5")), (Decimal("0.5"), Decimal("0.5")))
    rising = [each for each in assumptions(replace(asked, bursts=halves)) if "rises" in each]
    assert rising == [
        "Within an hour the rate rises to 1.5 times its mean; capacity must hold that."
    ]


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [("24", "24 busy hours a day"), ("24.1", "not reachable within 24 h/day")],
)
def test_a_day_has_no_more_than_24_hours(hours: str, sentence: str) -> None:
    assert break_even_sentence(Crossover(hours_per_day=Decimal(hours))) == sentence


def test_break_even_in_every_unit_and_with_its_interval_where_that_is_one() -> None:
    found = Crossover(
        Decimal("3.22"),
        Band(Decimal(3), Decimal("3.22"), Decimal("3.5")),
        Decimal("0.129"),
        Decimal(708),
    )
    assert break_even_sentence(found) == (
        "3.22 req/s (3 to 3.5), 708 output tokens/s, 12.9 % utilisation"
    )
    alike = replace(found, interval=Band(Decimal("3.2201"), Decimal("3.22"), Decimal("3.2202")))
    assert break_even_sentence(alike).startswith("3.22 req/s, 708")
    assert break_even_sentence(Crossover()) == ""


@pytest.mark.parametrize(
    ("value", "now", "sentence"),
    [
        ("2", "1", "above $2.00 an hour for a GPU on demand the API wins; now $1.00"),
        ("1", "2", "below $1.00 an hour for a GPU on demand the API wins; now $2.00"),
        ("1", "1", "below $1.00 an hour for a GPU on demand the API wins; now $1.00"),
        ("1", None, "below $1.00 an hour for a GPU on demand the API wins"),
    ],
)
def test_on_which_side_of_a_price_the_verdict_changes(
    value: str, now: str | None, sentence: str
) -> None:
    flip = Flip(
        "gpu_usd_per_hour",
        Decimal(value),
        None if now is None else Decimal(now),
        VerdictKind.API_CHEAPER,
    )
    assert price_flip_sentence(flip) == sentence


@pytest.mark.parametrize(
    ("seen_s", "words"),
    [
        (7 * DAY_S - 1, "a weekly plan needs 7 days of traffic."),
        (7 * DAY_S, "needs 7 days that cover every hour"),
    ],
)
def test_seven_days_are_a_week_where_each_of_its_hours_was_seen(seen_s: float, words: str) -> None:
    assert words in horizon_sentence(Horizon(seen_s))
    assert horizon_sentence(Horizon(seen_s, week=True)) == (
        "Valid for the coming week, projected from 7 days of traffic."
    )


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (29, "is dated 2 days in the future"),
        (27, None),
        (28, None),
    ],
)
def test_a_price_of_a_day_to_come_is_said_to_be_one(day: int, words: str | None) -> None:
    asked = replace(
        world(rate_rps=2, capacity_rps=5),
        gpu_price_as_of=date(2026, 11, day),
        today=date(2026, 11, 27),
    )
    text = reason(decide(asked))
    assert ("in the future" in text) is (words is not None)
    assert words is None or words in text


def demand(**more: Any) -> Demand:
    return Demand(Observed(Decimal(9)), "a file", **more)


@pytest.mark.parametrize(
    ("traffic", "sentences"),
    [
        (demand(), ["The rate is taken as even over the day."]),
        (demand(replicas=1), ["The rate is taken as even over the day."]),
        (
            demand(replicas=2),
            [
                "It was served by 2 replicas; the rate is theirs together.",
                "The rate is taken as even over the day.",
            ],
        ),
        (
            demand(week_rps=(Decimal(1),), trend_per_day=0.02),
            [
                (
                    "The rate follows the hours (UTC) of a working day and of a weekend; older"
                    " weeks count less."
                ),
                "It grows by 2 % a day, and is taken for the middle of next week.",
            ],
        ),
        (
            demand(week_rps=(Decimal(1),), trend_per_day=-0.02),
            [
                (
                    "The rate follows the hours (UTC) of a working day and of a weekend; older"
                    " weeks count less."
                ),
                "It falls by 2 % a day, and is taken for the middle of next week.",
            ],
        ),
        (
            demand(profile=HourlyProfile(seconds=(1800.0,) * 24)),
            ["The rate follows the hours of the day (UTC), learnt over 12 watched hours."],
        ),
        (
            demand(profile=HourlyProfile(seconds=(1800.0,) * 23 + (1799.0,))),
            ["The rate is taken as even over the day."],
        ),
    ],
)
def test_which_traffic_a_plan_is_made_on(traffic: Demand, sentences: list[str]) -> None:
    assert list(traffic_sentences(traffic)) == ["Traffic: a file.", *sentences]


@pytest.mark.parametrize(
    ("bucket", "words"),
    [
        (Bucket(0.0, 0.5), "is at most 0.5 s"),
        (Bucket(0.25, 0.5), "is between 0.25 and 0.5 s"),
        (Bucket(80.0, None), "is above 80 s"),
    ],
)
def test_within_which_edges_a_percentile_lies(bucket: Bucket, words: str) -> None:
    assert _within(bucket) == words


@pytest.mark.parametrize(
    ("freed", "words"), [(0, "it freed no memory"), (1 << 30, "1.0 GiB are free")]
)
def test_what_a_sleep_freed(freed: int, words: str) -> None:
    now = NowVerdict(NowKind.SEND_TO_API, Sleeping(freed, None), None, None, None)
    assert words in now_reason(now)
