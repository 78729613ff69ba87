"""The figures of traffic worked out by hand, at the last count, second and share of each rule."""

from decimal import Decimal
from math import inf, sqrt

import pytest

from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram, Latency
from backends.domain.stamp import Stamp
from backends.domain.traffic.arrivals import Arrival, RecordedTraffic
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.bursts import bursts_of
from backends.domain.traffic.demand import (
    NOTHING,
    bin_between,
    demand_between,
    dispersion_of,
    dispersion_within,
    moments,
    observed_between,
)
from backends.domain.traffic.estimate import errors_of, of_stretch
from backends.domain.traffic.rates import (
    counters_restarted,
    latency,
    p99_against,
    restarted,
    serving_between,
)
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.scales import covariance, long_run
from backends.domain.traffic.shape import (
    EVEN,
    HourlyProfile,
    TokenSums,
    hourly,
    hours_known,
    learn_tokens,
    steady,
)
from backends.domain.traffic.totals import TokenTotals, add_reading
from backends.domain.traffic.windows import Windows, after_reading, open_window

LEAST_OPEN, MOST_OPEN = 60.0, 900.0
HOUR_S = 1_793_577_600.0
"""The beginning of one."""


# how surely a mean is known


def test_the_long_run_of_independent_bins_is_their_variance() -> None:
    found = long_run([1.0, -1.0, 1.0, -1.0, 1.0])
    assert found is not None
    assert (found.variance, found.freedom, found.level) == (5 / 4, 4.0, 0)
    assert long_run([1.0, -1.0, 1.0, -1.0]) is None


def test_the_long_run_of_bins_that_hang_together_is_that_of_their_blocks() -> None:
    """Ten above and ten below the mean.

    Blocks of one tell 20/19, of two 40/(9 * 2), of four 64/(4 * 4); the last has the highest lower
    bound, and 0.8 of the growth before it is added.
    """
    found = long_run([1.0] * 10 + [-1.0] * 10)
    assert found is not None
    assert found.variance == pytest.approx(4 + 0.8 * (4 - 40 / 18))
    assert (found.freedom, found.level) == (4.0, 2)


def test_two_series_go_together_by_their_blocks() -> None:
    one, other = [1.0, 2.0, 3.0, 4.0, 9.0], [1.0, 1.0, 1.0, 1.0, 9.0]
    assert covariance(one, other, 0) == (1 + 2 + 3 + 4 + 81) / 4
    assert covariance(one, other, 1) == (3 * 2 + 7 * 2) / 1 / 2


def test_what_does_not_vary_goes_together_with_nothing() -> None:
    still, moving = [0.0] * 8, [1.0, -1.0] * 4
    found = errors_of(moving, (still, moving), (80.0, 800.0, 800.0))
    assert found is not None
    assert (found.tokens_correlation, found.rate_correlations[0]) == (0.0, 0.0)
    assert found.input_tokens == 0.0
    assert found.rate_correlations[1] > 0
    little = [0.01, -0.01] * 4
    found = errors_of(moving, (little, little), (80.0, 800.0, 800.0))
    assert found is not None
    assert found.tokens_correlation == pytest.approx(1.0)


def bins(*seconds: float, requests: float = 10.0) -> list[Bin]:
    return [
        Bin(HOUR_S + 60 * place, each, requests + place % 2, requests, 800.0, 2000.0)
        for place, each in enumerate(seconds)
    ]


@pytest.mark.parametrize(("last_s", "blocks"), [(5.0, 5), (4.9, 4)])
def test_a_stretch_of_half_the_longest_is_a_block_of_its_own(last_s: float, blocks: int) -> None:
    found = of_stretch(bins(10, 10, 10, 10, last_s))
    assert found is not None
    assert found.errors is not None
    # Five blocks are enough for an error, and leave four degrees of freedom.
    assert (found.errors.freedom, blocks) in {(4.0, 5), (0.0, 4)}


def test_a_stretch_without_time_a_request_or_a_counted_token() -> None:
    assert of_stretch(bins(0.0)) is None
    none = of_stretch([Bin(HOUR_S, 10.0, 0.0)] * 6)
    assert none is not None
    assert (none.rate_rps, none.errors, none.input_tokens) == (0.0, None, None)


# counts between two readings


def histogram(counts: tuple[float, ...], total: float, edges: tuple[float, ...]) -> Histogram:
    return Histogram(edges, counts, total)


def test_the_spread_of_a_histogram_takes_each_bucket_as_evenly_filled() -> None:
    """One below ten, two up to twenty, one above: 1 * (100 + 100/12) + 2 * 100/12 + 1 * 25."""
    found = moments(histogram((1.0, 3.0, 4.0), 60.0, (10.0, 20.0, inf)))
    assert found is not None
    assert (found.n, found.mean) == (4.0, 15.0)
    assert found.sd == pytest.approx(sqrt(150 / 4))
    assert moments(histogram((0.0, 0.0), 0.0, (10.0, inf))) is None
    long = moments(histogram((0.0, 0.0, 4.0), 120.0, (10.0, 20.0, inf)))
    assert long is not None
    assert (long.n, long.mean, long.sd) == (4.0, 30.0, 10.0)


