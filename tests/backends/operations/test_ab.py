"""From names to an A/B, and that what it is said to cost at most is never exceeded."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.prices.cost import RequestPrices
from backends.operations import ab
from backends.operations.ab import ab_targets
from backends.operations.host import Host, open_this_hosts_gpus
from backends.prober.prompts import PROMPTS, Prompt
from backends.prober.protocol import Target
from backends.problem import NotFound, UsageProblem
from backends.settings.config import Endpoint, KeySource, Settings
from tests.console.sessions import EMPTY, FAILED, READY, SERVERLESS, SETTINGS, STARTING

NONCE_AND_TEMPLATE_TOKENS = 40
HOST = Host(SETTINGS, Path("/nowhere"), Path("/nowhere/history"), open_this_hosts_gpus)
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


@pytest.mark.parametrize(
    ("runs", "base_url", "prices", "needed"),
    [
        (1, "http://127.0.0.1:9/v1", ("1", "2"), False),
        (2, "http://127.0.0.1:9/v1", ("1", "2"), True),
        (2, "http://127.0.0.1:9/v1", (None, None), False),
        (2, "https://api.example/v1", (None, None), True),
        (2, "https://api.example/v1", ("1", "2"), True),
    ],
)
def test_a_series_is_asked_about_where_somebody_may_charge_for_it(
    runs: int, base_url: str, prices: tuple[str | None, str | None], *, needed: bool
) -> None:
    where = replace(target(*prices), base_url=base_url)
    order = ab.series((where, where), PROMPTS[0], runs)
    asked = ab.consent(order, HOST)
    assert asked.needed is needed
    assert asked.most_usd == ab.most_usd(order)
    assert ab.cost_text(order, SETTINGS) in asked.sentence
    assert not ab.consent(order, replace(HOST, simulated=True)).needed


def test_a_profile_of_this_host_is_never_charged_whatever_its_address() -> None:
    own = replace(target(None, None), endpoint="chat", base_url="http://10.0.0.5:8000/v1")
    assert ab.costs_nothing(own, SETTINGS)
    assert not ab.costs_nothing(replace(own, endpoint="api_equivalent"), SETTINGS)


def test_a_prompt_is_of_the_library_by_name_else_as_typed(tmp_path: Path) -> None:
    assert ab.typed_prompt("short") == PROMPTS[0]
    assert ab.typed_prompt("say hello").text == "say hello"
    file = tmp_path / "p.txt"
    file.write_bytes(b"read \xff me")
    assert ab.prompt_in(file).text == "read \ufffd me"
    assert ab.prompt_in(file).max_tokens == ab.typed_prompt("x").max_tokens
    with pytest.raises(UsageProblem, match=r"nowhere.*No such file"):
        ab.prompt_in(tmp_path / "nowhere")
