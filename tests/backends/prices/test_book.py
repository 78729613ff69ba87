import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.cost import Tier
from backends.domain.prices.currencies import Currency
from backends.domain.prices.prices import ApiPrice, provenance
from backends.prices.book import (
    find_api_price,
    list_prices,
    set_api_price,
    set_gpu_price,
    update_from_package,
    update_prices,
)
from backends.prices.importers import import_catalogue
from backends.prices.installed import address_of, installed_prices
from backends.prices.table import load_table

DAY = date(2026, 11, 21)
MODELS_DEV: dict[str, Any] = {
    "digitalocean": {
        "id": "digitalocean",
        "api": "https://inference.example/v1",
        "models": {
            "openai-gpt-oss-120b": {
                "cost": {"input": 0.1, "output": 0.7, "cache_read": 0.05},
                "last_updated": "2025-08-05",
            },
            "by-subscription": {"cost": {"input": 0, "output": 0}},
            "a-model:free": {"cost": {"input": 0, "output": 0}},
            "without-cost": {"cost": None},
        },
    }
}
OPENROUTER = {
    "data": [
        {
            "id": "openai/gpt-oss-120b",
            "pricing": {"prompt": "0.000000039", "completion": "0.00000018", "request": "0"},
        },
        {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
    ]
}
LITELLM = {
    "sample_spec": {"mode": "chat", "litellm_provider": "one of them"},
    "deepinfra/openai/gpt-oss-120b": {
        "mode": "chat",
        "litellm_provider": "deepinfra",
        "input_cost_per_token": 3.7e-08,
        "output_cost_per_token": 1.7e-07,
    },
    "an-embedding": {"mode": "embedding", "litellm_provider": "x", "input_cost_per_token": 1e-8},
}


def imported(data: object) -> dict[str, ApiPrice]:
    _, rows = import_catalogue(json.dumps(data), "catalogue.json", DAY)
    return {row.model: row for row in rows}


def test_models_dev() -> None:
    rows = imported(MODELS_DEV)
    row = rows["openai-gpt-oss-120b"]
    assert (row.input_usd_per_mtok, row.output_usd_per_mtok) == (Decimal("0.1"), Decimal("0.7"))
    assert row.cached_input_usd_per_mtok == Decimal("0.05")
    assert (row.as_of, row.source) == (DAY, "models.dev catalogue")


def test_a_pair_of_zeros_is_unpriced_unless_it_is_called_free() -> None:
    rows = imported(MODELS_DEV)
    assert rows["by-subscription"].input_usd_per_mtok is None
    assert rows["without-cost"].input_usd_per_mtok is None
    assert rows["a-model:free"].input_usd_per_mtok == 0


def test_openrouter_charges_by_the_token_and_a_fee() -> None:
    rows = imported(OPENROUTER)
    row = rows["openai/gpt-oss-120b"]
    assert (row.input_usd_per_mtok, row.output_usd_per_mtok) == (Decimal("0.039"), Decimal("0.18"))
    assert row.fee_percent == Decimal("5.5")
    assert rows["openrouter/auto"].input_usd_per_mtok is None


def test_litellm_charges_by_the_token() -> None:
    rows = imported(LITELLM)
    assert list(rows) == ["openai/gpt-oss-120b"]
    row = rows["openai/gpt-oss-120b"]
    assert (row.provider, row.input_usd_per_mtok) == ("deepinfra", Decimal("0.037"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("{}", "no catalogue that is known"),
        ("[1]", "no catalogue that is known"),
        ('{"data": []}', "without any model"),
        (
            '{"data": [{"id": "m", "pricing": {"prompt": "cheap", "completion": "0"}}]}',
            "file.json: m: prompt is 'cheap', which is not a price",
        ),
    ],
)
def test_a_file_that_is_no_catalogue_is_said(text: str, message: str) -> None:
    with pytest.raises(BadPrice, match=message):
        import_catalogue(text, "file.json", DAY)


def test_an_import_is_dated_with_its_file_and_counts_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(MODELS_DEV))
    os.utime(path, (1_790_000_000, 1_790_000_000))
    first = update_prices(tmp_path, path)
    assert first.as_of == date(2026, 9, 21)
    assert (first.catalogue, first.rows, first.changed, first.unpriced) == ("models.dev", 4, 4, 2)
    assert update_prices(tmp_path, path).changed == 0
    dearer = json.loads(json.dumps(MODELS_DEV))
    dearer["digitalocean"]["models"]["openai-gpt-oss-120b"]["cost"]["output"] = 0.8
    path.write_text(json.dumps(dearer))
    assert update_prices(tmp_path, path, DAY).changed == 1
    row = find_api_price(load_table(tmp_path), "digitalocean", "openai-gpt-oss-120b")
    assert row is not None
    assert (row.output_usd_per_mtok, row.as_of) == (Decimal("0.8"), DAY)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadPrice, match="cannot be read"):
        update_prices(tmp_path, tmp_path / "none.json")


