"""The history screen's view."""

from collections.abc import Sequence
from datetime import datetime

from backends.history.records import SeriesRecord, StartRecord
from widgets import history_table as table


def history_view(
    starts: Sequence[StartRecord], series: Sequence[SeriesRecord]
) -> table.HistoryView:
    """Return what was recorded, in local time."""
    reason = "" if starts or series else "nothing yet: a start or an A/B is kept when it ends"
    return table.HistoryView(
        tuple(_start(record) for record in starts),
        tuple(_series(record) for record in series),
        reason,
    )


def _start(record: StartRecord) -> table.StartRecord:
    start = record.start
    slowest = max(start.phases, key=lambda phase: phase.duration_s or 0.0, default=None)
    return table.StartRecord(
        start_id=start.start_id,
        when=_when(record.began_wall_s),
        server=record.server,
        model=record.model,
        version=start.vllm_version or "",
        outcome=start.outcome,
        total_s=start.total_s,
        slowest=slowest.name if slowest else None,
        slowest_s=slowest.duration_s if slowest else None,
    )


def _series(record: SeriesRecord) -> table.SeriesRecord:
    lanes = record.report.get("lanes", {})
    summaries = [lane.get("summary", {}) for lane in lanes.values()]
    difference = (record.report.get("difference") or {}).get("ttft_s") or {}
    return table.SeriesRecord(
        series_id=record.series_id,
        when=_when(record.began_wall_s),
        lanes=tuple(endpoint for _, endpoint in record.lanes),
        runs=sum(summary.get("n", 0) for summary in summaries),
        verdict=str(difference.get("verdict") or "").replace("_", " ").upper(),
        ttft_s=tuple((summary.get("ttft_s") or {}).get("median") for summary in summaries),
    )


def _when(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s).astimezone().strftime("%Y-%m-%d %H:%M")
