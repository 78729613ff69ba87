"""Sources that do not agree on a price put both ends on the table."""

from datetime import date
from decimal import Decimal

from backends.domain.prices.ends import ends_of
from backends.domain.prices.prices import ApiPrice, GpuPrice, replaces

DAY = date(2026, 11, 20)


def api(into: str, out: str, source: str, **more: object) -> ApiPrice:
    return ApiPrice("p", "m", "m", Decimal(into), Decimal(out), source=source, **more)  # type: ignore[arg-type]


def gpu(usd: str, source: str) -> GpuPrice:
    return GpuPrice("p", "s", "g", Decimal(usd), source=source)


def test_a_factor_of_two_shows_both_ends() -> None:
    low, high = api("0.039", "0.18", "a list"), api("0.10", "0.50", "a registry")
    found = ends_of([high, low])
    assert found is not None
    assert (found.low, found.high) == (low, high)
    assert round(found.differ_share, 2) == Decimal("1.68")


def test_a_fifth_is_agreement_and_more_is_not() -> None:
    assert ends_of([gpu("2.00", "a"), gpu("2.40", "b")]) is None
    assert ends_of([gpu("2.00", "a"), gpu("2.41", "b")]) is not None


def test_one_source_or_the_users_own_price_is_no_disagreement() -> None:
    assert ends_of([gpu("1", "a"), gpu("2", "a")]) is None
    mine = api("1", "1", "you", origin="user")
    assert ends_of([mine, api("9", "9", "a")]) is None
    assert ends_of([api("1", "1", "a"), ApiPrice("p", "m", "m", source="b")]) is None


def test_the_providers_own_word_holds_until_it_is_stale() -> None:
    own = api("1", "1", "P price list", as_of=date(2026, 11, 1), origin="imported")
    other = api("2", "2", "a registry", as_of=DAY)
    assert not replaces(own, other)
    assert replaces(other, own)
    late = api("2", "2", "a registry", as_of=date(2026, 12, 31))
    assert replaces(own, late)
    assert not replaces(late, own)
