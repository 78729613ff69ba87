"""What ``prices list``, ``prices set`` and ``prices update`` do."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from backends.domain.prices.amounts import BadPrice, amount_from
from backends.domain.prices.currencies import Currency
from backends.domain.prices.ends import PriceEnds
from backends.domain.prices.prices import ApiPrice, Freshness, GpuPrice, Price, freshness
from backends.prices.importers import import_catalogue
from backends.prices.installed import installed_prices
from backends.prices.table import (
    PriceTable,
    api_key,
    gpu_key,
    load_table,
    read_table,
    write_table,
)
from backends.prices.update import Prepared, keep, prepared


@dataclass(frozen=True, slots=True)
class Listed:
    """One price with whether it may still be decided on.

    Attributes:
        ends: the lowest and the highest that sources name for it, where they do not agree.
    """

    price: Price
    freshness: Freshness
    ends: PriceEnds | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """What an import did.

    Attributes:
        as_of: the date that its prices got, None where they stay undated.
        rows: how many it brought; of these `changed` are new or differ, `unpriced` have no price.
    """

    catalogue: str
    as_of: date | None
    rows: int
    changed: int
    unpriced: int


def list_prices(folder: Path | None, today: date, search: str = "") -> tuple[Listed, ...]:
    """Return the prices in force whose provider, model or GPU contains some text."""
    table = load_table(folder)
    rows: tuple[Price, ...] = (*table.gpu, *table.api)
    wanted = search.lower()
    return tuple(
        Listed(row, freshness(row, today), table.ends(row)) for row in rows if wanted in _words(row)
    )


def find_api_price(table: PriceTable, provider: str, model: str) -> ApiPrice | None:
    """Return a provider's price of a model by its own id; never that of another model."""
    wanted = (provider.lower(), model.lower())
    return next((row for row in table.api if api_key(row) == wanted), None)


def set_api_price(
    folder: Path,
    provider: str,
    model: str,
    prices: dict[str, str],
    as_of: date,
    *,
    currency: Currency | None = None,
) -> ApiPrice:
    """Keep the user's own price of a model, with its date; fields not given keep their value.

    Args:
        folder: where the user's prices are kept.
        provider: as the table or the user names it.
        model: the provider's own id.
        prices: amounts in digits under the names of `ApiPrice`, such as ``input_usd_per_mtok``.
        as_of: the day on which the user read it.
        currency: what the amounts are in; None is US dollars. They are kept converted.

    Raises:
        BadPrice: an amount cannot be read or has no such name, or an amount that would be kept is
            in another currency.
    """
    old = find_api_price(load_table(folder), provider, model)
    row = old or ApiPrice(provider, model, model.rsplit("/", 1)[-1].lower(), None, None)
    amounts = _amounts(prices, currency)
    standing = [name for name in _PRICED if name not in amounts and getattr(row, name) is not None]
    if standing and any(getattr(row, key) != value for key, value in _in(currency).items()):
        raise BadPrice(
            f"{standing[0]} is kept from another currency or rate; give all prices together"
        )
    row = replace(row, **amounts, **_in(currency), as_of=as_of, source="you", origin="user")
    mine = read_table(folder, "user")
    kept = tuple(other for other in mine.api if api_key(other) != api_key(row))
    write_table(folder, "user", replace(mine, api=(*kept, row)))
    return row


def set_gpu_price(
    folder: Path,
    provider: str,
    sku: str,
    usd_per_hour: str,
    as_of: date,
    *,
    currency: Currency | None = None,
) -> GpuPrice:
    """Keep the user's own hourly price of one GPU, with its date; converted to US dollars.

    Raises:
        BadPrice: the amount cannot be read.
    """
    amount = amount_from(usd_per_hour, "usd_per_hour") * _worth(currency)
    new = GpuPrice(provider, sku, sku, None)
    old = next((row for row in load_table(folder).gpu if gpu_key(row) == gpu_key(new)), new)
    told: dict[str, Any] = {"as_of": as_of, "source": "you", "origin": "user"}
    row = replace(old, usd_per_hour=amount, **told, **_in(currency))
    mine = read_table(folder, "user")
    kept = tuple(other for other in mine.gpu if gpu_key(other) != gpu_key(row))
    write_table(folder, "user", replace(mine, gpu=(*kept, row)))
    return row


def update_prices(folder: Path, path: Path, as_of: date | None = None) -> Updated:
    """Import a catalogue's file; its prices are dated with the file unless a date is given.

    Raises:
        BadPrice: the file is missing or is no catalogue that is known.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPrice(f"{path}: cannot be read ({error}); give the path of a catalogue") from error
    day = as_of or datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    catalogue, rows = import_catalogue(text, str(path), day)
    return kept(folder, prepared(folder, catalogue, day, rows))


def update_from_package(folder: Path, today: date, as_of: date | None = None) -> Updated:
    """Import the prices of the genai-prices package; undated, as they are there, unless `as_of`.

    Raises:
        BadPrice: it is not installed.
    """
    rows = tuple(replace(row, as_of=as_of) for row in installed_prices(today))
    return kept(folder, prepared(folder, "genai-prices", as_of, rows))


def kept(folder: Path, found: Prepared) -> Updated:
    """Write what an import would change, and return what it did."""
    keep(folder, found)
    unpriced = sum(
        1 for row in found.rows if isinstance(row, ApiPrice) and row.input_usd_per_mtok is None
    )
    return Updated(found.catalogue, found.as_of, len(found.rows), len(found.changes), unpriced)


def _in(currency: Currency | None) -> dict[str, Any]:
    if currency is None:
        return {"currency": None, "currency_usd": None, "currency_as_of": None}
    return {
        "currency": currency.code,
        "currency_usd": currency.usd,
        "currency_as_of": currency.as_of,
    }


def _worth(currency: Currency | None) -> Decimal:
    return Decimal(1) if currency is None else currency.usd


def _amounts(prices: dict[str, str], currency: Currency | None) -> dict[str, Any]:
    known = {
        field.name for field in fields(ApiPrice) if "usd" in field.name or field.name in _SHARES
    }
    unknown = sorted(set(prices) - known)
    if unknown:
        raise BadPrice(f'no price is called "{unknown[0]}"; known are {", ".join(sorted(known))}')
    worth = _worth(currency)
    return {
        name: amount_from(value, name) * (1 if name in _SHARES else worth)
        for name, value in prices.items()
    }


_PRICED = tuple(field.name for field in fields(ApiPrice) if "usd_per" in field.name)
_SHARES = frozenset({"batch_multiplier", "fee_percent"})


def _words(row: Price) -> str:
    if isinstance(row, ApiPrice):
        return f"{row.provider} {row.model} {row.canonical_model}".lower()
    return f"{row.provider} {row.sku} {row.gpu} {row.contract}".lower()