@pytest.mark.parametrize(
    ("counts", "dispersion"), [([0, 4], 4.0), ([1, 3], 1.0), ([5], 1.0), ([0, 0], 1.0)]
)
def test_the_dispersion_of_counts(counts: list[int], dispersion: float) -> None:
    assert dispersion_of(counts) == dispersion


def test_the_dispersion_within_groups_leaves_their_own_means_out() -> None:
    assert dispersion_within([[0, 4], [10, 14]]) == pytest.approx(max(1, 16 / 2 / 7))
    assert dispersion_within([[0, 8], [10, 18]]) == pytest.approx(64 / 2 / 9)
    assert dispersion_within([[5], [9]]) == 1.0
    assert dispersion_within([[], [0, 0]]) == 1.0


def read(at_s: float, requests: float, start_s: float = 1.0, own: float = 0.0) -> MetricsScraped:
    tokens = histogram((requests / 4, requests / 2, requests), requests * 80, (50.0, 100.0, inf))
    counters = Counters(
        process_start_s=start_s,
        requests_finished=requests,
        prompt_tokens=requests * 80,
        generation_tokens=requests * 20,
        request_input_tokens=tokens,
        request_output_tokens=tokens,
    )
    return MetricsScraped(Stamp(at_s, HOUR_S + at_s), counters)


def test_two_readings_of_one_instant_have_nothing_between_them() -> None:
    one, other = read(10, 5), read(10, 9)
    assert serving_between(one, other).requests_per_s is None
    assert (bin_between(one, other), observed_between(one, other)) == (None, None)
    assert demand_between([one], HourlyProfile()) == NOTHING
    assert bin_between(one, read(20, 5)) == Bin(HOUR_S + 10, 10.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("later_s", "newer"), [(1.0, False), (1.1, True), (-5.0, False)])
def test_a_process_is_newer_that_was_started_more_than_a_second_later(
    later_s: float, *, newer: bool
) -> None:
    assert counters_restarted(100.0, 100.0 + later_s) is newer


def test_a_counter_that_stands_still_did_not_begin_anew() -> None:
    assert not restarted(read(0, 5).counters, read(1, 5).counters)
    assert restarted(read(0, 5).counters, read(1, 4).counters)


def test_a_window_without_a_request_has_no_latency() -> None:
    same = histogram((4.0, 4.0), 2.0, (1.0, inf))
    assert latency(same, same) == Latency(n=0)


@pytest.mark.parametrize(
    ("limit_s", "broken"), [(0.5, True), (0.6, None), (1.0, False), (0.4, True)]
)
def test_the_side_of_a_limit_that_is_the_edge_of_a_bucket(
    limit_s: float, broken: bool | None
) -> None:
    late = histogram((0.0, 100.0, 100.0), 75.0, (0.5, 1.0, inf))
    assert p99_against(late, limit_s).broken is broken


@pytest.mark.parametrize(("from_s", "requests"), [(1.0, 5.0), (1.1, None)])
def test_what_was_counted_before_a_bill_is_left_out_of_it(
    from_s: float, requests: float | None
) -> None:
    """The server was started at 1; a bill that begins then has all of its requests."""
    found = add_reading(TokenTotals(), read(9, 5).counters, counted_from_s=from_s)
    assert found.requests == requests


# the shape of a day


def test_a_rate_around_the_clock_is_one_cell_and_any_other_has_a_beginning() -> None:
    assert steady(Decimal(2), Decimal(24), None).cells == ((Decimal(1), Decimal(2)),)
    most = steady(Decimal(2), Decimal(18), None)
    assert most.cells == ((Decimal("0.75"), Decimal(2)), (Decimal("0.25"), Decimal(0)))
    assert most.starts_per_day == 1


def test_traffic_begins_where_a_rate_follows_an_hour_of_none() -> None:
    day = [Decimal(0)] * 24
    day[3:5], day[9] = [Decimal(1), Decimal(2)], Decimal(2)
    load = hourly(tuple(day), None)
    assert load.starts_per_day == 2
    assert load.cells == (
        (Decimal(2) / 24, Decimal(2)),
        (Decimal(1) / 24, Decimal(1)),
        (Decimal(21) / 24, Decimal(0)),
    )
    assert load.order[2:6] == (2, 1, 0, 2)


def test_an_hour_is_known_after_half_an_hour() -> None:
    assert hours_known(HourlyProfile(seconds=(1800.0, 1799.0, *(0.0,) * 22))) == 1


