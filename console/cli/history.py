"""``inferctl history [ID]``: what was recorded, newest first, or one record whole."""

import argparse
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from typing import Any

from backends.domain.format import UNKNOWN, local_minute, plain_ms, plain_s, usd
from backends.domain.reports.cold_probe import ColdProbeReport, verdict_line
from backends.domain.reports.load import LoadReport, load_finding
from backends.domain.reports.sleep import SleepReport, sleep_sentence
from backends.domain.reports.table import plain_table
from backends.history.database import HistoryUnavailable
from backends.history.history import open_history
from backends.history.records import FindingRecord, SeriesRecord, StartRecord
from backends.history.series import recent_series
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import this_host
from backends.operations.record_files import (
    Recorded,
    as_document,
    as_text,
    finding_of,
    record_id,
    recorded,
)
from console.cli.curve import curve_lines
from console.cli.output import document, say, show, table

_CELL = re.compile(r"(?<!\\) \| ")

KINDS = ("starts", "series", "loads", "coldprobes", "sleeps")


def run(arguments: argparse.Namespace) -> int:
    """Print what was recorded; an empty history is no error.

    Raises:
        Problem: the history or the configuration cannot be read.
        NotFound: there is no record of the id that was asked for.
    """
    host = this_host()
    if arguments.id is not None:
        _tell_one(recorded(host, arguments.id), as_json=arguments.json)
        return 0
    record_finished_starts(host)
    asked = {kind for kind in KINDS if getattr(arguments, kind)} or set(KINDS)
    most = arguments.lines
    with closing(open_history(host.history_file)) as history:
        starts = history.recent_starts(most) if "starts" in asked else None
        series = recent_series(history, most) if "series" in asked else None
        loads = history.findings.recent("load", most) if "loads" in asked else None
        cold_probes = history.findings.recent("coldprobe", most) if "coldprobes" in asked else None
        sleeps = history.findings.recent("sleep", most) if "sleeps" in asked else None
    if history.notice:
        say(history.notice)
    if history.unreadable:
        records = "1 record is" if history.unreadable == 1 else f"{history.unreadable} records are"
        say(f"{records} left out: not known here, or damaged; update inferctl")
    if arguments.json:
        kinds = {
            "starts": starts,
            "series": series,
            "loads": loads,
            "coldprobes": cold_probes,
            "sleeps": sleeps,
        }
        document({kind: found for kind, found in kinds.items() if found is not None})
        return 0
    if starts is not None:
        _tell_starts(starts)
    if series is not None:
        _tell_series(series)
    if loads or arguments.loads:
        _tell_findings(loads or (), "no load was recorded yet: inferctl load ENDPOINT")
    if cold_probes or arguments.coldprobes:
        _tell_findings(
            cold_probes or (), "no cold-start probe was recorded yet: inferctl coldprobe ENDPOINT"
        )
    if sleeps or arguments.sleeps:
        _tell_findings(sleeps or (), "no sleep was recorded yet: inferctl sleep NAME")
    return 0


def _tell_one(record: Recorded, *, as_json: bool) -> None:
    if as_json:
        document(as_document(record))
        return
    if isinstance(record, SleepReport):
        show(sleep_sentence(record))
        return
    if isinstance(record, LoadReport):
        for line in curve_lines(record):
            show(line)
    for text in plain_lines(as_text(record, "md")):
        show(text)
    show()
    show(f"its files: inferctl export series {record_id(record)} --csv, --markdown or --svg")


def plain_lines(markdown: str) -> Iterator[str]:
    """Yield Markdown as lines for a terminal: tables in columns, no marks."""
    for is_table, rows in groupby(markdown.splitlines(), lambda row: row.startswith("|")):
        if is_table:
            yield from plain_table(
                [
                    [_unmarked(cell) for cell in _CELL.split(row[2:-2])]
                    for row in rows
                    if set(row) - set("|-")
                ]
            )
        else:
            yield from (_unmarked(row.removeprefix("- ")) for row in rows)


def _unmarked(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.strip())


def _tell_findings(found: tuple[FindingRecord, ...], none: str) -> None:
    if not found:
        show(none)
        return
    rows = []
    for record in found:
        try:
            report = finding_of(record)
        except HistoryUnavailable as problem:
            told = str(problem)
        else:
            told = _finding(report)
        rows.append((local_minute(record.began_wall_s), record.finding_id, told))
    table([("BEGAN", "ID", "FOUND"), *rows])


def _finding(report: LoadReport | ColdProbeReport | SleepReport) -> str:
    match report:
        case LoadReport():
            return load_finding(report)
        case SleepReport():
            return sleep_sentence(report)
        case ColdProbeReport():
            return verdict_line(report)


def _tell_starts(starts: tuple[StartRecord, ...]) -> None:
    if not starts:
        show("no start was recorded yet: one is kept when it ends")
        return
    head = ("BEGAN", "SERVER", "OUTCOME", "READY", "TOTAL", "COST", "SLOWEST PHASE", "MODEL")
    table([head, *map(_start_row, starts)])


def _start_row(record: StartRecord) -> tuple[str, ...]:
    start = record.start
    slowest = max(start.phases, key=lambda phase: phase.duration_s or 0.0, default=None)
    return (
        local_minute(record.began_wall_s),
        record.server,
        start.failure.kind if start.failure else start.outcome,
        plain_s(start.ready_s),
        plain_s(start.total_s),
        usd(record.cost_usd),
        f"{slowest.name} {plain_s(slowest.duration_s)}" if slowest else UNKNOWN,
        record.model,
    )


def _tell_series(series: tuple[SeriesRecord, ...]) -> None:
    if not series:
        show("no A/B was recorded yet: one is kept when it ends")
        return
    head = ("BEGAN", "ID", "A", "B", "RUNS", "TTFT A", "TTFT B", "TTFT VERDICT")
    table([head, *map(_ab_row, series)])


def _ab_row(record: SeriesRecord) -> tuple[str, ...]:
    names = [endpoint for _, endpoint in record.targets][:2]
    targets: dict[str, Any] = record.report.get("targets") or {}
    summaries = [target.get("summary") or {} for target in targets.values()][:2]
    medians = [(summary.get("ttft_s") or {}).get("median") for summary in summaries]
    difference = (record.report.get("difference") or {}).get("ttft_s") or {}
    return (
        local_minute(record.began_wall_s),
        record.series_id,
        *_two(names),
        str(sum(summary.get("n", 0) for summary in summaries)),
        *_two([plain_ms(median) for median in medians]),
        str(difference.get("verdict") or UNKNOWN).replace("_", " "),
    )


def _two(cells: list[str]) -> list[str]:
    return [*cells, UNKNOWN, UNKNOWN][:2]