def test_setting_one_price_keeps_the_others(tmp_path: Path) -> None:
    row = set_api_price(
        tmp_path, "digitalocean", "openai-gpt-oss-120b", {"input_usd_per_mtok": "0.12"}, DAY
    )
    assert (row.input_usd_per_mtok, row.output_usd_per_mtok) == (Decimal("0.12"), Decimal("0.70"))
    assert (row.origin, row.as_of) == ("user", DAY)
    assert find_api_price(load_table(tmp_path), "digitalocean", "openai-gpt-oss-120b") == row


def test_setting_an_unknown_model_leaves_the_rest_unpriced(tmp_path: Path) -> None:
    row = set_api_price(tmp_path, "mine", "m", {"input_usd_per_mtok": "1"}, DAY)
    assert row.output_usd_per_mtok is None


@pytest.mark.parametrize(
    ("prices", "message"),
    [({"input": "1"}, 'called "input"'), ({"input_usd_per_mtok": "1 $"}, "input_usd_per_mtok")],
)
def test_a_bad_price_is_not_kept(tmp_path: Path, prices: dict[str, str], message: str) -> None:
    with pytest.raises(BadPrice, match=message):
        set_api_price(tmp_path, "mine", "m", prices, DAY)
    assert list(tmp_path.glob("*.json")) == []


def test_setting_the_price_of_a_gpu(tmp_path: Path) -> None:
    set_gpu_price(tmp_path, "digitalocean", "gpu-mi300x1-192gb", "1.88", DAY)
    set_gpu_price(tmp_path, "digitalocean", "gpu-mi300x1-192gb", "1.99", DAY)
    rows = list_prices(tmp_path, DAY, "mi300x")
    prices = [getattr(row.price, "usd_per_hour", None) for row in rows]
    assert sorted(filter(None, prices)) == [Decimal("1.91"), Decimal("1.99")]


def test_the_list_says_what_is_stale() -> None:
    rows = list_prices(None, DAY, "mi300x")
    assert {(row.price.as_of, row.freshness) for row in rows} == {
        (date(2026, 10, 7), "fresh"),
        (date(2026, 9, 20), "stale"),
    }


def test_prices_of_the_package_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("genai_prices")
    rows = {(row.provider, row.model): row for row in installed_prices(DAY)}
    groq = rows["groq", "openai/gpt-oss-120b"]
    assert (groq.output_usd_per_mtok, groq.base_url) == (Decimal("0.6"), "https://api.groq.com")
    (tier,) = rows["anthropic", "claude-sonnet-4-5"].tiers
    assert tier.above_input_tokens == 200_000
    assert update_from_package(tmp_path, DAY).as_of is None
    assert update_from_package(tmp_path, DAY, DAY).as_of == DAY


EUR = Currency("EUR", Decimal("1.08"), DAY)


