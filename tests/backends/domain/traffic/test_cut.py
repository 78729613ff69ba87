"""Requests of inferctl's own are no demand."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp
from backends.domain.traffic.demand import demand_between
from backends.domain.traffic.shape import HourlyProfile
from backends.domain.traffic.windows import Windows, after_reading, cut_out

EDGES = (64.0, 256.0, float("inf"))


def reading(
    at_s: float, requests: int, *, own: bool = False, began_s: float = 1.0
) -> MetricsScraped:
    """A server whose every request has 100 tokens in and 200 out."""
    into = Histogram(EDGES, (0.0, requests, requests), 100.0 * requests)
    out = Histogram(EDGES, (0.0, requests, requests), 200.0 * requests)
    counters = Counters(
        process_start_s=began_s,
        prompt_tokens=100.0 * requests,
        generation_tokens=200.0 * requests,
        requests_finished=float(requests),
        request_input_tokens=into,
        request_output_tokens=out,
    )
    return MetricsScraped(Stamp(at_s, 1e9 + at_s), counters, own=own)


@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 50), st.booleans()), min_size=2, max_size=20
    )
)
def test_what_is_left_is_the_demand_alone(steps: list[tuple[int, int, bool]]) -> None:
    """Steps of seconds, requests, and whether they were inferctl's own."""
    last = reading(0, 0)
    kept = [last]
    for seconds, requests, own in steps:
        so_far = requests + round(last.counters.requests_finished or 0)
        now = reading(last.at.mono_s + seconds, so_far, own=own)
        if own:
            kept = [cut_out(each, last, now) for each in kept]
        kept.append(now)
        last = now
    others = [(seconds, requests) for seconds, requests, own in steps if not own]
    seen = demand_between(kept, HourlyProfile()).seen
    assert seen.n == sum(requests for _, requests in others)
    if seen.n:
        assert seen.window_s == sum(seconds for seconds, _ in others)
        assert seen.input_tokens_mean == 100
        assert seen.output_tokens_mean == 200


def test_a_load_is_not_in_the_window_that_is_learnt_from() -> None:
    began, before, after, closes = (
        reading(0, 0),
        reading(100, 50),
        reading(500, 5050, own=True),
        reading(1090, 5150),
    )
    windows = Windows()
    earlier = None
    for each in (began, before, after, closes):
        windows = after_reading(windows, each, earlier)
        earlier = each
    assert windows.closed is not None
    assert (windows.closed.requests, windows.closed.seconds) == (150, 690)


def test_a_restart_in_between_moves_nothing() -> None:
    old = reading(0, 10)
    assert cut_out(old, reading(5, 20), reading(9, 1, began_s=50.0)) == old


def test_what_a_server_does_not_count_stays_unknown() -> None:
    bare = replace(reading(0, 1), counters=Counters())
    assert cut_out(bare, reading(5, 2), reading(9, 4)).counters == Counters()
