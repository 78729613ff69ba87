"""How long the A/B runs with each endpoint took to their first token, over all series together."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from backends.domain.ab.run import Run
from backends.domain.ab.statistics import spread
from backends.history.database import UnreadableRow, open_database
from backends.history.records import FirstTokens
from backends.history.rows import run_without_detail, series_record

MOST_RUNS = 10_000
"""Enough for any percentile asked here, and read in less than a tenth of a second."""


def first_tokens(path: Path, since_wall_s: float) -> tuple[FirstTokens, ...]:
    """Return what the series since an instant tell of each model of each endpoint.

    The newest series are read, until they have enough runs together.

    Raises:
        HistoryUnavailable: the history at `path` cannot be opened.
    """
    ttft_s: dict[tuple[str, str | None], list[float | None]] = {}
    since_s: dict[tuple[str, str | None], float] = {}
    costs: dict[tuple[str, str | None], list[tuple[Decimal, Decimal]]] = {}
    with closing(open_database(path)) as database:
        query = "SELECT * FROM series WHERE began_wall_s >= ? ORDER BY began_wall_s DESC"
        for row in database.stream(query, (since_wall_s,)):
            if sum(map(len, ttft_s.values())) >= MOST_RUNS:
                break
            try:
                record = series_record(row)
            except UnreadableRow:
                continue
            targets: dict[str, tuple[str, str | None]] = {
                target: (endpoint, _model(record.report, target))
                for target, endpoint in record.targets
            }
            runs = "SELECT target, run FROM runs WHERE series_id = ?"
            for lane_name, run in database.records(runs, (row["series_id"],), _run):
                target = targets.get(lane_name, (lane_name, None))
                ttft_s.setdefault(target, []).append(None if run.error else run.ttft_s)
                if run.provider_cost_usd and run.cost_usd:
                    pair = Decimal(run.provider_cost_usd), Decimal(run.cost_usd)
                    costs.setdefault(target, []).append(pair)
                since_s[target] = row["began_wall_s"]
    return tuple(
        _told(target, found, since_s[target], costs.get(target, ()))
        for target, found in ttft_s.items()
    )


def _told(
    target: tuple[str, str | None],
    found: list[float | None],
    since_wall_s: float,
    costs: Sequence[tuple[Decimal, Decimal]],
) -> FirstTokens:
    succeeded = [each for each in found if each is not None]
    told = spread(succeeded)
    p99_s = told.p99 if told else None
    failed = len(found) - len(succeeded)
    charged, ours = (
        sum(each, Decimal(0)) for each in (zip(*costs, strict=True) if costs else ((), ()))
    )
    ratio = charged / ours if ours else None
    return FirstTokens(*target, len(succeeded), failed, p99_s, since_wall_s, ratio)


def _run(row: sqlite3.Row) -> tuple[str, Run]:
    return row["target"], run_without_detail(row)


def _model(report: Mapping[str, Any], target: str) -> str | None:
    try:
        model = report["targets"][target]["model"]
    except (KeyError, TypeError):
        return None
    return model if isinstance(model, str) else None
