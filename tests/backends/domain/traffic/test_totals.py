"""Totals per engine: one that begins anew must not count the others twice."""

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.serving import Counters, EngineCounts
from backends.domain.traffic.totals import TokenTotals, add_reading, minus, plus


def reading(*engines: tuple[str, float], start_s: float | None = None) -> Counters:
    counts = tuple(EngineCounts(name, generation_tokens=count) for name, count in engines)
    whole = sum(count for _, count in engines)
    return Counters(process_start_s=start_s, generation_tokens=whole, engines=counts)


def output(*readings: Counters) -> float | None:
    totals = TokenTotals()
    for each in readings:
        totals = add_reading(totals, each)
    return totals.output_tokens


def test_one_engine_that_begins_anew_does_not_count_the_other_twice() -> None:
    assert output(reading(("0", 1000), ("1", 1000)), reading(("0", 5), ("1", 1010))) == 2015


def test_an_engine_that_begins_anew_while_the_sum_rises_is_seen() -> None:
    assert output(reading(("0", 100), ("1", 1000)), reading(("0", 5), ("1", 1200))) == 1305


def test_an_engine_that_a_scrape_lacks_is_not_counted_again() -> None:
    both = reading(("0", 100), ("1", 200))
    assert output(both, reading(("0", 110)), reading(("0", 120), ("1", 205))) == 325


def test_an_engine_that_is_added_counts_in_full() -> None:
    assert output(reading(("0", 100)), reading(("0", 110), ("1", 7))) == 117


def test_a_new_process_counts_in_full_even_where_it_has_counted_more() -> None:
    assert output(reading(("0", 100), start_s=1.0), reading(("0", 150), start_s=90.0)) == 250


def test_what_was_counted_before_the_bill_began_is_left_out() -> None:
    before = reading(("0", 100), start_s=50.0)
    totals = add_reading(TokenTotals(), before, counted_from_s=60.0)
    assert totals.output_tokens is None
    later = add_reading(totals, reading(("0", 130), start_s=50.0), counted_from_s=60.0)
    assert later.output_tokens == 30
    assert add_reading(TokenTotals(), before, counted_from_s=40.0).output_tokens == 100


def test_what_own_tests_were_served_is_counted_apart() -> None:
    totals = add_reading(TokenTotals(), reading(("0", 100)))
    totals = add_reading(totals, reading(("0", 900)), own=True)
    assert (totals.output_tokens, totals.own_output_tokens) == (100, 800)
    totals = add_reading(totals, reading(("0", 930)))
    assert (totals.output_tokens, totals.own_output_tokens) == (130, 800)


def test_own_tests_alone_leave_a_count_of_nothing_not_an_unknown_one() -> None:
    before = add_reading(TokenTotals(), reading(("0", 9), start_s=50.0), counted_from_s=60.0)
    totals = add_reading(before, reading(("0", 30), start_s=50.0), counted_from_s=60.0, own=True)
    assert (totals.output_tokens, totals.own_output_tokens) == (0, 21)


engine_steps = st.lists(
    st.tuples(st.sampled_from(["0", "1", "2"]), st.integers(0, 40), st.booleans()), max_size=40
)


@given(engine_steps)
def test_any_engines_resetting_at_any_time_lose_nothing_that_was_read(
    steps: list[tuple[str, int, bool]],
) -> None:
    counts, totals, true = {"0": 0, "1": 0, "2": 0}, TokenTotals(), 0
    for name, more, anew in steps:
        # A reset is seen where the engine has counted less than before when it is read again.
        begun = 0 if anew and more < counts[name] else counts[name]
        counts[name] = begun + more
        true += more
        totals = add_reading(totals, reading(*((each, float(n)) for each, n in counts.items())))
    assert (totals.output_tokens or 0) == true


def test_plus_and_minus_undo_each_other() -> None:
    first, second = TokenTotals(1, 2, None, 4), TokenTotals(10, 20, 30, 40)
    assert minus(plus(first, second), first) == TokenTotals(10, 20, 30, 40)
    assert plus(TokenTotals(), second) == second
