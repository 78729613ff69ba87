"""Prompts by the tiers of a price, as a server's histogram tells their lengths."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.serving import Histogram
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.prompt_lengths import by_tier
from backends.domain.traffic.requests import Observed, RequestKind

INF = float("inf")
EDGES = (1_000.0, 100_000.0, 200_000.0, 500_000.0, INF)


def traffic(prompts: Histogram | None, into: float = 10_000.0) -> Demand:
    seen = Observed(Decimal(1000), Decimal(repr(into)), Decimal(200))
    return Demand(seen, "a server", prompts=prompts)


def share_of(kinds: tuple[RequestKind, ...], limit: float) -> float:
    whole = sum(kind.weight for kind in kinds)
    return float(sum(kind.weight for kind in kinds if kind.input_tokens > limit) / whole)


def mean_of(kinds: tuple[RequestKind, ...]) -> float:
    whole = sum(kind.weight for kind in kinds)
    return float(sum(kind.weight * kind.input_tokens for kind in kinds) / whole)


def test_a_limit_at_an_edge_leaves_nothing_open() -> None:
    prompts = Histogram(EDGES, (900.0, 980.0, 990.0, 1000.0, 1000.0), 10_000_000.0)
    found = by_tier(traffic(prompts), (200_000.0,))
    assert share_of(found.kinds, 200_000) == pytest.approx(0.01)
    assert found.kinds_ends == ()
    assert {kind.output_tokens for kind in found.kinds} == {Decimal(200)}


def test_a_limit_inside_a_bucket_is_open_within_it() -> None:
    prompts = Histogram(EDGES, (900.0, 980.0, 990.0, 1000.0, 1000.0), 10_000_000.0)
    found = by_tier(traffic(prompts), (125_000.0,))
    fewest, most = found.kinds_ends
    assert share_of(fewest, 125_000) == pytest.approx(0.01)
    assert share_of(most, 125_000) == pytest.approx(0.02)
    assert share_of(found.kinds, 125_000) == pytest.approx(0.0175)


def test_prompts_that_all_are_short_are_of_one_kind() -> None:
    prompts = Histogram(EDGES, (1000.0,) * 5, 400_000.0)
    found = by_tier(traffic(prompts, 400.0), (200_000.0,))
    assert (len(found.kinds), found.kinds_ends) == (1, ())
    assert mean_of(found.kinds) == pytest.approx(400)


def test_what_is_longer_than_the_last_edge_is_in_the_tier_of_its_beginning() -> None:
    prompts = Histogram((1_000.0, 200_000.0, INF), (900.0, 950.0, 1000.0), 20_000_000.0)
    found = by_tier(traffic(prompts, 20_000.0), (128_000.0,))
    fewest, most = found.kinds_ends
    assert (share_of(fewest, 128_000), share_of(most, 128_000)) == pytest.approx((0.05, 0.10))


def test_a_mean_alone_allows_as_many_as_its_share_of_the_limit() -> None:
    found = by_tier(traffic(None, 50_000.0), (200_000.0,))
    assert found.kinds == ()
    fewest, most = found.kinds_ends
    assert share_of(fewest, 200_000) == 0
    assert share_of(most, 200_000) == pytest.approx(0.25)
    assert mean_of(most) == pytest.approx(50_000)


def test_without_tiers_and_of_a_file_nothing_is_changed() -> None:
    bare = traffic(Histogram(EDGES, (1000.0,) * 5, 400_000.0))
    assert by_tier(bare, ()) is bare
    of_file = replace(bare, kinds=(RequestKind(Decimal(1), Decimal(5), Decimal(5)),))
    assert by_tier(of_file, (200_000.0,)) is of_file


@given(
    st.lists(st.integers(0, 1000), min_size=5, max_size=5).filter(any),
    st.lists(
        st.sampled_from([500.0, 1_000.0, 90_000.0, 200_000.0, 272_000.0]),
        min_size=1,
        max_size=3,
        unique=True,
    ),
)
def test_every_request_is_in_one_tier_and_within_it(counts: list[int], limits: list[float]) -> None:
    limits.sort()
    below = [float(sum(counts[: place + 1])) for place in range(5)]
    found = by_tier(traffic(Histogram(EDGES, tuple(below), 1.0), 30_000.0), limits)
    for kinds in (found.kinds, *found.kinds_ends):
        assert float(sum(kind.weight for kind in kinds)) == pytest.approx(sum(counts))
        tiers = [sum(float(kind.input_tokens) > limit for limit in limits) for kind in kinds]
        assert tiers == sorted(set(tiers))
    if found.kinds_ends:
        fewest, most = found.kinds_ends
        shares = [share_of(each, limits[0]) for each in (fewest, found.kinds, most)]
        assert shares == sorted(shares)
