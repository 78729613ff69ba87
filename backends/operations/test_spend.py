"""What inferctl's own tests have cost at priced endpoints: A/B series, loads, cold-start probes."""

from collections.abc import Iterable
from decimal import Decimal

from backends.domain.ab.run import Run


def runs_usd(runs: Iterable[Run]) -> Decimal:
    """Return what the runs have cost that are priced."""
    costs = (run.cost_usd for run in runs)
    return sum((Decimal(cost) for cost in costs if cost is not None), Decimal(0))
