"""A start as the history keeps it, in words and in files."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from backends.domain.format import local_minute, plain_s, usd
from backends.domain.reports.csv_table import csv_text
from backends.domain.reports.table import markdown_table
from backends.domain.start import PHASE_TITLES, Phase
from backends.domain.visible import markdown
from backends.history.records import StartRecord


@dataclass(frozen=True, slots=True)
class RecordedStart:
    """A start, and what it was started with that the start before was not.

    Attributes:
        changes: flags of the arguments, ``- --flag value`` for one that went; None where no start
            of the server came before.
    """

    record: StartRecord
    changes: tuple[str, ...] | None


def start_csv(recorded: RecordedStart) -> str:
    """Return the phases of a start as CSV, one a row; unknown is empty."""
    rows = [
        (each.name, each.start_s, each.duration_s, each.reported_s) for each in phases(recorded)
    ]
    return csv_text([("phase", "start_s", "duration_s", "reported_s"), *rows])


def start_markdown(recorded: RecordedStart) -> str:
    """Return a start as Markdown: its phases, what it ran, and by whose order."""
    start = recorded.record.start
    rows = [
        (PHASE_TITLES[each.name], plain_s(each.start_s), plain_s(each.duration_s))
        for each in phases(recorded)
    ]
    rows += [("other", "", plain_s(start.unlogged_s)), ("whole start", "", plain_s(start.total_s))]
    lines = [*markdown_table(("phase", "from", "took"), rows), ""]
    return "\n".join([*lines, *(f"- {markdown(each)}" for each in start_facts(recorded))]) + "\n"


def start_facts(recorded: RecordedStart) -> Iterator[str]:
    """Yield what a start was of, how it ended, who ordered it and what was changed before it."""
    record, start = recorded.record, recorded.record.start
    version = f", vLLM {start.vllm_version}" if start.vllm_version else ""
    yield f"{record.server}: {record.model}{version}, {local_minute(record.began_wall_s)}"
    failed = f": {start.failure.cause}" if start.failure else ""
    cost = "no price" if record.cost_usd is None else f"cost {usd(record.cost_usd)}"
    yield f"{start.outcome}{failed}; {cost}"
    yield f"started by {record.started_by}" if record.started_by else "started by: not recorded"
    if record.ended_wall_s is not None:
        by = f", stopped by {record.stopped_by}" if record.stopped_by else ""
        yield f"ended {local_minute(record.ended_wall_s)}{by}"
    yield f"arguments: {shlex.join(record.args) or 'none'}"
    if recorded.changes is not None:
        changed = ", ".join(recorded.changes) or "nothing"
        yield f"changed since the start before: {changed}"


def phases(recorded: RecordedStart) -> list[Phase]:
    """Return the phases in the order in which they began."""
    return sorted(recorded.record.start.phases, key=lambda phase: phase.start_s)
