from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.domain.prices.amounts import BadPrice, age_days, amount_from, digits, is_stale


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


def test_an_unknown_amount_has_no_digits() -> None:
    assert digits(None) is None


def test_an_undated_price_has_no_age() -> None:
    assert age_days(None, date(2026, 11, 21)) is None
    assert age_days(date(2026, 11, 1), date(2026, 11, 21)) == 20


@pytest.mark.parametrize(
    ("days", "stale"), [(-3, True), (-2, True), (-1, False), (0, False), (45, False), (46, True)]
)
def test_a_price_is_stale_by_its_age_or_of_a_day_to_come(days: int, *, stale: bool) -> None:
    today = date(2026, 11, 15)
    assert is_stale(today - timedelta(days), today) is stale


@pytest.mark.parametrize(("price", "fits"), [("1e-30", True), ("1e-31", False), ("0", True)])
def test_what_is_next_to_nothing_is_no_price(price: str, *, fits: bool) -> None:
    if fits:
        assert amount_from(price, "x") == Decimal(price)
    else:
        with pytest.raises(BadPrice, match="next to nothing"):
            amount_from(price, "x")
