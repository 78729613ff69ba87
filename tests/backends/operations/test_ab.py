"""From names to an A/B, and that what it is said to cost at most is never exceeded."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.prices.cost import RequestPrices
from backends.operations import ab
from backends.operations.ab import ab_targets
from backends.prober.prompts import PROMPTS, Prompt
from backends.prober.protocol import Target
from backends.problem import NotFound
from backends.settings.config import Endpoint, KeySource, Settings
from tests.console.sessions import EMPTY, FAILED, READY, SERVERLESS, SETTINGS, STARTING

NONCE_AND_TEMPLATE_TOKENS = 40
WORDS = ["the", "of", "time", "first", "token", "between", "requests"]


def target(into: str | None, out: str | None) -> Target:
    tokens = [None if price is None else Decimal(price) for price in (into, out)]
    return Target(
        "a", "x", "http://127.0.0.1:9/v1", "m", prices=RequestPrices(tokens[0], tokens[1])
    )


@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1),
    runs=st.integers(1, 200),
    max_tokens=st.integers(1, 4000),
    into=st.decimals("0.01", "20", places=2),
    out=st.decimals("0.01", "90", places=2),
)
def test_no_series_costs_more_than_the_bound(
    words: list[str], runs: int, max_tokens: int, into: Decimal, out: Decimal
) -> None:
    priced = target(str(into), str(out))
    prompt = Prompt("x", "x", " ".join(words), 9)
    bound = ab.most_usd(ab.series((priced, priced), prompt, runs, max_tokens=max_tokens))
    assert bound is not None
    tokens = len(words) + NONCE_AND_TEMPLATE_TOKENS
    with_warm_up = runs + 1
    assert bound >= 2 * with_warm_up * (into * tokens + out * max_tokens) / 10**6


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda each: each.name)
def test_the_bound_holds_for_the_library_at_three_characters_a_token(prompt: Prompt) -> None:
    order = ab.series((target("1", "2"), target("1", "2")), prompt, 20)
    bound = ab.most_usd(order)
    assert bound is not None
    input_tokens = len(prompt.text) // 3 + 20
    assert bound >= Decimal(2 * 21 * (input_tokens + 2 * order.max_tokens)) / 10**6


@pytest.mark.parametrize("prices", [(None, None), ("1", None), (None, "1")])
def test_a_lane_without_both_prices_has_no_bound(prices: tuple[str | None, str | None]) -> None:
    assert ab.most_usd(ab.series((target(*prices),), PROMPTS[0], 3)) is None


def test_the_ready_server_comes_first_and_no_other_does() -> None:
    assert ab_targets(READY, SETTINGS) == ("chat", "serverless")
    for other in (EMPTY, STARTING, FAILED):
        assert ab_targets(other, SETTINGS) == ("serverless",)


def test_there_are_at_most_four_lanes() -> None:
    endpoints = tuple(replace(SERVERLESS, name=f"e{number}") for number in range(6))
    names = ab_targets(READY, replace(SETTINGS, endpoints=endpoints))
    assert names == ("chat", "e0", "e1", "e2")
    assert [each.name for each in ab.targets(names, Settings(SETTINGS.servers, endpoints))] == [
        "a",
        "b",
        "c",
        "d",
    ]


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(NotFound, match="nobody"):
        ab.targets(("nobody",), SETTINGS)


def test_a_key_never_shows_in_a_lane_or_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "sk-hidden")
    keyed = Endpoint("e", "http://127.0.0.1:9/v1", "m", KeySource("env", "A_KEY"))
    order = ab.series(ab.targets(("e",), Settings(endpoints=(keyed,))), PROMPTS[0], 1)
    assert order.targets[0].api_key == "sk-hidden"
    assert "sk-hidden" not in repr(order)


def test_a_lane_is_priced_as_its_endpoint() -> None:
    (first,) = ab.targets(("serverless",), SETTINGS)
    assert first.prices == RequestPrices(Decimal("0.10"), Decimal("0.70"))
