"""What inferctl's own tests have cost at priced endpoints: A/B series, loads, hunts."""

from collections.abc import Iterable
from decimal import Decimal

from backends.domain.run import Run
from backends.domain.streams.cold_report import HuntReport
from backends.history.history import History
from backends.history.records import FindingKind, SeriesRecord
from console.recorded import finding_of

KINDS: tuple[FindingKind, ...] = ("load", "coldhunt")

MOST = 10_000
"""More tests of one kind than any rental has."""


def spent_on_tests(history: History, since_s: float, until_s: float = float("inf")) -> Decimal:
    """Return what the tests of a period have cost, as far as their endpoints are priced.

    A series and a load belong to the instant at which they began, each request of a hunt to that at
    which it ended: a hunt takes days.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """

    def within(wall_s: float) -> bool:
        return since_s <= wall_s < until_s

    spent_usd = Decimal(0)
    for series in history.recent_series(MOST):
        if within(series.began_wall_s):
            spent_usd += _warm_ups_usd(series) + runs_usd(history.runs_of(series.series_id))
    for kind in KINDS:
        for record in history.findings.recent(kind, MOST):
            found = finding_of(record)
            if isinstance(found, HuntReport):
                spent_usd += _sum(one.cost_usd for one in found.probes if within(one.ended_at))
            elif within(found.began_wall_s):
                spent_usd += _sum([found.ended.cost_usd])
    return spent_usd


def runs_usd(runs: Iterable[Run]) -> Decimal:
    """Return what the runs have cost that are priced."""
    return _sum(run.cost_usd for run in runs)


def _warm_ups_usd(series: SeriesRecord) -> Decimal:
    lanes = (series.report.get("lanes") or {}).values()
    return _sum((lane.get("warm_up") or {}).get("cost_usd") for lane in lanes)


def _sum(costs: Iterable[str | None]) -> Decimal:
    return sum((Decimal(cost) for cost in costs if cost is not None), Decimal(0))
