"""Prices of endpoints that the configuration leaves open, from the price table."""

from dataclasses import replace
from pathlib import Path

from backends.domain.money.amounts import BadPrice
from backends.domain.money.prices import provenance
from backends.prices.lookup import quote
from backends.prices.table import PriceTable, load_table
from backends.problem import UsageProblem
from backends.settings.config import Endpoint, Settings, TokenPrices


def with_known_prices(settings: Settings, folder: Path) -> Settings:
    """Return the settings with every endpoint priced for which the price table has one row.

    What the configuration says of a price stands, be it all or part of it. A price that is taken
    from the table carries its source and date; one that is not carries the reason.

    Args:
        settings: as read from the configuration.
        folder: where the user's own and imported prices are kept.

    Raises:
        UsageProblem: a file of prices cannot be read.
    """
    if all(_says_something(endpoint) for endpoint in settings.endpoints):
        return settings
    try:
        table = load_table(folder)
    except BadPrice as error:
        raise UsageProblem(str(error)) from error
    endpoints = tuple(
        endpoint
        if _says_something(endpoint)
        else replace(endpoint, prices=_from_table(table, endpoint))
        for endpoint in settings.endpoints
    )
    return replace(settings, endpoints=endpoints)


def _says_something(endpoint: Endpoint) -> bool:
    prices = endpoint.prices
    return any(
        price is not None
        for price in (
            prices.input_usd_per_mtok,
            prices.output_usd_per_mtok,
            prices.usd_per_request,
        )
    )


def _from_table(table: PriceTable, endpoint: Endpoint) -> TokenPrices:
    found = quote(table, endpoint.base_url, endpoint.model)
    row = found.price
    if row is None:
        return replace(endpoint.prices, reason=found.reason)
    return TokenPrices(
        input_usd_per_mtok=row.input_usd_per_mtok,
        output_usd_per_mtok=row.output_usd_per_mtok,
        cached_input_usd_per_mtok=row.cached_input_usd_per_mtok,
        usd_per_request=row.usd_per_request,
        fee_percent=row.fee_percent,
        tiers=row.tiers,
        as_of=row.as_of,
        source=f"price table: {provenance(row)}",
    )
