"""The ledger: days are cut at midnight, launches begin counters anew, windows teach the profile."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.billing.ledger import (
    Ledger,
    Served,
    all_totals,
    midnight_after,
    with_launch,
    with_new_bill,
    with_reading,
    with_time,
)
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp
from backends.domain.traffic.shape import hours_known, learnt_rps, profile_rps
from backends.domain.traffic.totals import TokenTotals
from backends.domain.traffic.windows import WINDOW_S, Windows, after_reading

MIDNIGHT = datetime(2026, 9, 22, tzinfo=UTC).timestamp()
INF = float("inf")


def read(after_s: float, requests: float, start_s: float | None = 1.0) -> MetricsScraped:
    lengths = Histogram((100.0, INF), (requests, requests), requests * 80)
    counters = Counters(
        start_s,
        requests_finished=requests,
        prompt_tokens=requests * 80,
        generation_tokens=requests * 220,
        request_input_tokens=lengths,
        request_output_tokens=lengths,
    )
    return MetricsScraped(Stamp(after_s + 1e6, MIDNIGHT + after_s), counters)


def test_time_is_cut_at_midnight() -> None:
    ledger = with_time(Ledger(), MIDNIGHT - 100, MIDNIGHT + 50, "idle")
    assert [(each.day.day, each.meter.idle_s) for each in ledger.days] == [(21, 100), (22, 50)]
    assert midnight_after(date(2026, 9, 21)) == MIDNIGHT


@given(st.lists(st.integers(1, 100_000), max_size=12))
def test_the_days_are_all_the_time(lengths: list[int]) -> None:
    ledger, now = Ledger(), MIDNIGHT
    for length in lengths:
        ledger, now = with_time(ledger, now, now + length, "serving"), now + length
    assert sum(each.meter.serving_s for each in ledger.days) == sum(lengths)
    assert [each.day for each in ledger.days] == sorted(each.day for each in ledger.days)


def test_tokens_belong_to_the_day_on_which_they_were_read() -> None:
    ledger = with_reading(Ledger(), "chat", read(-60, 10), 0.0)
    ledger = with_reading(ledger, "chat", read(60, 15), 0.0)
    assert [each.totals.requests for each in ledger.days] == [10, 5]


def test_two_servers_are_one_bill() -> None:
    ledger = with_reading(Ledger(), "chat", read(0, 10), 0.0)
    ledger = with_reading(ledger, "batch", read(5, 7), 0.0)
    assert all_totals(ledger).requests == 17
    assert ledger.of("batch").totals.requests == 7
    assert ledger.of("other").totals.requests is None


def test_a_launch_tells_that_counters_begin_anew_even_where_they_do_not_fall() -> None:
    """Without a process start, as under several API servers, nothing else could tell it."""
    ledger = with_reading(Ledger(), "chat", read(0, 10, start_s=None), 0.0)
    relaunched = with_launch(ledger, "chat", MIDNIGHT + 30)
    after = with_reading(relaunched, "chat", read(60, 12, start_s=None), 0.0)
    assert all_totals(after).requests == 22


def test_a_journal_that_is_read_again_begins_nothing_anew() -> None:
    ledger = with_reading(Ledger(), "chat", read(0, 10), 0.0)
    assert with_launch(ledger, "chat", MIDNIGHT - 500) is ledger


def test_a_new_bill_forgets_what_was_served_and_keeps_what_was_learnt() -> None:
    ledger = Ledger()
    for step in range(3):
        ledger = with_reading(ledger, "chat", read(step * WINDOW_S, step * 60), 0.0)
    fresh = with_new_bill(ledger)
    assert all_totals(fresh).requests is None
    assert fresh.of("chat").profile == ledger.of("chat").profile
    assert fresh.days == ledger.days


def test_windows_follow_the_clock_and_a_restart_or_a_gap_ends_one() -> None:
    windows = Windows()
    for after_s, requests in ((0, 0), (300, 300), (600, 600)):
        windows = after_reading(windows, read(after_s, requests))
    assert windows.closed is not None
    assert (windows.closed.requests, windows.closed.seconds) == (600, 600)
    assert windows.closed.seen is not None
    assert windows.closed.seen.n == 600
    restarted = after_reading(windows, read(900, 5, start_s=999.0))
    assert restarted.closed is windows.closed
    gap = after_reading(windows, read(5000, 900))
    assert gap.closed is windows.closed
    assert gap.opened == read(5000, 900)


def test_the_profile_is_learnt_over_a_day_of_windows() -> None:
    ledger = Ledger()
    requests = 0.0
    for window in range(6 * 24 + 1):
        ledger = with_reading(ledger, "chat", read(window * WINDOW_S, requests), 0.0)
        requests += 600 if window % (6 * 24) >= 72 else 0
    profile = ledger.of("chat").profile
    assert hours_known(profile) == 24
    rates = learnt_rps(profile)
    assert rates is not None
    assert [float(rate) for rate in rates] == [0.0] * 12 + [1.0] * 12


def test_own_tests_are_in_no_total_that_an_api_is_compared_with() -> None:
    ledger = with_reading(Ledger(), "chat", read(0, 10), 0.0)
    ledger = with_reading(ledger, "chat", replace(read(5, 110), own=True), 0.0, read(0, 10))
    ledger = with_reading(ledger, "chat", read(10, 113), 0.0)
    for totals in (ledger.of("chat").totals, ledger.days[0].totals):
        assert (totals.requests, totals.own_requests) == (13, 100)
        assert (totals.output_tokens, totals.own_output_tokens) == (13 * 220, 100 * 220)


def test_a_profile_with_an_unwatched_hour_does_not_speak_for_a_day() -> None:
    ledger = Ledger()
    for window in range(6 * 23 + 1):
        ledger = with_reading(ledger, "chat", read(window * WINDOW_S, window * 6.0), 0.0)
    profile = ledger.of("chat").profile
    assert hours_known(profile) == 23
    assert learnt_rps(profile) is None
    assert profile_rps(profile)[23] is None


def test_only_a_launch_after_the_last_reading_forgets_the_counters() -> None:
    counted = TokenTotals(requests=5.0, process_start_s=90.0)
    ledger = Ledger((Served("chat", counted, read_wall_s=100.0),))
    assert with_launch(ledger, "chat", 100.0) is ledger
    assert with_launch(ledger, "chat", 100.5).of("chat").totals.process_start_s is None
