"""Where each cause of a bound server begins, to the reading and to the request."""

from collections.abc import Sequence
from itertools import zip_longest

import pytest

from backends.domain.advise.binding import Binding, Resource, binding_of
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp

BEGAN_S, WINDOW_S = 100.0, 60.0


def judged(
    *,
    running: Sequence[float] = (2, 2),
    waiting: Sequence[float] = (),
    usage: float = 0.1,
    requests: float = 40,
    preemptions: float = 0,
    queue_s: float = 0,
    prefill_s: float = 4,
    decode_s: float = 36,
    itl_s: float = 0.25,
    tokens: float = 64,
    alone_itl_s: float | None = 0.25,
    max_num_seqs: int | None = None,
) -> Binding:
    """What binds over as many readings as `running` has, all that is counted in the last step."""
    last = len(running) - 1
    made = []
    for place, (ran, waited) in enumerate(zip_longest(running, waiting, fillvalue=0.0)):
        share = float(place == last)
        counters = Counters(
            requests_running=ran,
            requests_waiting=waited,
            requests_finished=7 + requests * share,
            preemptions=3 + preemptions * share,
            kv_cache_usage=usage,
            queue_time=histogram(7 + requests * share, 1 + queue_s * share),
            prefill_time=histogram(7 + requests * share, 1 + prefill_s * share),
            decode_time=histogram(7 + requests * share, 1 + decode_s * share),
            inter_token=histogram(7 + tokens * share, 1 + tokens * itl_s * share),
        )
        at_s = BEGAN_S + WINDOW_S * place / last
        made.append(MetricsScraped(Stamp(at_s, at_s), counters))
    return binding_of(made, max_num_seqs=max_num_seqs, alone_itl_s=alone_itl_s)


def histogram(n: float, total_s: float) -> Histogram:
    return Histogram((1.0, 2.0, float("inf")), (0.0, 0.0, n), total_s)


def test_two_readings_show_what_happened_between_them() -> None:
    seen = judged(running=(2, 4), queue_s=10, prefill_s=10, decode_s=60).evidence
    assert (seen.window_s, seen.readings, seen.requests) == (WINDOW_S, 2, 40)
    assert (seen.queued_share, seen.prefill_share, seen.request_s) == (0.125, 0.125, 2.0)
    assert (seen.running, seen.running_most, seen.running_mode) == (3, 4, 2)
    assert seen.still_share == 0.5
    assert seen.running_dispersion == pytest.approx(1 / 3)
    assert (seen.itl_s, seen.slowed, seen.waiting_share) == (0.25, 1.0, 0.0)


def test_one_reading_shows_nothing() -> None:
    one = MetricsScraped(Stamp(BEGAN_S, BEGAN_S), Counters(requests_running=1))
    assert "Two readings are needed" in binding_of([one]).reason


def test_the_window_of_a_restarted_server_is_the_time_between_its_readings() -> None:
    found = judged(requests=-5)
    assert "restarted" in found.reason
    assert (found.evidence.window_s, found.evidence.readings) == (WINDOW_S, 2)


def test_twenty_requests_are_enough_and_nineteen_are_not() -> None:
    assert judged(requests=20).resource is not Resource.UNKNOWN
    few = judged(requests=19)
    assert few.resource is Resource.UNKNOWN
    assert few.reason.startswith("19 requests ended in 60 s; 20 are needed")


def test_a_request_that_runs_is_not_called_none() -> None:
    assert "0 requests ended" in judged(requests=0, running=(0, 1)).reason
    assert "No request arrived" in judged(requests=0, running=(0, 0)).reason


@pytest.mark.parametrize(
    ("preemptions", "resource"), [(2, Resource.KV_CACHE), (1.99, Resource.CLIENT)]
)
def test_one_preemption_in_twenty_requests_is_a_full_cache(
    preemptions: float, resource: Resource
) -> None:
    assert judged(preemptions=preemptions).resource is resource


@pytest.mark.parametrize(("queue_s", "resource"), [(10, Resource.PREFILL), (9, Resource.NONE)])
def test_a_fifth_of_the_time_in_the_queue_is_a_queue(queue_s: float, resource: Resource) -> None:
    found = judged(
        running=(1, 5), waiting=(1, 1), queue_s=queue_s, prefill_s=8, decode_s=32, max_num_seqs=9
    )
    assert found.resource is resource


@pytest.mark.parametrize(("itl_s", "resource"), [(0.5, Resource.COMPUTE), (0.49, Resource.CLIENT)])
def test_twice_the_time_between_tokens_is_compute(itl_s: float, resource: Resource) -> None:
    assert judged(itl_s=itl_s).resource is resource


@pytest.mark.parametrize(
    ("itl_s", "resource"), [(0.75, Resource.COMPUTE), (0.74, Resource.PREFILL)]
)
def test_a_queue_is_computes_from_three_times_the_time_between_tokens(
    itl_s: float, resource: Resource
) -> None:
    found = judged(running=(1, 5), waiting=(1, 1), queue_s=40, itl_s=itl_s, max_num_seqs=9)
    assert found.resource is resource


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [((1, 1), "seats and KV cache were free"), ((0.9, 0.9), "no reading met one that waited")],
)
def test_a_request_waits_from_one_on(waiting: Sequence[float], reason: str) -> None:
    assert reason in judged(running=(1, 5), waiting=waiting, queue_s=40, max_num_seqs=9).reason


