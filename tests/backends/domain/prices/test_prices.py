from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from backends.domain.prices.cost import request_prices
from backends.domain.prices.prices import (
    ApiPrice,
    GpuPrice,
    Price,
    freshness,
    provenance,
    replaces,
)

DAY = date(2026, 11, 21)
API = ApiPrice(
    "openrouter",
    "openai/gpt-oss-120b",
    "gpt-oss-120b",
    Decimal("0.039"),
    Decimal("0.18"),
    fee_percent=Decimal("5.5"),
    as_of=date(2026, 11, 1),
)


def test_the_fee_is_on_everything() -> None:
    assert request_prices(API).cost(1_000_000, 0) == Decimal("0.039") * Decimal("1.055")


def test_a_price_without_a_date_is_neither_fresh_nor_stale() -> None:
    assert freshness(API, DAY) == "fresh"
    assert freshness(API, date(2026, 12, 17)) == "stale"
    assert freshness(ApiPrice("x", "m", "m"), DAY) == "undated"


EUROS = GpuPrice(
    "x",
    "y",
    "H100",
    Decimal("3.6"),
    as_of=DAY,
    source="their page",
    currency="EUR",
    currency_usd=Decimal("1.1"),
    currency_as_of=date(2026, 11, 20),
)


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (replace(EUROS, currency=None), "their page"),
        (replace(EUROS, currency_usd=None), "their page"),
        (EUROS, "their page, 1 EUR = $1.10 of 2026-11-20"),
        (replace(EUROS, currency_as_of=None), "their page, 1 EUR = $1.10"),
    ],
)
def test_a_converted_price_says_at_which_rate(price: GpuPrice, said: str) -> None:
    assert provenance(price) == said


def test_a_price_without_tokens_is_unpriced_never_free() -> None:
    assert not request_prices(replace(API, output_usd_per_mtok=None)).known
    assert not request_prices(replace(API, input_usd_per_mtok=None)).known


UNPRICED = replace(API, input_usd_per_mtok=None, as_of=DAY)
LATER, UNDATED = replace(API, as_of=DAY), replace(API, as_of=None)


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        (None, UNPRICED, True),
        (API, LATER, True),
        (LATER, API, False),
        (API, API, True),
        (API, UNPRICED, False),
        (UNPRICED, replace(UNPRICED, as_of=date(2026, 11, 22)), True),
        (API, UNDATED, False),
        (UNDATED, UNDATED, True),
        (UNDATED, API, True),
        (LATER, replace(UNPRICED, origin="user", as_of=None), True),
        (EUROS, replace(EUROS, usd_per_hour=None, as_of=date(2026, 12, 1)), False),
        (EUROS, replace(EUROS, as_of=date(2026, 12, 1)), True),
    ],
)
def test_what_is_better_known_is_not_replaced(
    old: Price | None, new: Price, *, taken: bool
) -> None:
    assert replaces(old, new) is taken
