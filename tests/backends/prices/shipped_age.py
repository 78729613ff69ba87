"""Fail where a price that ships is too old to decide on: `make release` asks this, no test does.

Run as ``python -m tests.backends.prices.shipped_age [YYYY-MM-DD]``.
"""

import sys
from datetime import UTC, date, datetime

from backends.domain.prices.prices import ApiPrice, Price, freshness
from backends.prices.table import PriceTable, shipped_table


def faults(table: PriceTable, today: date) -> list[str]:
    """Return what keeps the shipped prices from being released, a sentence each."""
    rows: tuple[Price, ...] = (*table.api, *table.gpu)
    return [
        f"{row.provider} {row.model if isinstance(row, ApiPrice) else row.sku}: "
        f"{freshness(row, today)}, as of {row.as_of}, {row.source or 'without a source'}"
        for row in rows
        if freshness(row, today) != "fresh" or not row.source
    ]


def main() -> None:
    """Print each row that is too old, and fail where there is one."""
    today = date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else datetime.now(UTC).date()
    found = faults(shipped_table(), today)
    for fault in found:
        print(fault)
    if found:
        sys.exit(f"{len(found)} shipped prices are not fit for a release on {today}: renew them")


if __name__ == "__main__":
    main()