@pytest.mark.parametrize(
    ("running", "resource"),
    [
        ((4, 4, 1, 1), Resource.QUEUE),
        ((4, 1, 1, 1), Resource.PREFILL),
    ],
)
def test_seats_bind_where_all_were_taken_in_half_of_the_readings(
    running: Sequence[float], resource: Resource
) -> None:
    assert judged(running=running, waiting=(1, 1, 1, 1), queue_s=40).resource is resource


@pytest.mark.parametrize(
    ("running", "resource"),
    [
        ((1, 1, 9, 9), Resource.KV_CACHE),  # one in a cache of 0.6 leaves no room for another
        ((1, 9, 9, 9), Resource.PREFILL),
    ],
)
def test_the_cache_binds_where_it_was_full_in_half_of_the_readings(
    running: Sequence[float], resource: Resource
) -> None:
    found = judged(running=running, waiting=(1, 1, 1, 1), usage=0.6, queue_s=40, max_num_seqs=20)
    assert found.resource is resource


def test_where_cache_and_seats_ran_out_alike_it_is_the_cache() -> None:
    both = judged(running=(1, 1), waiting=(1, 1), usage=0.6, queue_s=40)
    assert both.resource is Resource.KV_CACHE
    more_seats = judged(running=(1, 1, 3), waiting=(1, 1, 1), usage=0.8, queue_s=40, max_num_seqs=3)
    assert more_seats.evidence.seats_taken_share == pytest.approx(1 / 3)
    assert more_seats.resource is Resource.KV_CACHE


@pytest.mark.parametrize(("usage", "share"), [(0.5, 0.0), (0.501, 1.0)])
def test_a_cache_that_one_request_fills_to_the_half_has_room_for_one_more(
    usage: float, share: float
) -> None:
    seen = judged(running=(1, 1), waiting=(1, 1), usage=usage, queue_s=40).evidence
    assert seen.cache_full_share == share


@pytest.mark.parametrize(("usage", "share"), [(0.75, 0.0), (0.751, 1.0)])
def test_a_cache_that_three_requests_fill_to_three_quarters_has_room_for_one_more(
    usage: float, share: float
) -> None:
    seen = judged(running=(3, 3), waiting=(1, 1), usage=usage, queue_s=40).evidence
    assert seen.cache_full_share == share


@pytest.mark.parametrize(("changed", "resource"), [(1, Resource.CLIENT), (2, Resource.NONE)])
def test_the_client_binds_where_one_number_ran_in_nine_of_ten_readings(
    changed: int, resource: Resource
) -> None:
    running = [*([9.0] * changed), *([2.0] * (10 - changed))]
    assert judged(running=running).resource is resource


@pytest.mark.parametrize(
    ("waiting", "resource"),
    [((0,) * 10, Resource.CLIENT), ((1, *(0,) * 9), Resource.NONE)],
)
def test_a_client_that_lets_requests_wait_does_not_bind(
    waiting: Sequence[float], resource: Resource
) -> None:
    assert judged(running=[2.0] * 10, waiting=waiting).resource is resource


@pytest.mark.parametrize(("running", "resource"), [(1, Resource.CLIENT), (0, Resource.NONE)])
def test_a_client_keeps_one_request_running_at_least(running: float, resource: Resource) -> None:
    assert judged(running=[running] * 10).resource is resource


@pytest.mark.parametrize(
    ("running", "request_s", "resource"),
    [
        ((9, 9, 11, 11), 3.0, Resource.CLIENT),  # variance 1 over 10, in 20 durations of 3 s
        ((9, 9, 11, 11), 3.1, Resource.NONE),
        ((7, 7, 13, 13), 3.0, Resource.NONE),  # variance 9 over 10
    ],
)
def test_the_client_binds_where_what_runs_is_even_for_twenty_durations_of_a_request(
    running: Sequence[float], request_s: float, resource: Resource
) -> None:
    found = judged(running=running, prefill_s=0, decode_s=40 * request_s)
    assert found.resource is resource


def test_a_variance_of_three_tenths_of_the_mean_is_not_even() -> None:
    found = judged(running=(7, 13, 10, 10, 10, 10), prefill_s=0, decode_s=40)
    assert found.evidence.running_dispersion == 0.3
    assert found.resource is Resource.NONE


@pytest.mark.parametrize(("running", "alone_itl_s"), [((1, 1), 0.5), ((0, 1), 0.5), ((1, 2), None)])
def test_one_request_alone_is_timed_between_readings_in_which_one_ran_at_most(
    running: Sequence[float], alone_itl_s: float | None
) -> None:
    found = judged(running=running, itl_s=0.5, alone_itl_s=None)
    assert found.evidence.alone_itl_s == alone_itl_s


def test_a_window_in_which_no_token_came_has_no_time_between_tokens() -> None:
    assert judged(tokens=0).evidence.itl_s is None
    assert judged(tokens=1).evidence.itl_s == 0.25
