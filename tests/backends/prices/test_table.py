import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.cost import request_prices
from backends.domain.prices.prices import ApiPrice, GpuPrice, Price
from backends.prices.book import find_api_price
from backends.prices.table import (
    PriceTable,
    api_key,
    gpu_key,
    load_table,
    shipped_table,
    table_from,
    write_table,
)

DAY = date(2026, 11, 1)


def api(price: str | None, **more: Any) -> ApiPrice:
    amount = None if price is None else Decimal(price)
    row = ApiPrice("groq", "openai/gpt-oss-120b", "gpt-oss-120b", amount, amount, as_of=DAY)
    return replace(row, **more)


def test_every_shipped_price_has_an_amount_a_date_and_a_source() -> None:
    table = shipped_table()
    assert len(table.api) >= 25
    assert len(table.gpu) >= 15
    rows: tuple[Price, ...] = (*table.api, *table.gpu)
    for row in rows:
        assert row.as_of is not None, row
        assert row.source, row
    assert all(request_prices(row).known for row in table.api)
    assert all(row.usd_per_hour for row in table.gpu)


def test_no_shipped_price_is_there_twice() -> None:
    table = shipped_table()
    assert len({api_key(row) for row in table.api}) == len(table.api)
    assert len({gpu_key(row) for row in table.gpu}) == len(table.gpu)


def test_the_users_price_is_above_the_imported_above_the_shipped(tmp_path: Path) -> None:
    def now() -> ApiPrice | None:
        return find_api_price(load_table(tmp_path), "groq", "openai/gpt-oss-120b")

    shipped = now()
    assert shipped is not None
    assert shipped.origin == "shipped"
    write_table(tmp_path, "imported", PriceTable((api("2"),)))
    assert (now() or shipped).input_usd_per_mtok == 2
    write_table(tmp_path, "user", PriceTable((api("3"),)))
    found = now() or shipped
    assert (found.input_usd_per_mtok, found.origin) == (Decimal(3), "user")


@pytest.mark.parametrize(
    "worse", [api(None), api("2", as_of=None), api("2", as_of=date(2026, 10, 31))]
)
def test_an_import_that_knows_less_replaces_nothing(tmp_path: Path, worse: ApiPrice) -> None:
    write_table(tmp_path, "imported", PriceTable((worse,)))
    found = find_api_price(load_table(tmp_path), "groq", "openai/gpt-oss-120b")
    assert found is not None
    assert found.origin == "shipped"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    gpu = GpuPrice("here", "rack 7", "H100", Decimal("1.1"), "owned", as_of=DAY, origin="user")
    mine = api("0.05", base_url=None, origin="user")
    write_table(tmp_path / "new", "user", PriceTable((mine,), (gpu,)))
    table = load_table(tmp_path / "new")
    assert gpu in table.gpu
    assert mine in table.api
    assert (tmp_path / "new" / "prices.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", '"api" and "gpu"'),
        ('{"api": [{"provider": "x"}]}', r"api\[0\]: .*model"),
        (
            '{"gpu": [{"provider":"x","sku":"y","gpu":"z","usd_per_hour":"-1"}]}',
            r"gpu\[0\]: usd_per_hour is -1, which is not a price; write",
        ),
        (
            '{"gpu": [{"provider":"x","sku":"y","gpu":"z","usd_per_hour":"$2"}]}',
            r"gpu\[0\]: .*usd_per_hour",
        ),
        (
            '{"gpu": [{"provider":"x","sku":"y","gpu":"z","usd_per_hour":"NaN"}]}',
            "usd_per_hour",
        ),
    ],
)
def test_a_bad_file_is_named_with_its_row(text: str, message: str) -> None:
    with pytest.raises(BadPrice, match=message):
        table_from(text, "prices.json", "user")


def test_a_price_without_an_amount_is_unpriced() -> None:
    text = json.dumps({"api": [{"provider": "x", "model": "m", "canonical_model": "m"}]})
    row = table_from(text, "prices.json", "user").api[0]
    assert row.input_usd_per_mtok is None
    assert not request_prices(row).known


def test_numbers_keep_their_digits() -> None:
    text = '{"gpu": [{"provider":"x","sku":"y","gpu":"z","usd_per_hour":0.1}]}'
    assert table_from(text, "prices.json", "user").gpu[0].usd_per_hour == Decimal("0.1")
