"""What binds a server, from readings of its counters."""

from dataclasses import replace

import pytest

from backends.domain.advise.binding import Resource, binding_of
from backends.domain.advise.flags import WITHOUT_A_FLAG, flag_for
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp
from tests.backends.domain.advise.matrix import confusion, false_alarms
from tests.backends.domain.advise.worlds import PLANTED

SEED, WORLDS = 18, 2


def histogram(n: float, total_s: float) -> Histogram:
    return Histogram((1.0, float("inf")), (n, n), total_s)


def readings(
    *, queued_s: float = 0.0, running: float = 2, waiting: float = 0, **gauges: float
) -> list[MetricsScraped]:
    """Sixty seconds in which forty requests ended, each with a second of prefill and decode."""
    made = []
    for second in range(61):
        done = 40 * second / 60
        counters = Counters(
            requests_running=running,
            requests_waiting=waiting,
            requests_finished=done,
            preemptions=0.0,
            kv_cache_usage=gauges.get("kv_cache_usage", 0.1),
            queue_time=histogram(done, done * queued_s),
            prefill_time=histogram(done, done * 0.1),
            decode_time=histogram(done, done * 0.9),
            inter_token=histogram(done * 50, done * 0.9),
        )
        made.append(MetricsScraped(Stamp(float(second), float(second)), counters))
    return made


def test_the_readings_of_an_idle_server_say_that_nothing_came() -> None:
    idle = [
        replace(each, counters=replace(each.counters, requests_running=0.0, requests_finished=7.0))
        for each in readings()
    ]
    found = binding_of(idle)
    assert found.resource is Resource.UNKNOWN
    assert "No request arrived" in found.reason


def test_too_few_requests_give_no_advice() -> None:
    found = binding_of(readings()[:20])
    assert found.resource is Resource.UNKNOWN
    assert "20 are needed" in found.reason


def test_a_restart_between_two_readings_gives_no_advice() -> None:
    seen = readings()
    seen[30] = replace(seen[30], counters=replace(seen[30].counters, requests_finished=0.0))
    assert binding_of(seen).resource is Resource.UNKNOWN


def test_counters_without_times_say_so() -> None:
    old = [replace(each, counters=replace(each.counters, queue_time=None)) for each in readings()]
    found = binding_of(old)
    assert found.resource is Resource.UNKNOWN
    assert "queue" in found.reason


def test_a_cache_that_is_half_used_by_one_request_has_no_room_for_a_second() -> None:
    found = binding_of(readings(queued_s=1.0, running=1, waiting=3, kv_cache_usage=0.6))
    assert found.resource is Resource.KV_CACHE
    alone = binding_of(readings(queued_s=1.0, running=1, waiting=3, kv_cache_usage=0.3))
    assert alone.resource is Resource.QUEUE


def test_more_seats_are_not_advised_where_a_larger_batch_would_only_slow_all() -> None:
    crowded = readings(queued_s=1.0, running=64, waiting=9, kv_cache_usage=0.3)
    assert binding_of(crowded, max_num_seqs=64, alone_itl_s=0.017).resource is Resource.QUEUE
    assert binding_of(crowded, max_num_seqs=64, alone_itl_s=0.005).resource is Resource.COMPUTE


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({}, "--gpu-memory-utilization 0.95"),
        ({"gpu_memory_utilization": "0.95"}, "--kv-cache-dtype fp8"),
        ({"num_gpu_blocks_override": "10"}, "--num-gpu-blocks-override 20"),
        ({"kv_cache_memory_bytes": "1073741824"}, "--kv-cache-memory-bytes 1610612736"),
    ],
)
def test_the_flag_for_a_full_cache_follows_from_what_is_set(
    settings: dict[str, str], flag: str
) -> None:
    full = binding_of(readings(queued_s=1.0, running=1, waiting=3, kv_cache_usage=0.6))
    found = flag_for(full, settings)
    assert found is not None
    assert (found.flag, bool(found.price)) == (flag, True)


def test_where_no_flag_is_left_it_is_said_what_helps() -> None:
    full = binding_of(readings(queued_s=1.0, running=1, waiting=3, kv_cache_usage=0.6))
    assert flag_for(full, {"gpu_memory_utilization": "0.95", "kv_cache_dtype": "fp8"}) is None
    assert WITHOUT_A_FLAG[full.resource]


@pytest.mark.slow
def test_planted_bottlenecks_are_found_and_healthy_servers_left_alone() -> None:
    counts = confusion(SEED, WORLDS)
    assert false_alarms(counts) == 0, counts
    right = sum(counts[planted, planted] for planted in PLANTED)
    assert right >= len(PLANTED) * WORLDS - 1, counts
