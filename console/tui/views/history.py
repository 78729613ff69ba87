"""The history screen's view: starts, series, loads and cold-start probes."""

from collections.abc import Sequence

from backends.domain.format import GIB, figure, local_minute, pause
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.domain.reports.sleep import SleepReport
from backends.history.records import SeriesRecord, StartRecord
from widgets import history_table as table


def history_view(
    starts: Sequence[StartRecord],
    series: Sequence[SeriesRecord],
    findings: Sequence[LoadReport | ColdProbeReport | SleepReport] = (),
) -> table.HistoryView:
    """Return what was recorded, in local time."""
    nothing = not (starts or series or findings)
    reason = "nothing yet: a start is kept when it ends, and every run of an A/B" if nothing else ""
    return table.HistoryView(
        tuple(_start(record) for record in starts),
        tuple(_series(record) for record in series),
        reason,
        tuple(map(_finding, findings)),
    )


def _start(record: StartRecord) -> table.StartRecord:
    start = record.start
    slowest = max(start.phases, key=lambda phase: phase.duration_s or 0.0, default=None)
    return table.StartRecord(
        start_id=start.start_id,
        when=local_minute(record.began_wall_s),
        began_s=record.began_wall_s,
        server=record.server,
        model=record.model,
        version=start.vllm_version or "",
        outcome=start.outcome,
        total_s=start.total_s,
        slowest=slowest.name if slowest else None,
        slowest_s=slowest.duration_s if slowest else None,
    )


def _series(record: SeriesRecord) -> table.SeriesRecord:
    targets = record.report.get("targets", {})
    summaries = [target.get("summary", {}) for target in targets.values()]
    difference = (record.report.get("difference") or {}).get("ttft_s") or {}
    return table.SeriesRecord(
        series_id=record.series_id,
        when=local_minute(record.began_wall_s),
        began_s=record.began_wall_s,
        targets=tuple(endpoint for _, endpoint in record.targets),
        runs=sum(summary.get("n", 0) for summary in summaries),
        verdict=str(difference.get("verdict") or "").replace("_", " ").upper(),
        ttft_s=tuple((summary.get("ttft_s") or {}).get("median") for summary in summaries),
    )


def _finding(report: LoadReport | ColdProbeReport | SleepReport) -> table.FindingRecord:
    match report:
        case LoadReport():
            return _load(report)
        case ColdProbeReport():
            return _cold_probe(report)
        case SleepReport():
            return _sleep(report)


def _sleep(report: SleepReport) -> table.FindingRecord:
    memory = "" if report.memory_bytes is None else f"{report.memory_bytes / GIB:.1f} GiB"
    return table.FindingRecord(
        finding_id=report.sleep_id,
        when=local_minute(report.began_wall_s),
        began_s=report.began_wall_s,
        endpoint=report.server,
        kind=report.order,
        result=f"{report.took_s:.2f} s",
        took=f"level {report.level}",
        detail=memory,
        model=report.model,
    )


def _load(report: LoadReport) -> table.FindingRecord:
    best, bounded = report.ended.best, report.ended.bounded
    least = "" if bounded else "≥ "
    requests = sum(step.requests for step in report.ended.steps)
    return table.FindingRecord(
        finding_id=report.load_id,
        when=local_minute(report.began_wall_s),
        began_s=report.began_wall_s,
        endpoint=report.endpoint,
        kind="load",
        result=f"{least}{figure(best.planned_rps)} req/s" if best else "✖ none kept",
        took=f"{requests} reqs",
        detail=f"{best.output_tokens_per_s:.0f} tok/s, {best.concurrency} streams" if best else "",
        model=report.model,
    )


def _cold_probe(report: ColdProbeReport) -> table.FindingRecord:
    finding = report.finding
    cold, warm = finding.cold_after_s, finding.warm_up_to_s
    result = "? unsure" if warm is None else f"● warm {pause(warm)}"
    return table.FindingRecord(
        finding_id=report.probe_id,
        when=local_minute(report.began_wall_s),
        began_s=report.began_wall_s,
        endpoint=report.endpoint,
        kind="cold-start probe",
        result=result if cold is None else f"❄ cold {pause(cold)}",
        took=f"{finding.requests} reqs",
        detail="" if report.complete else "not complete",
        model=report.model,
    )
