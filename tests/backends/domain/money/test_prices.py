from datetime import date
from decimal import Decimal

import pytest

from backends.domain.money.prices import (
    ApiPrice,
    GpuContract,
    GpuPrice,
    freshness,
    priced_with,
)
from backends.domain.money.request_prices import request_prices
from backends.domain.money.scenario import Scenario

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


@pytest.mark.parametrize(
    ("contract", "key", "amount"),
    [
        ("on_demand", "gpu_usd_per_hour", "3.6"),
        ("spot", "gpu_usd_per_hour", "3.6"),
        ("reserved", "gpu_usd_per_month", "2628"),
        ("serverless", "serverless_usd_per_second", "0.001"),
    ],
)
def test_a_gpu_price_goes_where_its_contract_says(
    contract: GpuContract, key: str, amount: str
) -> None:
    row = GpuPrice("x", "y", "H100", Decimal("3.6"), contract, as_of=DAY)
    scenario = priced_with(Scenario(), API, row)
    assert getattr(scenario, key) == Decimal(amount)
    dates = (scenario.gpu_price_as_of, scenario.contract_price_as_of)
    assert dates == ((DAY, None) if key == "gpu_usd_per_hour" else (None, DAY))
    assert scenario.api_price_as_of == date(2026, 11, 1)
    assert scenario.fee_percent == Decimal("5.5")


def test_without_prices_nothing_changes() -> None:
    assert priced_with(Scenario(), None, None) == Scenario()


def test_the_fee_is_on_everything() -> None:
    assert request_prices(API).cost(1_000_000, 0) == Decimal("0.039") * Decimal("1.055")


def test_a_price_without_a_date_is_neither_fresh_nor_stale() -> None:
    assert freshness(API, DAY) == "fresh"
    assert freshness(API, date(2026, 12, 17)) == "stale"
    assert freshness(ApiPrice("x", "m", "m"), DAY) == "undated"
