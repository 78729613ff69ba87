"""What the price table asks for a GPU that is here: to choose from, never to decide on."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from backends.domain.format import GIB, usd
from backends.domain.prices.prices import GpuPrice

_SIZE = re.compile(r"\d+ ?gb", re.IGNORECASE)
_FORMS = {"sxm", "sxm4", "sxm5", "pcie", "nvl", "hgx"}

SAME_MEMORY = 0.1
"""Drivers and price lists tell the memory of one card up to this share apart, in GiB or GB."""


def offers(rows: Iterable[GpuPrice], name: str, total_bytes: int | None) -> tuple[GpuPrice, ...]:
    """Return the prices on demand of a GPU with its driver's name and memory, cheapest first.

    A row is of this GPU where the words of its model are in the name, ``H100`` in ``NVIDIA H100
    80GB HBM3``, and its memory is as large: cards of one model are sold with several sizes, and
    are cut in parts.
    """
    known = _words(name)
    found = [
        row
        for row in rows
        if row.usd_per_hour is not None
        and row.contract == "on_demand"
        and _model(row) <= known
        and _as_large(row, total_bytes)
    ]
    return tuple(sorted(found, key=_usd))


def offers_sentence(found: Sequence[GpuPrice]) -> str:
    """Return what they ask, each with who and since when, as a clause; empty for none."""
    if not found:
        return ""
    model = min((row.gpu for row in found), key=len)
    if len(found) == 1:
        return f"the price table has one {model} on demand at {_told(found[0])}"
    ends = f"{_told(found[0])} to {_told(found[-1])}"
    return f"the price table has one {model} on demand from {ends}"


def _model(row: GpuPrice) -> set[str]:
    """Return what names the model; drivers do not always tell the form of a card."""
    model = _words(_SIZE.sub("", row.gpu)) - _FORMS
    return model or _words(row.gpu)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", name.lower()))


def _told(row: GpuPrice) -> str:
    day = "undated" if row.as_of is None else row.as_of.isoformat()
    return f"{usd(row.usd_per_hour, 'h')} ({row.provider} {row.sku}, {day})"


def _as_large(row: GpuPrice, total_bytes: int | None) -> bool:
    if row.vram_gb is None or total_bytes is None:
        return True
    return abs(total_bytes / GIB / row.vram_gb - 1) <= SAME_MEMORY


def _usd(row: GpuPrice) -> Decimal:
    return row.usd_per_hour or Decimal(0)
