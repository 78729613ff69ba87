"""The traffic of a decision, read from a server's counters."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp
from backends.domain.traffic.demand import (
    NOTHING,
    cached_share_of,
    demand_between,
    hour_of,
    spread_over_hours,
)
from backends.domain.traffic.shape import HourlyProfile
from backends.domain.traffic.totals import TokenTotals

EDGES = (100.0, 1000.0, float("inf"))
EVERY_HOUR = HourlyProfile((7.0,) * 24, (3600.0,) * 24)


def counted(n: float, tokens: float) -> Histogram:
    return Histogram(EDGES, (n, n, n), n * tokens)


def reading(
    at_s: float, requests: float, cached: float | None = None, finished: float | None = None
) -> MetricsScraped:
    counters = Counters(
        process_start_s=1.0,
        prompt_tokens=requests * 80,
        cached_prompt_tokens=cached,
        requests_finished=requests if finished is None else finished,
        request_input_tokens=counted(requests, 80),
        request_output_tokens=counted(requests, 20),
    )
    return MetricsScraped(Stamp(at_s, at_s), counters)


def test_what_was_served_between_the_first_and_the_last_reading() -> None:
    found = demand_between([reading(0, 10), reading(50, 30), reading(100, 50)], EVERY_HOUR)
    seen = (found.seen.n, found.seen.input_tokens_mean, found.seen.window_s)
    assert seen == (Decimal(40), Decimal(80), Decimal(100))
    assert found.source == "the server's counters over the last 100 s"
    assert found.profile == EVERY_HOUR
    assert found.seen.dispersion == 1


def test_the_readings_between_tell_how_unevenly_requests_came() -> None:
    bursts = [reading(0, 10), reading(50, 10), reading(100, 50)]
    dispersion = demand_between(bursts, EVERY_HOUR).seen.dispersion
    assert dispersion is not None
    assert dispersion > 10
    assert demand_between([bursts[0], bursts[2]], EVERY_HOUR).seen.dispersion == 1


@pytest.mark.parametrize(
    "readings",
    [[], [reading(0, 10)], [reading(0, 10), reading(100, 10)]],
    ids=["no", "one", "same"],
)
def test_without_a_request_between_two_readings_nothing_is_known(
    readings: list[MetricsScraped],
) -> None:
    assert demand_between(readings, EVERY_HOUR) == NOTHING
    assert NOTHING.seen.n == 0


@pytest.mark.parametrize(
    ("cached", "share"),
    [((0.0, 800.0), "0.25"), ((0.0, None), None), ((None, 800.0), None), ((0.0, 0.0), "0")],
)
def test_the_share_of_the_input_that_came_from_the_cache(
    cached: tuple[float | None, float | None], share: str | None
) -> None:
    found = demand_between([reading(0, 10, cached[0]), reading(100, 50, cached[1])], EVERY_HOUR)
    assert found.cached_input_share == (None if share is None else Decimal(share))


@pytest.mark.parametrize(
    ("whole", "cached", "share"),
    [
        (None, 5.0, None),
        (0.0, 5.0, None),
        (10.0, None, None),
        (10.0, 4.0, "0.4"),
        (10.0, 12.0, "1"),
        (10.0, -1.0, "0"),
    ],
)
def test_a_share_is_between_none_and_all_and_unknown_where_not_counted(
    whole: float | None, cached: float | None, share: str | None
) -> None:
    found = cached_share_of(TokenTotals(input_tokens=whole, cached_input_tokens=cached))
    assert found == (None if share is None else Decimal(share))


def test_watched_time_without_a_request_goes_to_the_hours_it_lay_in() -> None:
    begin_s = 1_700_000_000 // 86400 * 86400 + 22.5 * 3600
    profile = spread_over_hours(EVERY_HOUR, begin_s, begin_s + 2 * 3600)
    assert hour_of(begin_s) == 22
    assert profile.seconds[22:] == (5400.0, 7200.0)
    assert profile.seconds[:2] == (5400.0, 3600.0)
    assert profile.requests == EVERY_HOUR.requests
    assert spread_over_hours(EVERY_HOUR, begin_s, begin_s) == EVERY_HOUR


@given(st.integers(0, 2_000_000_000), st.integers(0, 300_000))
def test_no_watched_second_is_lost(begin_s: int, lasts_s: int) -> None:
    profile = spread_over_hours(HourlyProfile(), begin_s, begin_s + lasts_s)
    assert sum(profile.seconds) == pytest.approx(lasts_s)
    assert sum(profile.requests) == 0
