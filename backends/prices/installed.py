"""Prices of the genai-prices package, where the user has installed it beside this program."""

from datetime import date
from decimal import Decimal
from importlib import import_module
from types import ModuleType
from typing import Any

from backends.domain.money.amounts import BadPrice
from backends.domain.money.prices import ApiPrice


def installed_prices(today: date) -> tuple[ApiPrice, ...]:
    """Return the prices in force today; undated, for the package does not say when it checked them.

    Prices with tiers by prompt length, and those bound to hours of the day, come out unpriced:
    which of them holds depends on the request.

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
        _row(provider.id, model, today) for provider in data.providers for model in provider.models
    )


def _row(provider: str, model: Any, today: date) -> ApiPrice:
    prices = _in_force(model.prices, today)
    return ApiPrice(
        provider,
        model.id,
        model.id.rsplit("/", 1)[-1].lower(),
        _plain(prices, "input_mtok"),
        _plain(prices, "output_mtok"),
        _plain(prices, "cache_read_mtok"),
        _plain(prices, "cache_write_mtok"),
        source="genai-prices package",
        origin="imported",
    )


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


def _plain(prices: Any, name: str) -> Decimal | None:
    amount = getattr(prices, name, None)
    return amount if isinstance(amount, Decimal) else None
