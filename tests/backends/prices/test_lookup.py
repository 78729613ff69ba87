from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from backends.domain.prices.prices import ApiPrice
from backends.prices.lookup import quote
from backends.prices.table import PriceTable, shipped_table

URL = "https://api.host.example/v1/"
DAY = date(2026, 11, 1)


def row(provider: str = "host", price: str | None = "1", **more: object) -> ApiPrice:
    amount = None if price is None else Decimal(price)
    made = ApiPrice(provider, "m-70b", "m-70b", amount, amount, base_url=URL, as_of=DAY)
    return replace(made, **more)  # type: ignore[arg-type]


def test_an_endpoint_is_priced_by_its_host_and_its_own_model() -> None:
    table = shipped_table()
    url = "https://inference.do-ai.run/v1/"
    found = quote(table, url, "OpenAI-gpt-oss-120b")
    assert found.price is not None
    assert found.price.output_usd_per_mtok == Decimal("0.70")
    assert found.reason == ""


@pytest.mark.parametrize(
    ("url", "model", "reason"),
    [
        ("https://inference.do-ai.run/v1", "gpt-oss-120b", "has no gpt-oss-120b of digitalocean"),
        ("http://127.0.0.1:8000/v1", "openai-gpt-oss-120b", "no provider at 127.0.0.1 is in"),
    ],
)
def test_another_model_or_host_is_not_guessed(url: str, model: str, reason: str) -> None:
    found = quote(shipped_table(), url, model)
    assert found.price is None
    assert reason in found.reason
    assert "inferctl prices set" in found.reason


def test_rows_without_an_address_belong_to_their_provider() -> None:
    api_equivalent = row(base_url="https://other.example")
    here = (row(price="2", base_url=None), replace(row(), model="another"), api_equivalent)
    found = quote(PriceTable(here), URL, "m-70b").price
    assert found is not None
    assert found.input_usd_per_mtok == 2


def test_rows_that_disagree_are_named_and_none_is_taken() -> None:
    found = quote(PriceTable((row(), row("host-ai", "2"))), URL, "m-70b")
    assert found.price is None
    assert "host says $1.00 in and $1.00 out and host-ai says $2.00 in" in found.reason


def test_rows_that_agree_are_one_and_the_latest_is_named() -> None:
    later = row("host-ai", as_of=date(2026, 11, 20))
    undated = row("host.ai", as_of=None)
    assert quote(PriceTable((row(), later, undated)), URL, "m-70b").price == later


def test_the_users_own_price_settles_it() -> None:
    mine = row("mine", "3", origin="user")
    assert quote(PriceTable((row(), row("host-ai", "2"), mine)), URL, "m-70b").price == mine


def test_a_row_without_a_price_is_said_to_have_none() -> None:
    found = quote(PriceTable((row(price=None),)), URL, "m-70b")
    assert found.price is None
    assert found.reason.startswith("host has no price for m-70b")


def test_what_one_row_leaves_out_is_no_disagreement() -> None:
    fuller = row("host-ai", cached_input_usd_per_mtok=Decimal("0.1"))
    later = row(as_of=date(2026, 11, 20))
    assert quote(PriceTable((later, fuller)), URL, "m-70b").price == fuller
    other = row("host.ai", cached_input_usd_per_mtok=Decimal("0.2"))
    assert quote(PriceTable((later, fuller, other)), URL, "m-70b").price is None
