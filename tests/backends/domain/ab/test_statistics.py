import random
from fractions import Fraction
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.ab.statistics import (
    hodges_lehmann,
    mann_whitney_p,
    more_runs_to_settle,
    quantile,
    share_at_least,
    smallest_detectable,
    spread,
)
from tests.backends.domain.ab.simulation import heavy_tail

numbers = st.floats(-1e6, 1e6, allow_nan=False)


def sample(source: random.Random, n: int, shift: float = 0.0) -> list[float]:
    return [heavy_tail(source) + shift for _ in range(n)]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([1.0], 0.9, 1.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([4.0, 1.0, 3.0, 2.0], 0.25, 1.75),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.95, 4.8),
    ],
)
def test_quantiles_interpolate(values: list[float], share: float, expected: float) -> None:
    assert quantile(values, share) == pytest.approx(expected)


def test_no_values_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
    assert spread([]) is None


@pytest.mark.parametrize(
    ("runs", "has_p95", "has_p99"),
    [(20, False, False), (59, False, False), (60, True, False), (300, True, True)],
)
def test_tails_only_from_samples_that_can_tell(runs: int, has_p95: bool, has_p99: bool) -> None:
    found = spread([float(i) for i in range(runs)])
    assert found is not None
    assert (found.p95 is not None, found.p99 is not None) == (has_p95, has_p99)


def p_by_enumeration(a: list[float], b: list[float]) -> float:
    pooled = a + b
    centre = len(a) * len(b) / 2

    def distance(chosen: tuple[int, ...]) -> float:
        mine = [pooled[i] for i in chosen]
        rest = [pooled[i] for i in range(len(pooled)) if i not in chosen]
        return abs(sum(y > x for x in mine for y in rest) - centre)

    observed = distance(tuple(range(len(a))))
    all_ways = [distance(way) for way in combinations(range(len(pooled)), len(a))]
    return sum(d >= observed - 1e-9 for d in all_ways) / len(all_ways)


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (4, 4), (5, 3), (6, 5)])
def test_the_exact_p_is_that_of_all_orders(sizes: tuple[int, int]) -> None:
    source = random.Random(sum(sizes))
    a = [source.random() for _ in range(sizes[0])]
    b = [source.random() + 0.3 for _ in range(sizes[1])]
    assert mann_whitney_p(a, b) == pytest.approx(p_by_enumeration(a, b))


def test_a_published_case() -> None:
    # Permeability of the human chorioamnion, Hollander, Wolfe and Chicken, table 4.1: x at term,
    # y at 12 to 26 weeks; one-sided P = 0.1272, shift of x over y 0.305.
    x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    y = [1.15, 0.88, 0.90, 0.74, 1.21]
    assert mann_whitney_p(x, y) == pytest.approx(2 * 0.1272, abs=2e-4)
    found = hodges_lehmann(y, x)
    assert found is not None
    assert found[0] == pytest.approx(0.305)


def test_the_normal_approximation_agrees_with_the_exact_test() -> None:
    source = random.Random(4)
    a, b = sample(source, 30), sample(source, 30, 0.02)
    exact = mann_whitney_p(a, b)
    nearly = mann_whitney_p([*a, 5.0], [*b, 5.0001])
    assert nearly == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [([], [1.0], 1.0), ([1.0] * 9, [1.0] * 9, 1.0), ([1.0, 1.0, 2.0], [1.0, 2.0, 2.0], 0.6)],
)
def test_ties_and_emptiness(a: list[float], b: list[float], p: float) -> None:
    assert mann_whitney_p(a, b) == pytest.approx(p, abs=0.1)


@given(st.lists(numbers, max_size=12), st.lists(numbers, max_size=12))
def test_p_is_a_probability_and_does_not_care_for_sides(a: list[float], b: list[float]) -> None:
    p = mann_whitney_p(a, b)
    assert 0 <= p <= 1
    assert p == pytest.approx(mann_whitney_p(b, a))


@given(st.lists(numbers, min_size=4, max_size=10), st.lists(numbers, min_size=4, max_size=10))
def test_the_shift_lies_in_its_interval(a: list[float], b: list[float]) -> None:
    found = hodges_lehmann(a, b)
    assert found is not None
    shift, (low, high) = found
    assert low <= shift <= high


@pytest.mark.parametrize(("n", "m"), [(0, 5), (3, 3), (2, 5), (1, 30)])
def test_too_few_runs_have_no_interval(n: int, m: int) -> None:
    assert hodges_lehmann([0.1 * i for i in range(n)], [0.1 * i for i in range(m)]) is None


def test_the_interval_and_the_test_agree() -> None:
    source = random.Random(5)
    for _ in range(300):
        a, b = sample(source, 12), sample(source, 12, source.uniform(0, 0.08))
        found = hodges_lehmann(a, b)
        assert found is not None
        low, high = found[1]
        assert (mann_whitney_p(a, b) <= 0.05) == (low > 0 or high < 0)


def test_the_smallest_detectable_shift_is_found_four_times_in_five() -> None:
    source = random.Random(7)
    claims = []
    for _ in range(200):
        found = hodges_lehmann(sample(source, 20), sample(source, 20))
        assert found is not None
        claims.append(smallest_detectable(found[1]))
    shift = quantile(claims, 0.5)
    repetitions = 1000
    found_it = sum(
        mann_whitney_p(sample(source, 20), sample(source, 20, shift)) < 0.05
        for _ in range(repetitions)
    )
    assert 0.7 <= found_it / repetitions <= 0.9
    assert 0.15 <= shift / 0.2 <= 0.25


@pytest.mark.parametrize(
    ("shift", "detectable", "runs", "more"),
    [
        (0.1, 0.2, 20, 60),
        (-0.1, 0.2, 20, 60),
        (0.3, 0.2, 20, 0),
        (0.0, 0.2, 20, None),
        (1e-9, 0.2, 20, None),
    ],
)
def test_how_many_more_runs(shift: float, detectable: float, runs: int, more: int | None) -> None:
    assert more_runs_to_settle(shift, detectable, runs) == more


def test_that_many_more_runs_do_settle_it() -> None:
    source = random.Random(9)
    found = hodges_lehmann(sample(source, 20), sample(source, 20))
    assert found is not None
    more = more_runs_to_settle(0.02, smallest_detectable(found[1]), 20)
    assert more is not None
    n = 20 + more
    settled = sum(
        mann_whitney_p(sample(source, n), sample(source, n, 0.02)) < 0.05 for _ in range(200)
    )
    assert settled / 200 >= 0.65


@pytest.mark.parametrize(
    ("kept", "of", "low"), [(10, 10, 0.05**0.1), (299, 299, 0.05 ** (1 / 299))]
)
def test_a_share_without_a_miss(kept: int, of: int, low: float) -> None:
    assert share_at_least(kept, of) == pytest.approx(low, abs=1e-6)


@given(st.integers(1, 60), st.data())
def test_at_the_lowest_share_as_few_misses_come_once_in_twenty_times(
    of: int, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(1, of))
    low = Fraction(share_at_least(kept, of))
    as_few = sum(
        comb(of, hits) * low**hits * (1 - low) ** (of - hits) for hits in range(kept, of + 1)
    )
    assert float(as_few) == pytest.approx(0.05, abs=1e-4)


def test_nothing_kept_shows_nothing_and_many_are_no_trouble() -> None:
    assert share_at_least(0, 5) == 0
    assert 0.985 < share_at_least(9_900, 10_000) < 0.99
