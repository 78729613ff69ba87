from datetime import date
from decimal import Decimal

import pytest

from backends.domain.decision.scenario import BadScenario, scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import reason
from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.currencies import Currency, amount_text, currency_of

DAY = date(2026, 11, 20)
POUNDS = {
    "gpu_usd_per_month": "399 GBP",
    "input_usd_per_mtok": "0.15",
    "output_usd_per_mtok": "0.60",
    "input_tokens": 695,
    "output_tokens": 256,
    "rate_rps": "1.2",
    "currencies": {"GBP": {"usd": "1.289", "as_of": DAY}},
}


def test_a_currency_is_given_with_its_rate_and_date() -> None:
    assert currency_of("eur", "1.08", DAY) == Currency("EUR", Decimal("1.08"), DAY)
    assert currency_of(None, None, None) is None


@pytest.mark.parametrize(
    ("code", "rate", "day", "message"),
    [
        ("EUR", None, DAY, "its code, its rate and the date"),
        ("EUR", "1.08", None, "its code, its rate and the date"),
        (None, "1.08", DAY, "its code, its rate and the date"),
        ("EURO", "1.08", DAY, "three letters"),
        ("EUR", "0", DAY, "--rate 0 cannot be"),
        ("EUR", "much", DAY, "is not a price"),
    ],
)
def test_half_a_currency_is_refused(
    code: str | None, rate: str | None, day: date | None, message: str
) -> None:
    with pytest.raises(BadPrice, match=message):
        currency_of(code, rate, day)


def test_amounts_are_told_in_it() -> None:
    euro = Currency("EUR", Decimal("1.08"), DAY)
    assert amount_text(Decimal("0.10"), euro) == "0.0926 EUR"
    assert amount_text(Decimal("0.10"), None) == "$0.10"
    assert amount_text(None, euro) == "—"


def test_a_scenario_takes_prices_in_a_currency_and_says_so() -> None:
    scenario = scenario_from(POUNDS)
    assert scenario.gpu_usd_per_month == Decimal("514.311")
    said = decide(scenario).assumptions
    assert "gpu_usd_per_month is 399 GBP." in said
    assert "One GBP is $1.29, as of 2026-11-20." in said


def test_an_old_rate_makes_the_verdict_stale() -> None:
    scenario = scenario_from({**POUNDS, "today": "2027-02-01", "capacity_rps": 9})
    found = decide(scenario)
    assert found.kind == "STALE_PRICES"
    assert "rate of GBP is 73 days old" in reason(found)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"gpu_usd_per_month": "399 GBP"}, r"add \[currencies.GBP\]"),
        ({"currencies": {"GBP": {"usd": "1.289"}}}, "usd and as_of"),
        ({"currencies": {"GBP": {"usd": "0", "as_of": DAY}}}, "usd is 0, which cannot be"),
        ({"currencies": "GBP"}, r"\[currencies.GBP\]"),
        ({"gpu_usd_per_hour": "x GBP"}, "is not a number"),
        ({"gpu_usd_per_hour": "GBP"}, "is not a number"),
    ],
)
def test_a_currency_that_is_not_known_is_named(data: dict[str, object], message: str) -> None:
    with pytest.raises(BadScenario, match=message):
        scenario_from(data)


def test_us_dollars_may_be_named() -> None:
    assert scenario_from({"gpu_usd_per_hour": "1.88 USD"}).gpu_usd_per_hour == Decimal("1.88")