def test_a_price_in_another_currency_is_converted_at_its_dated_rate(tmp_path: Path) -> None:
    both = {"input_usd_per_mtok": "0.50", "output_usd_per_mtok": "1", "fee_percent": "5"}
    row = set_api_price(tmp_path, "mine", "m", both, DAY, currency=EUR)
    assert (row.input_usd_per_mtok, row.output_usd_per_mtok) == (Decimal("0.54"), Decimal("1.08"))
    assert row.fee_percent == 5
    assert find_api_price(load_table(tmp_path), "mine", "m") == row
    assert provenance(row) == "you, 1 EUR = $1.08 of 2026-11-21"
    gpu = set_gpu_price(tmp_path, "mine", "h100", "2.5", DAY, currency=EUR)
    assert gpu.usd_per_hour == Decimal("2.700")


def test_amounts_of_two_currencies_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(BadPrice, match="output_usd_per_mtok is kept from another currency"):
        set_api_price(
            tmp_path,
            "digitalocean",
            "openai-gpt-oss-120b",
            {"input_usd_per_mtok": "0.1"},
            DAY,
            currency=EUR,
        )
    assert list(tmp_path.glob("*.json")) == []


def test_an_old_rate_makes_a_price_stale(tmp_path: Path) -> None:
    old = Currency("EUR", Decimal("1.08"), date(2026, 9, 1))
    set_gpu_price(tmp_path, "mine", "h100", "2.5", DAY, currency=old)
    (row,) = list_prices(tmp_path, DAY, "mine")
    assert row.freshness == "stale"


@pytest.mark.parametrize(
    ("cost", "tier"),
    [
        (
            {"tiers": [{"input": 6, "output": 22.5, "tier": {"type": "context", "size": 200000}}]},
            Tier(Decimal(200_000), Decimal(6), Decimal("22.5")),
        ),
        (
            {"context_over_200k": {"input": 6, "output": 22.5, "cache_read": 0.6}},
            Tier(Decimal(200_000), Decimal(6), Decimal("22.5"), Decimal("0.6")),
        ),
    ],
)
def test_models_dev_tiers(cost: dict[str, Any], tier: Tier) -> None:
    data = {"x": {"models": {"m": {"cost": {"input": 3, "output": 15, **cost}}}}}
    assert imported(data)["m"].tiers == (tier,)


def test_litellm_tiers_and_batches() -> None:
    entry = {
        "mode": "chat",
        "litellm_provider": "x",
        "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1.5e-05,
        "input_cost_per_token_above_200k_tokens": 6e-06,
        "output_cost_per_token_above_200k_tokens": 2.25e-05,
        "input_cost_per_token_batches": 1.5e-06,
        "output_cost_per_token_batches": 7.5e-06,
    }
    row = imported({"x/m": entry})["m"]
    assert row.tiers == (Tier(Decimal(200_000), Decimal(6), Decimal("22.5")),)
    assert row.batch_multiplier == Decimal("0.5")


def test_tiers_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    tiered = {"context_over_200k": {"input": 6, "output": 22.5}, "input": 3, "output": 15}
    path.write_text(json.dumps({"x": {"models": {"m": {"cost": tiered}}}}))
    update_prices(tmp_path, path, DAY)
    row = find_api_price(load_table(tmp_path), "x", "m")
    assert row is not None
    assert row.tiers == (Tier(Decimal(200_000), Decimal(6), Decimal("22.5")),)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        (r"https://api\.groq\.com", "https://api.groq.com"),
        (r"https://api\.arcee\.ai(?:/|$)", "https://api.arcee.ai"),
        (r"https://api\.cohere\.(?:ai|com)", None),
        (r"https://bedrock-runtime\.[a-z0-9-]+\.amazonaws\.com(/|$)", None),
        (r"https://(.*\.)?googleapis\.com", None),
    ],
)
def test_a_pattern_of_one_address_is_that_address(pattern: str, address: str | None) -> None:
    assert address_of(pattern) == address
