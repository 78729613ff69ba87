"""The traffic that was recorded of a server: each mean by its own number of requests."""

from decimal import Decimal

import pytest

from backends.domain.billing.ledger import Ledger, Served, learnt, with_time
from backends.domain.billing.meter import Tariff, billed_seconds
from backends.domain.billing.recorded_demand import recent_demand, recorded_demand
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters
from backends.domain.stamp import Stamp
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.shape import HourlyProfile, TokenSums
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.windows import Window, Windows

HOURS = HourlyProfile(
    requests=(100.0, *(0.0,) * 23),
    seconds=(3600.0, *(0.0,) * 23),
    tokens=TokenSums(100.0, 8_000.0, 22_000.0, 800_000.0, 5_000_000.0),
)


def test_windows_with_counted_tokens_give_means_spread_and_rate() -> None:
    seen = recorded_demand(Served("chat", TokenTotals(requests=120.0), HOURS)).seen
    assert (seen.n, seen.window_s, seen.tokens_n) == (Decimal(100), Decimal(3600), Decimal(100))
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(80), Decimal(220))
    assert seen.input_tokens_sd == pytest.approx(Decimal(40))
    assert seen.output_tokens_sd == pytest.approx(Decimal(40))
    assert seen.covariance == pytest.approx(Decimal(1600))


def test_one_request_is_enough_for_a_mean_without_a_spread() -> None:
    tokens = TokenSums(1.0, 80.0, 220.0, 6_400.0, 48_400.0)
    one = HourlyProfile((1.0, *(0.0,) * 23), (60.0, *(0.0,) * 23), tokens)
    seen = recorded_demand(Served("chat", TokenTotals(requests=1.0), one)).seen
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(80), Decimal(220))
    assert (seen.input_tokens_sd, seen.output_tokens_sd) == (Decimal(0), Decimal(0))
    assert seen.tokens_n == Decimal(1)


def test_the_ledger_knows_the_means_better_where_it_counted_many_more() -> None:
    totals = TokenTotals(requests=1_000.0, input_tokens=50_000.0, output_tokens=300_000.0)
    seen = recorded_demand(Served("chat", totals, HOURS)).seen
    assert (seen.n, seen.tokens_n) == (Decimal(100), Decimal(1_000))
    assert (seen.input_tokens_mean, seen.output_tokens_mean) == (Decimal(50), Decimal(300))
    assert seen.input_tokens_sd == pytest.approx(Decimal(50))


@pytest.mark.parametrize(
    "totals",
    [
        TokenTotals(),
        TokenTotals(requests=1_000.0),
        TokenTotals(requests=1_000.0, input_tokens=50_000.0),
    ],
)
def test_without_counted_tokens_no_mean_is_claimed(totals: TokenTotals) -> None:
    demand = recorded_demand(Served("", totals))
    assert demand.seen.tokens_n == 0
    assert demand.seen.input_tokens_mean is None
    assert demand.seen.window_s is None
    assert demand.source == "what was watched of the server in 0 s"


def test_the_window_under_way_counts_too() -> None:
    opened, latest = (
        MetricsScraped(Stamp(at_s, at_s), Counters(requests_finished=finished))
        for at_s, finished in ((0.0, 10.0), (120.0, 70.0))
    )
    served = Served("chat", windows=Windows(opened, None, latest))
    seen = recorded_demand(served).seen
    assert (seen.n, seen.window_s) == (Decimal(60), Decimal(120))


def test_a_window_whose_requests_were_not_counted_teaches_nothing() -> None:
    assert learnt(HOURS, Window(0.0, 600.0, None, None)) == HOURS


def test_time_of_an_earlier_day_finds_its_place_before_the_newest() -> None:
    newest = with_time(Ledger(), 90_000.0, 90_060.0, "serving")
    both = with_time(newest, 100.0, 160.0, "idle")
    assert [(day.day.day, day.meter.idle_s, day.meter.serving_s) for day in both.days] == [
        (1, 60.0, 0.0),
        (2, 0.0, 60.0),
    ]


def test_a_part_of_a_rental_is_billed_to_the_instant_above_the_least() -> None:
    part = Tariff(Decimal(1), granularity_s=0, minimum_s=60)
    assert billed_seconds(90.5, part) == Decimal("90.5")
    assert billed_seconds(10.0, part) == Decimal(60)


def test_right_now_says_how_many_minutes_it_speaks_for() -> None:
    stretch = Bin(0.0, 1800.0, 60.0)
    found = recent_demand(
        Served("chat", TokenTotals(requests=60.0), windows=Windows(minutes=(stretch,)))
    )
    assert found.source == "what was watched of chat in the last 30 min"
