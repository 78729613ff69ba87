"""The two ends of a price about which sources do not agree."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from backends.domain.prices.cost import request_prices
from backends.domain.prices.prices import ApiPrice, GpuPrice, Price

AGREE_WITHIN = Decimal("0.20")
"""Two sources that differ by no more than this share of the lower one are taken to agree."""

TYPICAL_INPUT, TYPICAL_OUTPUT = Decimal(1000), Decimal(250)
"""Tokens of the request at whose cost the prices of an API are compared: four in for one out."""


@dataclass(frozen=True, slots=True)
class PriceEnds:
    """The lowest and the highest price that sources name for one thing.

    Attributes:
        differ_share: by which share of the lower one they differ.
    """

    low: Price
    high: Price
    differ_share: Decimal


def ends_of(rows: Iterable[Price]) -> PriceEnds | None:
    """Return both ends where sources differ by more than `AGREE_WITHIN`, None where they agree.

    Rows without a price say nothing, and what the user set stands alone.
    """
    known = [(amount, row) for row in rows if (amount := _amount(row)) is not None and amount > 0]
    if any(row.origin == "user" for _, row in known) or len({row.source for _, row in known}) < 2:
        return None
    (low, lowest), (high, highest) = min(known, key=_first), max(known, key=_first)
    differ = high / low - 1
    return PriceEnds(lowest, highest, differ) if differ > AGREE_WITHIN else None


def _first(pair: tuple[Decimal, Price]) -> Decimal:
    return pair[0]


def _amount(row: Price) -> Decimal | None:
    if isinstance(row, GpuPrice):
        return row.usd_per_hour
    assert isinstance(row, ApiPrice)
    return request_prices(row).cost(TYPICAL_INPUT, TYPICAL_OUTPUT)
