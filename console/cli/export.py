"""``inferctl export KIND [ID]``: the whole history, or one record, as JSON, CSV or Markdown."""

import argparse
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from backends.domain.reports.ab_text import CSV_KEYS
from backends.domain.reports.cold_probe import ColdProbeReport, verdict_line
from backends.domain.reports.table import markdown_table
from backends.domain.start import PhaseName
from backends.history.history import open_history
from backends.history.records import Note
from backends.operations.finished_starts import record_finished_starts
from backends.operations.host import this_host
from backends.operations.record_files import (
    Form,
    Recorded,
    as_document,
    as_text,
    note_on,
    recorded,
)
from backends.problem import UsageProblem
from backends.wire import typed
from console.cli.output import document, documents, say, show, show_csv, show_page

Row = dict[str, Any]


def run(arguments: argparse.Namespace) -> int:
    """Print every record of one kind, or one whole; rows are written as they are read.

    Raises:
        Problem: the history or the configuration cannot be read.
        NotFound: there is no record of this id.
        UsageProblem: a picture of more than one record is asked for.
    """
    host = this_host()
    if arguments.id is not None:
        _one(arguments, recorded(host, arguments.id), note_on(host, arguments.id))
        return 0
    if arguments.svg:
        raise UsageProblem("a picture is of one series, load or cold-start probe: say its ID")
    record_finished_starts(host)
    with closing(open_history(host.history_file)) as history:
        if history.notice:
            say(history.notice)
        records = history.export(arguments.kind)
        if arguments.csv:
            _as_csv(map(COLUMNS[arguments.kind], records))
        elif arguments.markdown:
            _as_markdown(map(COLUMNS[arguments.kind], records))
        else:
            documents(arguments.kind, records)
    return 0


def _one(arguments: argparse.Namespace, record: Recorded, note: Note | None) -> None:
    forms: dict[str, Form] = {"csv": "csv", "markdown": "md", "svg": "svg"}
    form = next((form for option, form in forms.items() if getattr(arguments, option)), None)
    if form is None:
        document(as_document(record, note))
    else:
        show_page(as_text(record, form, note))


def _as_csv(rows: Iterator[Row]) -> None:
    first = next(rows, None)
    if first is None:
        say("nothing of this kind was recorded yet")
        return
    show_csv(chain([first], (row.values() for row in chain([first], rows))))


def _as_markdown(rows: Iterator[Row]) -> None:
    first = next(rows, None)
    if first is None:
        say("nothing of this kind was recorded yet")
        return
    for line in markdown_table(list(first), (row.values() for row in chain([first], rows))):
        show(line)


def _start(record: Row) -> Row:
    start, memory = record["start"], record["start"]["memory"]
    took = {phase["name"]: phase["duration_s"] for phase in start["phases"]}
    return {
        "start_id": start["start_id"],
        "began_utc": _utc(record["began_wall_s"]),
        "server": record["server"],
        "model": record["model"],
        "args": " ".join(record["args"]),
        "vllm_version": start["vllm_version"],
        "outcome": start["outcome"],
        "failure": (start["failure"] or {}).get("kind"),
        "ready_s": start["ready_s"],
        "first_token_s": start["first_token_s"],
        "total_s": start["total_s"],
        "cost_usd": record["cost_usd"],
        **{f"phase_{name}_s": took.get(name) for name in PhaseName if name != PhaseName.UNLOGGED},
        "unlogged_s": start["unlogged_s"],
        "weights_gib": memory["weights_gib"],
        "kv_cache_gib": memory["kv_cache_gib"],
        "cuda_graphs_gib": memory["cuda_graphs_gib"],
        "started_by": record["started_by"] or None,
        "stopped_by": record["stopped_by"] or None,
        "note": record["note"],
    }


def _series(record: Row) -> Row:
    targets = record["report"].get("targets") or {}
    found: Row = {
        "series_id": record["series_id"],
        "began_utc": _utc(record["began_wall_s"]),
        "prompt_sha256": record["prompt_sha256"],
    }
    endpoints = dict(record["targets"])
    for target in ("a", "b"):
        summary = (targets.get(target) or {}).get("summary") or {}
        found[f"{target}_endpoint"] = endpoints.get(target)
        found[f"{target}_runs"] = summary.get("n")
        found[f"{target}_errors"] = summary.get("errors")
        found[f"{target}_ttft_median_s"] = (summary.get("ttft_s") or {}).get("median")
    difference = (record["report"].get("difference") or {}).get("ttft_s") or {}
    return found | {
        "ttft_shift_s": difference.get("shift"),
        "ttft": difference.get("verdict"),
        "note": record["note"],
    }


def _run(record: Row) -> Row:
    cells = {key: record.get(key) for key in CSV_KEYS}
    cells["flags"] = " ".join(record["flags"])
    head = {key: record[key] for key in ("series_id", "target", "index")}
    return head | cells


def _load(record: Row) -> Row:
    ended = record["document"]["ended"]
    best = ended["best"] or {}
    return {
        "load_id": record["finding_id"],
        "began_utc": _utc(record["began_wall_s"]),
        "endpoint": record["endpoint"],
        "model": record["document"]["model"],
        "rps": best.get("planned_rps"),
        "bounded": ended["bounded"],
        "output_tokens_per_s": best.get("output_tokens_per_s"),
        "concurrency": best.get("concurrency"),
        "cost_usd": ended["cost_usd"],
        "reason": ended["reason"],
        "note": record["note"],
    }


def _cold_probe(record: Row) -> Row:
    report = typed(record["document"], ColdProbeReport)
    return {
        "probe_id": record["finding_id"],
        "began_utc": _utc(record["began_wall_s"]),
        "endpoint": record["endpoint"],
        "model": report.model,
        "complete": report.complete,
        "cold_after_s": report.finding.cold_after_s,
        "warm_up_to_s": report.finding.warm_up_to_s,
        "requests": report.finding.requests,
        "verdict": verdict_line(report),
        "note": record["note"],
    }


COLUMNS = {
    "starts": _start,
    "series": _series,
    "runs": _run,
    "loads": _load,
    "coldprobes": _cold_probe,
}
"""What one row of a table shows of each kind; the JSON export holds everything."""


def _utc(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds")
