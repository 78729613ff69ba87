from bisect import bisect_left
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Bucket, Counters, Histogram, Latency
from backends.domain.stamp import Stamp
from backends.domain.traffic.rates import (
    RESTARTED,
    ROUNDING,
    bucket,
    grown_histogram,
    latency,
    serving_at,
    serving_between,
)
from backends.domain.traffic.shape import HourlyProfile, learn, profile_rps
from backends.domain.traffic.totals import TokenTotals, add_reading
from backends.domain.traffic.windows import Windows, open_window

INF = float("inf")
EDGES = (0.1, 0.25, 0.5, 1.0, INF)


def scraped(at_s: float, **values: object) -> MetricsScraped:
    return MetricsScraped(Stamp(at_s, 1.7e9 + at_s), Counters(**values))  # type: ignore[arg-type]


def counted(*values: float) -> Histogram:
    counts = [0] * len(EDGES)
    for value in values:
        counts[bisect_left(EDGES, value)] += 1
    return Histogram(EDGES, tuple(map(float, accumulate(counts))), sum(values))


def test_rates_come_from_two_readings() -> None:
    serving = serving_between(
        scraped(10, requests_finished=100, prompt_tokens=8000, generation_tokens=22000),
        scraped(
            20,
            requests_finished=130,
            prompt_tokens=10400,
            generation_tokens=28600,
            requests_running=4.0,
            kv_cache_usage=0.25,
        ),
    )
    assert serving.window_s == 10
    assert serving.requests_per_s == 3
    assert serving.input_tokens_per_s == 240
    assert serving.output_tokens_per_s == 660
    assert (serving.requests_running, serving.kv_cache_usage) == (4, 0.25)
    assert serving.reason == ""


def test_one_reading_has_no_rate() -> None:
    serving = serving_at(scraped(10, requests_finished=100, requests_running=2.0))
    assert (serving.window_s, serving.requests_per_s) == (None, None)
    assert serving.requests_running == 2


def test_a_missing_series_is_unknown() -> None:
    serving = serving_between(scraped(10), scraped(20, requests_finished=3))
    assert serving.requests_per_s is None
    assert serving.prefix_cache_hit_share is None
    assert serving.ttft == Latency()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"process_start_s": 1.0, "requests_finished": 100},
            {"process_start_s": 90.0, "requests_finished": 130},
        ),
        ({"requests_finished": 100}, {"requests_finished": 3}),
        (
            {"process_start_s": 1.0, "generation_tokens": 9},
            {"process_start_s": 1.0, "generation_tokens": 2},
        ),
    ],
)
def test_counters_that_began_anew_give_no_rate(
    old: dict[str, float], new: dict[str, float]
) -> None:
    serving = serving_between(scraped(10, **old), scraped(20, **new))
    assert (serving.window_s, serving.requests_per_s) == (None, None)
    assert serving.reason == RESTARTED


def test_readings_out_of_order_give_no_rate() -> None:
    assert serving_between(scraped(20), scraped(20)).window_s is None


def test_the_prefix_cache_share_is_that_of_the_window() -> None:
    serving = serving_between(
        scraped(10, prefix_cache_queries=1000, prefix_cache_hits=900),
        scraped(20, prefix_cache_queries=1400, prefix_cache_hits=1000),
    )
    assert serving.prefix_cache_hit_share == 0.25


def added(old: Histogram, new: Histogram) -> Histogram:
    counts = tuple(a + b for a, b in zip(old.counts, new.counts, strict=True))
    return Histogram(EDGES, counts, old.sum + new.sum)


def test_latencies_are_those_of_the_window() -> None:
    old = counted(*[0.9] * 1000)
    got = latency(old, added(old, counted(*[0.2] * 90, *[0.4] * 10)))
    assert got.n == 100
    assert got.mean_s == pytest.approx(0.22)
    assert (got.p50, got.p90) == (Bucket(0.1, 0.25), Bucket(0.1, 0.25))
    assert got.p99 == Bucket(0.25, 0.5)


def test_the_first_and_the_last_bucket_have_one_edge() -> None:
    got = latency(counted(), counted(*[0.05] * 90, *[5.0] * 10))
    assert (got.p50, got.p99) == (Bucket(0.0, 0.1), Bucket(1.0, None))


def test_no_request_has_no_percentile() -> None:
    assert latency(counted(0.2), counted(0.2)) == Latency(n=0)


def test_other_edges_cannot_be_compared() -> None:
    other = Histogram((0.1, INF), (1.0, 2.0), 0.0)
    assert latency(counted(0.2), other) == Latency()


@given(st.lists(st.floats(0.0001, 9.0), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_its_rank(values: list[float], share: float) -> None:
    got = bucket(counted(*values), share)
    ordered = sorted(values)
    rank = share * len(values) * (1 - ROUNDING)
    true = ordered[max(0, min(len(values) - 1, int(-(-rank // 1)) - 1))]
    assert got.low_s < true
    assert got.high_s is None or true <= got.high_s


def test_totals_survive_a_restart_of_the_server() -> None:
    totals = TokenTotals()
    for reading in (
        Counters(process_start_s=1.0, requests_finished=5, prompt_tokens=400),
        Counters(process_start_s=1.0, requests_finished=9, prompt_tokens=700),
        Counters(process_start_s=50.0, requests_finished=2, prompt_tokens=100),
        Counters(process_start_s=50.0, requests_finished=4, prompt_tokens=300),
    ):
        totals = add_reading(totals, reading)
    assert (totals.requests, totals.input_tokens, totals.output_tokens) == (13, 1000, None)


def test_a_series_that_vanishes_for_once_is_not_counted_twice() -> None:
    totals = TokenTotals()
    for requests in (5.0, None, 9.0):
        totals = add_reading(totals, Counters(requests_finished=requests))
    assert totals.requests == 9


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=5), min_size=1, max_size=5))
def test_totals_are_all_that_was_ever_counted(runs: list[list[int]]) -> None:
    totals, true = TokenTotals(), 0
    for start, steps in enumerate(runs):
        count = 0
        for step in steps:
            count += step
            totals = add_reading(
                totals,
                Counters(process_start_s=1000.0 * (start + 1), generation_tokens=float(count)),
            )
        true += count
    assert totals.output_tokens == true


def test_the_daily_profile_knows_what_it_has_not_seen() -> None:
    profile = learn(learn(HourlyProfile(), 9, 1200, 600), 9, 0, 600)
    rates = profile_rps(learn(profile, 10, 0, 600))
    assert (rates[9], rates[10], rates[11]) == (1.0, 0.0, None)


def test_histograms_that_do_not_fit_have_nothing_between_them() -> None:
    old, new = counted(0.2, 0.3), counted(0.2, 0.3, 0.7)
    assert grown_histogram(old, new) == counted(0.7)
    assert grown_histogram(new, old) is None  # it fell
    assert grown_histogram(None, new) is None
    assert grown_histogram(Histogram((1.0, INF), (1.0, 1.0), 0.5), new) is None


def test_a_window_under_way_counts_once_a_minute_of_it_was_seen() -> None:
    assert open_window(Windows()) is None
    opened = scraped(0, requests_finished=10)
    assert open_window(Windows(opened, None, scraped(59, requests_finished=40))) is None
    window = open_window(Windows(opened, None, scraped(60, requests_finished=40)))
    assert window is not None
    assert (window.requests, window.seconds) == (30, 60)
