"""Prices at the last day, token and dollar of each rule."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from backends.domain.prices.amounts import digits, is_stale
from backends.domain.prices.cost import RequestPrices, Tier
from backends.domain.prices.offers import offers, offers_sentence
from backends.domain.prices.prices import ApiPrice, GpuPrice, replaces

GIB = 1 << 30


@pytest.mark.parametrize(("days", "stale"), [(45, False), (46, True), (-1, False), (-2, True)])
def test_a_price_is_stale_after_45_days_and_before_its_own(days: int, *, stale: bool) -> None:
    today = date(2026, 11, 30)
    assert is_stale(today - timedelta(days=days), today) is stale


def api(usd: str, source: str, day: int, origin: str = "imported") -> ApiPrice:
    return ApiPrice(
        "p",
        "m",
        "m",
        Decimal(usd),
        Decimal(usd),
        source=source,
        as_of=date(2026, 11, day),
        origin=origin,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("day", "taken"), [(2, True), (3, True), (1, False)])
def test_a_price_of_the_same_day_replaces_and_an_older_one_does_not(
    day: int, *, taken: bool
) -> None:
    assert replaces(api("1", "a list", 2), api("2", "a list", day)) is taken


def test_a_prompt_is_of_a_tier_whose_limit_it_exceeds() -> None:
    tiers = (Tier(Decimal(1000), Decimal(2), Decimal(20)),)
    prices = RequestPrices(Decimal(1), Decimal(10), tiers=tiers)
    assert prices.of_prompt(1000).input_usd_per_mtok == 1
    assert prices.of_prompt(1001).input_usd_per_mtok == 2


def test_the_most_that_a_request_costs_is_that_of_the_dearest_tier_below_its_length() -> None:
    tiers = (Tier(Decimal(1000), Decimal("0.1"), Decimal("0.1")),)
    prices = RequestPrices(Decimal(1), Decimal(10), tiers=tiers)
    at_the_limit = prices.cost(1000, 10)
    assert prices.most_usd(1000, 10) == at_the_limit
    assert prices.most_usd(1001, 10) == at_the_limit
    assert prices.most_usd(999, 10) == prices.cost(999, 10)


@pytest.mark.parametrize(
    ("gib", "found"), [(87, True), (89, False), (72, True), (71, False)], ids=str
)
def test_a_card_is_the_one_of_a_list_within_a_tenth_of_its_memory(gib: int, *, found: bool) -> None:
    row = GpuPrice("p", "s", "H100", Decimal(2), vram_gb=80)
    assert bool(offers([row], "NVIDIA H100 PCIe", gib * GIB)) is found


def test_a_card_is_the_one_of_a_list_whose_every_word_it_has() -> None:
    row = GpuPrice("p", "s", "H100", Decimal(2), vram_gb=80)
    assert offers([row], "H100", 80 * GIB) == (row,)
    assert offers([row], "A100", 80 * GIB) == ()


def test_a_prompt_beyond_several_limits_is_of_the_highest() -> None:
    tiers = tuple(
        Tier(Decimal(limit), Decimal(usd), Decimal(usd)) for limit, usd in ((1000, 2), (2000, 3))
    )
    prices = RequestPrices(Decimal(1), Decimal(1), tiers=tiers)
    assert prices.of_prompt(1500).input_usd_per_mtok == 2
    assert prices.of_prompt(2500).input_usd_per_mtok == 3


def test_requests_whose_tokens_are_free_cost_what_they_cost_alone() -> None:
    free = RequestPrices(Decimal(0), Decimal(0), usd_per_request=Decimal("0.01"))
    assert free.cost(None, None) == Decimal("0.01")
    dear = RequestPrices(Decimal(1), Decimal(1), usd_per_request=Decimal("0.01"))
    assert dear.cost(None, None) is None


def test_the_offers_of_a_card_are_told_from_the_cheapest_to_the_dearest() -> None:
    rows = [GpuPrice(f"p{usd}", "s", "H100", Decimal(usd)) for usd in (3, 1, 2)]
    found = offers(rows, "H100", None)
    assert offers_sentence(found) == (
        "the price table has one H100 on demand from $1.00/h (p1 s, undated) to $3.00/h (p3 s,"
        " undated)"
    )
    assert offers_sentence(found[:1]).endswith("on demand at $1.00/h (p1 s, undated)")
    assert offers_sentence(()) == ""


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1.234567890123456", "1.23456789012"),
        ("0.0001234567890123456", "0.000123456789012"),
        ("123456.7890123456", "123456.789012"),
        ("2.50", "2.5"),
        ("0", "0"),
    ],
)
def test_an_amount_has_twelve_significant_digits(amount: str, text: str) -> None:
    assert digits(Decimal(amount)) == text


def test_a_token_without_a_price_makes_a_request_unpriced_and_none_does_not() -> None:
    into = RequestPrices(input_usd_per_mtok=Decimal(1))
    out = RequestPrices(output_usd_per_mtok=Decimal(2))
    assert into.cost(1_000_000, 0) == 1
    assert into.cost(1_000_000, 1) is None
    assert out.cost(0, 1_000_000) == 2
    assert out.cost(1, 1_000_000) is None
