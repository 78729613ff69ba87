"""The history screen's view: starts, series, loads and cold-start probes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backends.domain.format import GIB, UNKNOWN, figure, local_minute, pause
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.domain.reports.sleep import SleepReport
from backends.history.entries import Found
from backends.history.records import Note, SeriesRecord, StartRecord
from backends.operations.record_files import noted_text
from backends.operations.recorded_start import RecordedStart, phases, start_facts
from widgets import history_table as table
from widgets.phase_bar import PhaseRow
from widgets.phase_bars import PhaseChart
from widgets.start_record_panel import StartRecordView

NOTHING = "nothing yet: a start is kept when it ends, and every run of an A/B"
SYNTAX = "words, or kind: (start, a/b, load, cold-start, sleep) server: result: and words"


def history_view(
    found: Found,
    findings: Sequence[LoadReport | ColdProbeReport | SleepReport] = (),
    search: str = "",
) -> table.HistoryView:
    """Return what a search has found, in local time.

    Args:
        found: the records, with those of its findings that are known here in `findings`.
        findings: in the same order.
        search: as it was typed.
    """
    notes = {each: note.text for each, note in found.notes.items()}
    return table.HistoryView(
        tuple(_start(each, notes.get(each.start.start_id, "")) for each in found.starts),
        tuple(_series(each, notes.get(each.series_id, "")) for each in found.series),
        f"no record has all of: {search}" if search else NOTHING,
        tuple(_noted(_finding(each), notes) for each in findings),
        search,
        found.more,
    )


def _noted(row: table.FindingRecord, notes: Mapping[str, str]) -> table.FindingRecord:
    return replace(row, note=notes.get(row.finding_id, ""))


def _start(record: StartRecord, note: str) -> table.StartRecord:
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
        by=_by(record),
        note=note,
    )


def _by(record: StartRecord) -> str:
    if record.stopped_by in ("", record.started_by):
        return record.started_by
    return f"{record.started_by or UNKNOWN}; stopped: {record.stopped_by}"


def start_record_view(recorded: RecordedStart, note: Note | None) -> StartRecordView:
    """Return a start of the history: its phases, and what is known of it."""
    start = recorded.record.start
    rows = tuple(
        PhaseRow(each.name, each.start_s, each.duration_s, each.reported_s)
        for each in phases(recorded)
    )
    failed = start.failure is not None and start.ready_s is None
    now_s, unlogged_s = start.total_s or 0.0, start.unlogged_s
    chart = PhaseChart(rows, now_s, over=True, broken=failed, unlogged_s=unlogged_s)
    noted = (noted_text(note),) if note else ()
    return StartRecordView(chart, (*noted, *start_facts(recorded)))


def _series(record: SeriesRecord, note: str) -> table.SeriesRecord:
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
        note=note,
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
