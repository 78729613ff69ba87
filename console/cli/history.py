"""``inferctl history [ID]``: what was recorded, newest first, one record, or two compared."""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import Any

from backends.domain.comparison import Comparison, comparison_markdown
from backends.domain.format import UNKNOWN, local_minute, plain_ms, plain_s, usd
from backends.domain.reports.cold_probe import ColdProbeReport, verdict_line
from backends.domain.reports.load import LoadReport, load_finding
from backends.domain.reports.sleep import SleepReport, sleep_sentence
from backends.domain.reports.table import plain_table
from backends.history.database import HistoryUnavailable
from backends.history.entries import Found, Search
from backends.history.history import open_history
from backends.history.records import Note, SeriesRecord, StartRecord
from backends.history.series import with_runs
from backends.operations.compare import compared
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import Host, this_host
from backends.operations.notes import put_note
from backends.operations.record_files import (
    Recorded,
    as_document,
    as_text,
    finding_of,
    note_on,
    noted_text,
    record_id,
    recorded,
)
from backends.operations.recorded_start import RecordedStart
from backends.problem import UsageProblem
from console.cli.curve import curve_lines
from console.cli.output import document, say, show, table

_CELL = re.compile(r"(?<!\\) \| ")

KINDS = {
    "starts": "start",
    "series": "series",
    "loads": "load",
    "coldprobes": "coldprobe",
    "sleeps": "sleep",
}
"""The lists, each with the kind of its records."""


def run(arguments: argparse.Namespace) -> int:
    """Print what was recorded; an empty history is no error.

    Raises:
        Problem: the history or the configuration cannot be read.
        NotFound: there is no record of the id that was asked for.
        UsageProblem: two records are to be compared that cannot be, or a note is on no record.
    """
    host = this_host()
    record_finished_starts(host)
    if arguments.compare is not None:
        _tell_compared(compared(host, *arguments.compare), as_json=arguments.json)
    elif arguments.id is not None:
        record = recorded(host, arguments.id)
        if arguments.note is not None:
            put_note(host, arguments.id, arguments.note)
        _tell_one(record, note_on(host, arguments.id), as_json=arguments.json)
    elif arguments.note is not None:
        raise UsageProblem("a note is on one record: inferctl history ID --note TEXT")
    else:
        _tell_lists(host, arguments)
    return 0


def _tell_lists(host: Host, arguments: argparse.Namespace) -> None:
    search, most = Search.of(arguments.find or ""), arguments.lines
    asked = {name for name in KINDS if getattr(arguments, name)} or set(KINDS)
    listed: dict[str, Found] = {}
    with closing(open_history(host.history_file)) as history:
        for name, kind in KINDS.items():
            if name in asked and (not search.kinds or kind in search.kinds):
                found = history.entries.found(replace(search, kinds=(kind,)), most)
                listed[name] = replace(found, series=with_runs(history, found.series))
    if history.notice:
        say(history.notice)
    if history.unreadable:
        records = "1 record is" if history.unreadable == 1 else f"{history.unreadable} records are"
        say(f"{records} left out: not known here, or damaged; update inferctl")
    notes = {each: note.text for found in listed.values() for each, note in found.notes.items()}
    if arguments.json:
        lists = {
            name: (*found.starts, *found.series, *found.findings) for name, found in listed.items()
        }
        document({**lists, "notes": notes})
        return
    for name, found in listed.items():
        if found.starts or found.series or found.findings:
            _LISTS[name](found, notes)
        elif name in ("starts", "series") or getattr(arguments, name):
            show(NOTHING[name] if arguments.find is None else f"no {name} with these words")


NOTHING = {
    "starts": "no start was recorded yet: one is kept when it ends",
    "series": "no A/B was recorded yet: one is kept when it ends",
    "loads": "no load was recorded yet: inferctl load ENDPOINT",
    "coldprobes": "no cold-start probe was recorded yet: inferctl coldprobe ENDPOINT",
    "sleeps": "no sleep was recorded yet: inferctl sleep NAME",
}


def _tell_compared(found: Comparison, *, as_json: bool) -> None:
    if as_json:
        document(found)
        return
    for text in plain_lines(comparison_markdown(found)):
        show(text)


def _tell_one(record: Recorded, note: Note | None, *, as_json: bool) -> None:
    if as_json:
        document(as_document(record, note))
        return
    if isinstance(record, SleepReport):
        show(sleep_sentence(record))
        if note is not None:
            show(noted_text(note))
        return
    if isinstance(record, LoadReport):
        for line in curve_lines(record):
            show(line)
    for text in plain_lines(as_text(record, "md", note)):
        show(text)
    show()
    if isinstance(record, RecordedStart):
        show(f"beside another start: inferctl history --compare ID {record_id(record)}")
        return
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


def _tell_findings(listed: Found, notes: Mapping[str, str]) -> None:
    rows = []
    for record in listed.findings:
        try:
            report = finding_of(record)
        except HistoryUnavailable as problem:
            told = str(problem)
        else:
            told = _finding(report)
        began = local_minute(record.began_wall_s)
        rows.append((record.finding_id, (began, record.finding_id, told)))
    _noted_table(("BEGAN", "ID", "FOUND"), rows, notes)


def _noted_table(
    head: tuple[str, ...], rows: Sequence[tuple[str, tuple[str, ...]]], notes: Mapping[str, str]
) -> None:
    """Print rows, each behind its id, with their notes where any of them has one."""
    if not any(each in notes for each, _ in rows):
        table([head, *(row for _, row in rows)])
        return
    table([(*head, "NOTE"), *((*row, notes.get(each, "")) for each, row in rows)])


def _finding(report: LoadReport | ColdProbeReport | SleepReport) -> str:
    match report:
        case LoadReport():
            return load_finding(report)
        case SleepReport():
            return sleep_sentence(report)
        case ColdProbeReport():
            return verdict_line(report)


def _tell_starts(listed: Found, notes: Mapping[str, str]) -> None:
    head = ("BEGAN", "ID", "SERVER", "OUTCOME", "READY", "TOTAL", "COST", "SLOWEST PHASE", "MODEL")
    rows = [(each.start.start_id, _start_row(each)) for each in listed.starts]
    _noted_table(head, rows, notes)


def _start_row(record: StartRecord) -> tuple[str, ...]:
    start = record.start
    slowest = max(start.phases, key=lambda phase: phase.duration_s or 0.0, default=None)
    return (
        local_minute(record.began_wall_s),
        start.start_id,
        record.server,
        start.failure.kind if start.failure else start.outcome,
        plain_s(start.ready_s),
        plain_s(start.total_s),
        usd(record.cost_usd),
        f"{slowest.name} {plain_s(slowest.duration_s)}" if slowest else UNKNOWN,
        record.model,
    )


def _tell_series(listed: Found, notes: Mapping[str, str]) -> None:
    head = ("BEGAN", "ID", "A", "B", "RUNS", "TTFT A", "TTFT B", "TTFT VERDICT")
    _noted_table(head, [(each.series_id, _ab_row(each)) for each in listed.series], notes)


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


_LISTS = {
    "starts": _tell_starts,
    "series": _tell_series,
    "loads": _tell_findings,
    "coldprobes": _tell_findings,
    "sleeps": _tell_findings,
}
