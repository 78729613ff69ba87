"""Makes a series out of what the history keeps of it, as if it had just ended."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends.domain.ab.facts import SeriesBegan
from backends.domain.ab.run import ClientAudit, Run
from backends.domain.ab.series import AbSeries
from backends.domain.reports.ab import ab_report
from backends.domain.stamp import Stamp
from backends.history.history import History, open_history
from backends.history.records import SeriesRecord
from backends.wire import typed

CUT_OFF = "the program that ran it ended before the series did"


def stored_series(path: Path, series_id: str) -> AbSeries | None:
    """Return a series with all its runs, None where the history has none of this id.

    Raises:
        HistoryUnavailable: the history at `path` cannot be read.
    """
    with closing(open_history(path)) as history:
        record = history.series(series_id)
        return series_of(record, history.runs_of(series_id)) if record else None


def recent_series(history: History, limit: int = 50) -> tuple[SeriesRecord, ...]:
    """Return the last series, newest first; one that never ended, or runs still, by its runs."""
    return with_runs(history, history.recent_series(limit))


def with_runs(history: History, records: Iterable[SeriesRecord]) -> tuple[SeriesRecord, ...]:
    """Return records of series, one that never ended, or runs still, by its runs."""
    return tuple(
        record
        if record.report.get("complete") or record.report.get("reason")
        else replace(record, report=ab_report(series_of(record, history.runs_of(record.series_id))))
        for record in records
    )


def series_of(record: SeriesRecord, runs: tuple[Run, ...]) -> AbSeries:
    """Return the series of a record and its runs; one that never ended says so."""
    report = record.report
    targets = report.get("targets") or {}
    sampling = report.get("sampling") or {}
    planned = report.get("runs_planned") or max((run.index + 1 for run in runs), default=0)
    began = SeriesBegan(
        Stamp(0.0, record.began_wall_s),
        record.series_id,
        record.targets,
        planned,
        tuple((targets.get(name) or {}).get("model") or "" for name, _ in record.targets),
        record.prompt_sha256,
        report.get("order") or "interleaved",
        sampling.get("max_tokens"),
        sampling.get("temperature"),
        bool(sampling.get("ignore_eos")),
        sampling.get("nonce") is False,
        _efforts(record, targets),
    )
    client = report.get("client") or {}
    audited = client.get("cpu_percent") is not None or client.get("limited") is not None
    complete = report.get("complete", False)
    return AbSeries(
        began,
        runs,
        ended=True,
        reason=report.get("reason") or ("" if complete else CUT_OFF),
        client=typed(client, ClientAudit) if audited else None,
    )


def _efforts(record: SeriesRecord, targets: dict[str, Any]) -> tuple[str, ...]:
    """Return the reasoning effort of each target, nothing where none was asked for."""
    compared = ((targets.get(name) or {}).get("compared_as") or {} for name, _ in record.targets)
    efforts = tuple(str(each.get("effort") or "") for each in compared)
    return efforts if any(efforts) else ()
