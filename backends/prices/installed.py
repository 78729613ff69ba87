"""Prices of the genai-prices package, where the user has installed it beside this program."""

import re
from datetime import date
from decimal import Decimal
from importlib import import_module
from types import ModuleType
from typing import Any

from backends.domain.prices.amounts import BadPrice
from backends.domain.prices.cost import Tier
from backends.domain.prices.prices import ApiPrice

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
    return tuple(
        _row(provider, model, today) for provider in data.providers for model in provider.models
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
