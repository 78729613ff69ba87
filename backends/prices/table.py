"""The price table on disk: what ships, what was imported, what the user set."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from backends.domain.prices.amounts import BadPrice, amount_from
from backends.domain.prices.ends import PriceEnds, ends_of
from backends.domain.prices.prices import ApiPrice, GpuPrice, Price, PriceOrigin, replaces
from backends.domain.values import NOT_JSON
from backends.host.files import read_file, replace_file
from backends.settings.paths import refuse_to_leave_files
from backends.wire import UnreadableRecord, plain, typed

Row = TypeVar("Row", ApiPrice, GpuPrice)

FILE_NAMES: dict[PriceOrigin, str] = {
    "user": "prices.json",
    "imported": "imported-prices.json",
}


@dataclass(frozen=True, slots=True)
class PriceTable:
    """All prices that are known, one for each model or GPU of each provider.

    Attributes:
        said: every row of every file, those included that another took the place of.
    """

    api: tuple[ApiPrice, ...] = ()
    gpu: tuple[GpuPrice, ...] = ()
    said: tuple[Price, ...] = ()

    def ends(self, price: Price) -> PriceEnds | None:
        """Return both ends of a price about which its sources do not agree, None where they do."""
        return ends_of(row for row in self.said if key_of(row) == key_of(price))


def load_table(folder: Path | None = None) -> PriceTable:
    """Return the prices in force: the user's above imported above shipped ones.

    Raises:
        BadPrice: a file cannot be read; the message names file, row and remedy.
    """
    tables = [shipped_table()]
    if folder is not None:
        tables += [read_table(folder, "imported"), read_table(folder, "user")]
    api: dict[tuple[str, str], ApiPrice] = {}
    gpu: dict[tuple[str, str, str], GpuPrice] = {}
    for table in tables:
        api |= {api_key(row): row for row in table.api if replaces(api.get(api_key(row)), row)}
        gpu |= {gpu_key(row): row for row in table.gpu if replaces(gpu.get(gpu_key(row)), row)}
    said: tuple[Price, ...] = ()
    for table in tables:
        said += table.api + table.gpu
    return PriceTable(tuple(api.values()), tuple(gpu.values()), said)


def key_of(row: Price) -> tuple[str, ...]:
    """Return what makes a price one, of whatever kind."""
    return api_key(row) if isinstance(row, ApiPrice) else gpu_key(row)


def shipped_table() -> PriceTable:
    """Return the table that comes with the program."""
    text = files("backends.prices").joinpath("shipped.json").read_text(encoding="utf-8")
    return table_from(text, "shipped.json", "shipped")


def read_table(folder: Path, origin: PriceOrigin) -> PriceTable:
    """Return one file's prices; an empty table where there is no file.

    Raises:
        BadPrice: the file cannot be read, or as `table_from` says.
    """
    path = folder / FILE_NAMES[origin]
    try:
        text = read_file(path).decode()
    except FileNotFoundError:
        return PriceTable()
    except (OSError, UnicodeDecodeError) as error:
        raise BadPrice(
            f"{path}: cannot be read ({error}); correct it or delete the file"
        ) from error
    return table_from(text, str(path), origin)


def write_table(folder: Path, origin: PriceOrigin, table: PriceTable) -> None:
    """Replace one file's prices in one step, so that a reader never sees half of them."""
    refuse_to_leave_files(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / FILE_NAMES[origin]
    rows = {"api": _rows(table.api), "gpu": _rows(table.gpu)}
    replace_file(path, json.dumps(rows, indent=1).encode() + b"\n")


def table_from(text: str, place: str, origin: PriceOrigin) -> PriceTable:
    """Return the table of one JSON text.

    Raises:
        BadPrice: it is no JSON, a row lacks a field, or a price is not a number of 0 or more.
    """
    try:
        # Digits of a number stay as written: 0.1 is a tenth, not the nearest binary fraction.
        data = json.loads(text, parse_float=Decimal)
    except NOT_JSON as error:
        raise BadPrice(f"{place}: no JSON ({error}); correct it or delete the file") from error
    if not isinstance(data, dict):
        raise BadPrice(f'{place}: not a table; it has the lists "api" and "gpu"')
    return PriceTable(
        tuple(
            _row(item, ApiPrice, f"{place}: api[{n}]", origin) for n, item in _items(data, "api")
        ),
        tuple(
            _row(item, GpuPrice, f"{place}: gpu[{n}]", origin) for n, item in _items(data, "gpu")
        ),
    )


def rows_in(read: Callable[[], Iterable[Row]], kind: type[Row], place: str) -> tuple[Row, ...]:
    """Return the rows that are read of a published list, each of the types that a row has.

    Raises:
        BadPrice: an entry is not written as its publisher used to.
    """
    try:
        return tuple(typed(plain(row), kind) for row in read())
    except (AttributeError, KeyError, TypeError, ArithmeticError, UnreadableRecord) as error:
        raise BadPrice(
            f"{place}: an entry is written in no form that is known ({error!r}); "
            "give another list, or one of before"
        ) from error


def api_key(row: ApiPrice) -> tuple[str, str]:
    """Return what makes an API's price one: provider and model."""
    return row.provider.lower(), row.model.lower()


def gpu_key(row: GpuPrice) -> tuple[str, str, str]:
    """Return what makes a GPU's price one: provider, sku and contract."""
    return row.provider.lower(), row.sku.lower(), row.contract


def _items(data: dict[str, Any], key: str) -> list[tuple[int, Any]]:
    return list(enumerate(data.get(key) or []))


def _row(item: Any, kind: type[Row], place: str, origin: PriceOrigin) -> Row:
    try:
        row = typed(item, kind)
    except UnreadableRecord as error:
        raise BadPrice(f"{place}: {error}; correct or remove this row") from error
    for name in row.__slots__:
        amount = getattr(row, name)
        if isinstance(amount, Decimal):
            amount_from(amount, f"{place}: {name}")
    return replace(row, origin=origin)


def _rows(rows: tuple[ApiPrice, ...] | tuple[GpuPrice, ...]) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in plain(row).items() if value is not None and key != "origin"}
        for row in rows
    ]
