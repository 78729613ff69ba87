import random
from bisect import bisect_left
from decimal import Decimal
from itertools import accumulate
from statistics import fmean, pstdev

import pytest

from backends.domain.decision.scenario import Scenario
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import reason
from backends.domain.facts import MetricsScraped
from backends.domain.serving import Counters, Histogram
from backends.domain.stamp import Stamp
from backends.domain.traffic.demand import (
    dispersion_of,
    dispersion_within,
    moments,
    observed_between,
)

# The edges that vLLM gives to histograms of tokens.
EDGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, float("inf"))


def counted(values: list[float]) -> Histogram:
    counts = [0] * len(EDGES)
    for value in values:
        counts[bisect_left(EDGES, value)] += 1
    return Histogram(EDGES, tuple(map(float, accumulate(counts))), float(sum(values)))


def scraped(at_s: float, into: list[float], out: list[float], start: float = 1.0) -> MetricsScraped:
    counters = Counters(
        process_start_s=start,
        request_input_tokens=counted(into),
        request_output_tokens=counted(out),
    )
    return MetricsScraped(Stamp(at_s, at_s), counters)


def test_moments_of_a_histogram_are_near_the_true_ones() -> None:
    rng = random.Random(5)
    values = [rng.lognormvariate(5, 0.8) for _ in range(5000)]
    got = moments(counted(values))
    assert got is not None
    assert got.mean == pytest.approx(fmean(values))
    # Wide buckets make it look wider than it is: the interval errs on the side of caution.
    assert pstdev(values) <= got.sd <= 1.3 * pstdev(values)


def test_nothing_seen_has_no_moments() -> None:
    assert moments(counted([])) is None
    assert moments(None) is None


def test_the_requests_of_a_window() -> None:
    old = scraped(0, [900.0] * 50, [900.0] * 50)
    new = scraped(100, [900.0] * 50 + [80.0] * 400, [900.0] * 50 + [220.0] * 400)
    seen = observed_between(old, new)
    assert seen is not None
    assert [seen.n, seen.input_tokens_mean, seen.output_tokens_mean] == [400, 80, 220]
    assert seen.window_s == 100
    assert seen.covariance == pytest.approx(seen.input_tokens_sd * seen.output_tokens_sd)


def test_a_restart_has_no_window() -> None:
    assert observed_between(scraped(0, [80.0], [220.0]), scraped(9, [8.0], [2.0], 50.0)) is None
    assert observed_between(scraped(9, [], []), scraped(9, [8.0], [2.0])) is None


def test_a_verdict_follows_from_what_was_observed_alone() -> None:
    seen = observed_between(scraped(0, [], []), scraped(100, [80.0] * 400, [220.0] * 400))
    prices = Scenario(
        gpu_usd_per_hour=Decimal("1.88"),
        input_usd_per_mtok=Decimal("0.10"),
        output_usd_per_mtok=Decimal("0.70"),
        capacity_rps=Decimal(25),
        observed=seen,
    )
    got = decide(prices)
    assert got.kind == "SELF_HOST_CHEAPER", reason(got)
    assert float(got.crossover.break_even_rps or 0) == pytest.approx(3.2236, rel=1e-4)


def test_bursts_are_less_sure_than_a_poisson_stream() -> None:
    assert dispersion_of([10, 10, 10, 10]) == 1
    assert dispersion_of([0, 40, 0, 40]) > 20
    assert dispersion_of([7]) == 1
    assert dispersion_of([0, 0]) == 1


@pytest.mark.parametrize(
    ("hours", "dispersion"),
    [
        ([], 1.0),
        ([[]], 1.0),
        ([[7]], 1.0),
        ([[0, 0], [0]], 1.0),
        # between hours the rate differs tenfold, within each it is even
        ([[10, 10, 10], [100, 100, 100]], 1.0),
        # squares of deviations 2 times 20 squared, 1 free count, over a mean of 20
        ([[0, 40]], 800 / 1 / 20),
        ([[0, 40], [30]], 800 / 1 / (70 / 3)),
    ],
)
def test_only_what_is_uneven_within_an_hour_is_chance(
    hours: list[list[float]], dispersion: float
) -> None:
    assert dispersion_within(hours) == pytest.approx(dispersion)