def test_the_tokens_of_a_window_are_added_as_sums_and_squares() -> None:
    seen = Observed(
        Decimal(4),
        input_tokens_mean=Decimal(10),
        output_tokens_mean=Decimal(20),
        input_tokens_sd=Decimal(3),
        output_tokens_sd=Decimal(5),
    )
    before = HourlyProfile(tokens=TokenSums(1.0, 2.0, 3.0, 4.0, 5.0))
    # 4 * (100 + 9) and 4 * (400 + 25), beside what was there
    assert learn_tokens(before, seen).tokens == TokenSums(5.0, 42.0, 83.0, 440.0, 1705.0)


# windows


@pytest.mark.parametrize(("seconds", "known"), [(LEAST_OPEN, True), (LEAST_OPEN - 1, False)])
def test_a_window_under_way_is_told_of_after_its_least_time(seconds: float, *, known: bool) -> None:
    windows = after_reading(after_reading(Windows(), read(1, 5)), read(1 + seconds, 9))
    assert (open_window(windows) is not None) is known


@pytest.mark.parametrize(("seconds", "known"), [(MOST_OPEN, True), (MOST_OPEN + 1, False)])
def test_a_window_with_too_long_a_gap_is_none(seconds: float, *, known: bool) -> None:
    windows = after_reading(after_reading(Windows(), read(1, 5)), read(1 + seconds, 9))
    assert (windows.closed is not None) is known


def test_two_readings_of_one_instant_go_on_with_their_window() -> None:
    windows = after_reading(after_reading(Windows(), read(1, 5)), read(1, 5))
    assert windows.opened == read(1, 5)


# bursts


def uneven(high: float, *, n: int = 40, seconds: float = 90.0) -> list[Bin]:
    """Stretches of one hour, every second one without a request."""
    return [Bin(HOUR_S + place, seconds, high * (place % 2)) for place in range(n)]


def test_the_factors_of_bursts() -> None:
    """Forty stretches, half of none and half of 200 requests, 100 in the mean.

    Variance over mean is 40 * 100**2 / 39 / 100; what chance alone does is taken off, and one
    standard error of 200 from the peak. The six bands end with 3, 10, 25, 50 and 75 percent of the
    requests, of which each busy stretch has a twentieth.
    """
    own = (1 - 1 / (40 * 100 / 39)) ** 0.5
    peak = (1 + own) * (1 - 200**-0.5)
    rest = 19 / 40 * peak + 20 / 40 * (1 - own)
    scale = (1 - peak / 40) / rest
    found = bursts_of(uneven(200.0))
    assert [float(share) * 40 for share, _ in found] == pytest.approx([1, 2, 3, 5, 5, 4, 20])
    assert [float(factor) for _, factor in found] == pytest.approx(
        [peak, *[peak * scale] * 5, (1 - own) * scale]
    )


@pytest.mark.parametrize(
    ("seen", "even"),
    [
        (uneven(200.0, n=20), False),
        (uneven(200.0, n=19), True),
        (uneven(200.0, seconds=90.0), False),
        (uneven(200.0, seconds=90.1), True),
        (uneven(3.95), False),  # variance over mean of 40 * 1.975 / 39
        (uneven(3.85), True),
        (uneven(0.0), True),
        ([Bin(HOUR_S + 3600 * place, 90.0, 9.0 * (place % 2)) for place in range(40)], True),
    ],
)
def test_what_counts_as_bursts(seen: list[Bin], *, even: bool) -> None:
    assert (bursts_of(seen) == EVEN) is even


def test_recorded_traffic_lasts_one_mean_pause_beyond_its_last_request() -> None:
    def recorded(*at_s: float) -> float:
        arrivals = tuple(Arrival(each, ((0, 5),), 7) for each in at_s)
        return RecordedTraffic("a file", arrivals, len(arrivals), 0.0).lasts_s

    assert recorded(0.0, 10.0) == 20.0
    assert recorded(0.0, 5.0, 10.0) == 15.0
    assert recorded(0.0) == 0.0


def test_what_is_left_over_belongs_to_the_last_block() -> None:
    """Five blocks of 100, 0, 100, 0 and 40 + 10 requests in 10, 10, 10, 10 and 11 seconds."""
    counts, lengths = (100.0, 0.0, 100.0, 0.0, 40.0, 10.0), (10.0, 10.0, 10.0, 10.0, 10.0, 1.0)
    seen = [
        Bin(HOUR_S + 10 * place, seconds, n, n, n, n)
        for place, (n, seconds) in enumerate(zip(counts, lengths, strict=True))
    ]
    rate = 250 / 51
    blocks = [(100, 10), (0, 10), (100, 10), (0, 10), (50, 11)]
    variance = sum((n - rate * seconds) ** 2 for n, seconds in blocks) / 4
    found = of_stretch(seen)
    assert found is not None
    assert found.errors is not None
    assert found.errors.rate == pytest.approx(sqrt(5 * variance) / 250)
    assert found.errors.input_tokens == 0.0  # a token a request, each time
