from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.prices.amounts import (
    BadPrice,
    age_days,
    amount_from,
    digits,
    figure,
    is_stale,
    usd,
)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1.88", "$1.88"),
        ("0", "$0.00"),
        ("0.0318555", "$0.0319"),
        ("0.345", "$0.345"),
        ("0.7", "$0.70"),
        ("0.000162", "$0.000162"),
        ("0.9999", "$1.00"),
        ("2514.24", "$2,514.24"),
        ("-0.5", "-$0.50"),
        ("5", "$5.00"),
    ],
)
def test_amounts_for_people(amount: str, text: str) -> None:
    assert usd(Decimal(amount)) == text


def test_unknown_is_never_zero() -> None:
    assert usd(None, "h") == "—"
    assert digits(None) is None


def test_a_rate_names_its_unit() -> None:
    assert usd(Decimal("1.88"), "h") == "$1.88/h"


@given(st.decimals(min_value="1e-9", max_value="1e9", allow_nan=False, places=12))
def test_no_amount_is_shown_as_nothing(amount: Decimal) -> None:
    if amount > 0:
        shown = Decimal(usd(amount).removeprefix("$").replace(",", ""))
        assert abs(shown - amount) <= max(amount * Decimal("0.006"), Decimal("0.005"))
        assert shown > 0


@given(st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=8))
def test_digits_keep_twelve_places(amount: Decimal) -> None:
    text = digits(amount)
    assert text is not None
    assert "E" not in text
    assert abs(Decimal(text) - amount) <= amount * Decimal("1e-11")


@pytest.mark.parametrize(
    "bad", ["$1.88", "1,88", "", "free", "-1", "NaN", "Infinity", True, None, float("inf"), [1]]
)
def test_a_bad_price_names_its_place_and_a_remedy(bad: object) -> None:
    with pytest.raises(BadPrice, match=r"^server\.gpt-oss\.gpu_usd_per_hour is .*write"):
        amount_from(bad, "server.gpt-oss.gpu_usd_per_hour")


def test_a_float_is_read_as_it_is_written() -> None:
    assert amount_from(0.1, "x") == Decimal("0.1")


@pytest.mark.parametrize(
    ("as_of", "stale"),
    [(date(2026, 10, 7), False), (date(2026, 10, 6), True), (None, False)],
)
def test_prices_are_stale_after_45_days(as_of: date | None, stale: bool) -> None:
    assert is_stale(as_of, date(2026, 11, 21)) is stale


def test_an_undated_price_has_no_age() -> None:
    assert age_days(None, date(2026, 11, 21)) is None
    assert age_days(date(2026, 11, 1), date(2026, 11, 21)) == 20


@pytest.mark.parametrize(
    ("value", "text"),
    [("3.2235", "3.22"), ("18.0077", "18"), ("0.6158", "0.616"), ("1234.5", "1,234"), ("0", "0")],
)
def test_figures_have_three_digits(value: str, text: str) -> None:
    assert figure(Decimal(value)) == text
