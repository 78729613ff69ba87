from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.money.document import verdict_document
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.prices.book import set_api_price
from backends.problem import UsageProblem
from backends.settings.config import Endpoint, Settings, TokenPrices
from console import economics
from console.pricing import with_known_prices

DO = "https://inference.do-ai.run/v1"


OPEN = TokenPrices()


def settings(prices: TokenPrices = OPEN, model: str = "openai-gpt-oss-120b") -> Settings:
    return Settings(endpoints=(Endpoint("api", DO, model, prices=prices),))


def priced(given: Settings, folder: Path) -> TokenPrices:
    return with_known_prices(given, folder).endpoints[0].prices


def test_an_open_price_comes_from_the_table_with_its_source(tmp_path: Path) -> None:
    prices = priced(settings(), tmp_path)
    assert (prices.input_usd_per_mtok, prices.output_usd_per_mtok) == (
        Decimal("0.10"),
        Decimal("0.70"),
    )
    assert prices.as_of == date(2026, 5, 21)
    assert prices.source == "price table: models.dev catalogue"


def test_the_verdict_rests_on_it_and_says_so(tmp_path: Path) -> None:
    known = with_known_prices(settings(), tmp_path)
    found = economics.verdict(Session(Stamp(0.0, 0.0)), known, date(2026, 6, 1))
    said = " ".join(verdict_document(found)["assumptions"])
    assert "as of 2026-05-21 (price table: models.dev catalogue)" in said


@pytest.mark.parametrize(
    "given",
    [
        TokenPrices(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2)),
        TokenPrices(output_usd_per_mtok=Decimal(2)),
        TokenPrices(usd_per_request=Decimal("0.01")),
    ],
)
def test_what_the_configuration_says_stands(given: TokenPrices, tmp_path: Path) -> None:
    assert priced(settings(given), tmp_path) == given


def test_a_price_that_is_not_there_says_why(tmp_path: Path) -> None:
    prices = priced(settings(model="unheard-of"), tmp_path)
    assert prices.input_usd_per_mtok is None
    assert "has no unheard-of of digitalocean" in prices.reason


def test_the_users_own_price_is_used(tmp_path: Path) -> None:
    amounts = {"input_usd_per_mtok": "0.11"}
    set_api_price(tmp_path, "digitalocean", "openai-gpt-oss-120b", amounts, date(2026, 11, 20))
    prices = priced(settings(), tmp_path)
    assert (prices.input_usd_per_mtok, prices.as_of) == (Decimal("0.11"), date(2026, 11, 20))
    assert prices.source == "price table: you"


def test_a_broken_price_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("{")
    with pytest.raises(UsageProblem, match=r"prices\.json: no JSON"):
        with_known_prices(settings(), tmp_path)
