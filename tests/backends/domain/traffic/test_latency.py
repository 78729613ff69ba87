"""A histogram tells on which side of a limit its 99th percentile is, or that it cannot."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Bucket, Counters, Histogram
from backends.domain.traffic.rates import bucket, first_tokens, newest_first_tokens, p99_against
from tests.backends.domain.journals import at

EDGES = (0.5, 1.0, 2.5, float("inf"))


def histogram(*counts: float) -> Histogram:
    return Histogram(EDGES, tuple(accumulate(counts)), 0.0)


@pytest.mark.parametrize(
    ("counts", "limit_s", "low", "high"),
    [
        ((990, 10, 0, 0), 1.0, 0.0, 0.5),
        ((980, 20, 0, 0), 1.0, 0.5, 1.0),
        ((980, 0, 20, 0), 1.0, 1.0, 2.5),
        ((980, 0, 0, 20), 1.0, 2.5, None),
    ],
)
def test_the_side_of_the_limit_is_that_of_the_bucket(
    counts: tuple[float, ...], limit_s: float, low: float, high: float | None
) -> None:
    tail = p99_against(histogram(*counts), limit_s)
    assert tail.bucket == Bucket(low, high)
    assert tail.broken is (low >= limit_s)


def test_a_limit_inside_the_bucket_stays_open() -> None:
    assert p99_against(histogram(980, 0, 20, 0), 2.0).broken is None
    assert p99_against(histogram(980, 0, 0, 20), 9.0).broken is None


@given(
    st.tuples(*[st.integers(0, 100_000)] * 4).filter(lambda counts: sum(counts) >= 300),
    st.sampled_from([0.2, *EDGES[:3], 2.0, 9.0]),
)
def test_a_side_is_named_only_where_the_bucket_takes_it(
    counts: tuple[int, ...], limit_s: float
) -> None:
    tail = p99_against(histogram(*map(float, counts)), limit_s)
    rank = -(-99 * sum(counts) // 100)
    place = next(place for place, below in enumerate(accumulate(counts)) if below >= rank)
    low, high = (0.0, *EDGES)[place], EDGES[place]
    assert tail.bucket == Bucket(low, None if high == float("inf") else high)
    assert (tail.broken is None) is (low < limit_s < high)
    if tail.broken is not None:
        assert tail.broken is (low >= limit_s)


def test_a_quantile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no counts"):
        bucket(histogram(0, 0, 0, 0), 0.99)


def reading(mono_s: float, requests: float) -> MetricsScraped:
    return MetricsScraped(at(mono_s), Counters(ttft=histogram(requests, 0, 0, 0)))


def test_fewer_than_three_hundred_requests_tell_nothing() -> None:
    assert first_tokens(()) is None
    assert first_tokens((reading(0, 0), reading(60, 299))) is None
    assert first_tokens((reading(0, 0), reading(60, 300))) == histogram(300, 0, 0, 0)


def test_the_newest_are_no_more_than_are_needed() -> None:
    readings = tuple(reading(15 * step, 200 * step) for step in range(10))
    assert newest_first_tokens(readings) == histogram(400, 0, 0, 0)
    assert newest_first_tokens(readings[:2]) is None
