"""Prices of packages that know them, where the user has installed them beside this program."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib import import_module
from types import ModuleType
from typing import Any

from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.cost import Tier
from backends.domain.prices.prices import ApiPrice, GpuPrice

_TIERED = ("input_mtok", "output_mtok", "cache_read_mtok")
_END_OF_HOST = re.compile(r"\(\??:?/\|\$\)$")
_BATCH = {"processing": "batch"}


def installed_prices(today: date) -> tuple[ApiPrice, ...]:
    """Return the prices in force today; undated, for the package does not say when it checked them.

    Prices bound to hours of the day come out unpriced: which of them holds depends on the request.

    Raises:
        BadPrice: the package is not installed, or is built in a way that is not known.
    """
    try:
        data: ModuleType = import_module("genai_prices.data")
    except ModuleNotFoundError as error:
        raise BadPrice(
            "genai-prices is not installed beside inferctl; install it, or give a catalogue's file"
        ) from error
    return _rows(data.providers, today)


def fetched_prices(today: date, address: str | None) -> tuple[ApiPrice, ...]:
    """Return the prices that the genai-prices package fetches, as of today.

    Raises:
        BadPrice: the package is not installed, or its list cannot be had.
    """
    try:
        updates: ModuleType = import_module("genai_prices.update_prices")
    except ModuleNotFoundError as error:
        raise BadPrice("genai needs its package; install inferctl[prices]") from error
    asked = updates.UpdatePrices(url=address) if address else updates.UpdatePrices()
    try:
        snapshot = asked.fetch()
    except Exception as error:  # the package's HTTP client raises its own
        raise BadPrice(f"genai: its list cannot be had ({error}); try again") from error
    rows = _rows(snapshot.providers, today) if snapshot else ()
    return tuple(replace(row, as_of=today, source="genai-prices list") for row in rows)


def fetched_gpus(today: date) -> tuple[GpuPrice, ...]:
    """Return the offers of the clouds that the gpuhunt package knows, the cheapest place of each.

    It asks live those of them for which it finds a key, and reads its own dated lists for the rest,
    or the folder that GPUHUNT_CATALOG_DIR names.

    Raises:
        BadPrice: the package is not installed, or its lists cannot be had.
    """
    try:
        gpuhunt: ModuleType = import_module("gpuhunt")
    except ModuleNotFoundError as error:
        raise BadPrice("gpuhunt needs its package; install inferctl[prices]") from error
    try:
        items = gpuhunt.default_catalog().query(min_gpu_count=1)
    except Exception as error:  # every cloud behind it raises its own
        raise BadPrice(f"gpuhunt: its lists cannot be had ({error}); try again") from error
    best: dict[tuple[str, str, str], GpuPrice] = {}
    for item in items:
        row = _gpu_row(item, today)
        key = (row.provider, row.sku, row.contract)
        if key not in best or (row.usd_per_hour or 0) < (best[key].usd_per_hour or 0):
            best[key] = row
    return tuple(best.values())


def _gpu_row(item: Any, today: date) -> GpuPrice:
    return GpuPrice(
        item.provider,
        item.instance_name,
        item.gpu_name or item.instance_name,
        Decimal(repr(item.price)) / item.gpu_count,
        "spot" if item.spot else "on_demand",
        item.gpu_count,
        None if item.gpu_memory is None else round(item.gpu_memory),
        as_of=today,
        source="gpuhunt catalogue",
        origin="imported",
    )


def _rows(providers: Any, today: date) -> tuple[ApiPrice, ...]:
    return tuple(
        _row(provider, model, today) for provider in providers for model in provider.models
    )


def _row(provider: Any, model: Any, today: date) -> ApiPrice:
    prices = _in_force(model.prices, today)
    return ApiPrice(
        provider.id,
        model.id,
        model.id.rsplit("/", 1)[-1].lower(),
        _amount(prices, "input_mtok"),
        _amount(prices, "output_mtok"),
        _amount(prices, "cache_read_mtok"),
        _amount(prices, "cache_write_mtok"),
        batch_multiplier=_batch(model, prices, today),
        tiers=_tiers(prices),
        base_url=address_of(provider.api_pattern),
        source="genai-prices package",
        origin="imported",
    )


def address_of(pattern: str) -> str | None:
    """Return the address that a provider's pattern stands for, None where it stands for several."""
    address = _END_OF_HOST.sub("", pattern).replace(r"\.", ".")
    plain = re.fullmatch(r"https://[\w.-]+(/[\w./-]*)?", address)
    return address if plain else None


def _in_force(prices: Any, today: date) -> Any:
    if not isinstance(prices, list):
        return prices
    found = None
    for conditional in prices:
        begins = getattr(conditional.constraint, "start_date", None)
        if conditional.constraint is None or (begins is not None and begins <= today):
            found = conditional.prices
        elif begins is None:
            return None
    return found


def _amount(prices: Any, name: str, prompt_tokens: int = 0) -> Decimal | None:
    """Return one price at a length of prompt: that of the last tier which it exceeds."""
    amount = getattr(prices, name, None)
    for tier in reversed(getattr(amount, "tiers", ())):
        if prompt_tokens > tier.start:
            return _decimal(tier.price)
    return _decimal(getattr(amount, "base", amount))


def _decimal(amount: object) -> Decimal | None:
    return amount if isinstance(amount, Decimal) else None


def _tiers(prices: Any) -> tuple[Tier, ...]:
    limits = {
        tier.start for name in _TIERED for tier in getattr(getattr(prices, name, None), "tiers", ())
    }
    found = []
    for limit in sorted(limits):
        into, out, cached = (_amount(prices, name, limit + 1) for name in _TIERED)
        if into is not None and out is not None:
            found.append(Tier(Decimal(limit), into, out, cached))
    return tuple(found)


def _batch(model: Any, prices: Any, today: date) -> Decimal | None:
    """Return the factor on token prices of batches, where it is one for input and output."""
    for variant in getattr(model, "price_variants", None) or ():
        begins = getattr(variant.constraint, "start_date", None)
        if variant.when != _BATCH or (variant.constraint is not None and begins is None):
            continue
        if begins is not None and begins > today:
            continue
        pairs = [(_amount(variant.prices, name), _amount(prices, name)) for name in _TIERED[:2]]
        factors = {batch / full for batch, full in pairs if batch is not None and full}
        if len(factors) == 1:
            return factors.pop()
    return None
