"""What an import of prices would change, before it is written, and the writing of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from backends.domain.prices.prices import ApiPrice, GpuPrice, Price, replaces
from backends.prices.table import api_key, gpu_key, load_table, read_table, write_table


@dataclass(frozen=True, slots=True)
class Change:
    """One price that is new, where `old` is None, or differs from the one in force."""

    old: Price | None
    new: Price


@dataclass(frozen=True, slots=True)
class Prepared:
    """An import that is not written yet.

    Attributes:
        as_of: the date that prices without one of their own got, None where they stay undated.
        rows: those that take the place of what is known.
        changes: those of them that are new or differ.
    """

    catalogue: str
    as_of: date | None
    rows: tuple[Price, ...]
    changes: tuple[Change, ...]


def prepared(folder: Path, catalogue: str, day: date | None, rows: Iterable[Price]) -> Prepared:
    """Return what some prices would change; the user's own are never touched."""
    before, now = read_table(folder, "imported"), load_table(folder)
    api, gpu = (
        {api_key(row): row for row in before.api},
        {gpu_key(row): row for row in before.gpu},
    )
    api_now = {api_key(row): row for row in now.api}
    gpu_now = {gpu_key(row): row for row in now.gpu}
    taken: list[Price] = []
    changes = []
    for row in rows:
        if isinstance(row, ApiPrice):
            known: Price | None = api.get(api_key(row))
            shown: Price | None = api_now.get(api_key(row))
        else:
            known, shown = gpu.get(gpu_key(row)), gpu_now.get(gpu_key(row))
        if not replaces(known, row):
            continue
        taken.append(row)
        if known is None or _differs(known, row):
            changes.append(Change(shown, row))
    return Prepared(catalogue, day, tuple(taken), tuple(changes))


def keep(folder: Path, found: Prepared) -> None:
    """Write an import."""
    before = read_table(folder, "imported")
    api = {api_key(row): row for row in before.api}
    gpu = {gpu_key(row): row for row in before.gpu}
    api |= {api_key(row): row for row in found.rows if isinstance(row, ApiPrice)}
    gpu |= {gpu_key(row): row for row in found.rows if isinstance(row, GpuPrice)}
    write_table(
        folder, "imported", replace(before, api=tuple(api.values()), gpu=tuple(gpu.values()))
    )


def _differs(old: Price, new: Price) -> bool:
    return replace(old, as_of=None) != replace(new, as_of=None)
