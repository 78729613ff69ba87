"""``inferctl history``: the starts and the A/B series that were recorded, newest first."""

import argparse
from contextlib import closing
from datetime import datetime
from typing import Any

from backends.domain.money.amounts import usd
from backends.history.records import SeriesRecord, StartRecord
from console.verbs.report import document, say, table

UNKNOWN = "—"


def run(arguments: argparse.Namespace) -> int:
    """Print what was recorded; an empty history is no error.

    Raises:
        Problem: the history or the configuration cannot be read.
    """
    from backends.history.history import open_history
    from console.this_host import this_host
    from console.unwatched import record_finished_starts

    machine = this_host()
    record_finished_starts(machine)
    both = arguments.starts == arguments.series
    with closing(open_history(machine.history_file)) as history:
        starts = history.recent_starts(arguments.lines) if both or arguments.starts else None
        series = history.recent_series(arguments.lines) if both or arguments.series else None
    if history.notice:
        say(history.notice)
    if arguments.json:
        kinds = {"starts": starts, "series": series}
        document({kind: found for kind, found in kinds.items() if found is not None})
        return 0
    if starts is not None:
        _tell_starts(starts)
    if series is not None:
        _tell_series(series)
    return 0


def _tell_starts(starts: tuple[StartRecord, ...]) -> None:
    if not starts:
        print("no start was recorded yet: one is kept when it ends")
        return
    head = ("BEGAN", "SERVER", "OUTCOME", "READY", "TOTAL", "COST", "SLOWEST PHASE", "MODEL")
    table([head, *map(_start_row, starts)])


def _start_row(record: StartRecord) -> tuple[str, ...]:
    start = record.start
    slowest = max(start.phases, key=lambda phase: phase.duration_s or 0.0, default=None)
    return (
        local_time(record.began_wall_s),
        record.server,
        start.failure.kind if start.failure else start.outcome,
        _seconds(start.ready_s),
        _seconds(start.total_s),
        usd(record.cost_usd),
        f"{slowest.name} {_seconds(slowest.duration_s)}" if slowest else UNKNOWN,
        record.model,
    )


def _tell_series(series: tuple[SeriesRecord, ...]) -> None:
    if not series:
        print("no A/B was recorded yet: one is kept when it ends")
        return
    table([("BEGAN", "A", "B", "RUNS", "TTFT A", "TTFT B", "TTFT VERDICT"), *map(_ab_row, series)])


def _ab_row(record: SeriesRecord) -> tuple[str, ...]:
    names = [endpoint for _, endpoint in record.lanes][:2]
    lanes: dict[str, Any] = record.report.get("lanes") or {}
    summaries = [lane.get("summary") or {} for lane in lanes.values()][:2]
    medians = [(summary.get("ttft_s") or {}).get("median") for summary in summaries]
    difference = (record.report.get("difference") or {}).get("ttft_s") or {}
    return (
        local_time(record.began_wall_s),
        *_two(names),
        str(sum(summary.get("n", 0) for summary in summaries)),
        *_two([_milliseconds(median) for median in medians]),
        str(difference.get("verdict") or UNKNOWN).replace("_", " "),
    )


def _two(cells: list[str]) -> list[str]:
    return [*cells, UNKNOWN, UNKNOWN][:2]


def local_time(wall_s: float) -> str:
    """Return an instant as local date and time to the minute."""
    return datetime.fromtimestamp(wall_s).astimezone().strftime("%Y-%m-%d %H:%M")


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f} s"


def _milliseconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value * 1000:.1f} ms"
