"""Two records of the history side by side, with what was measured like them."""

from collections.abc import Sequence
from contextlib import closing

from backends.domain.comparison import Comparison, Side, compare_loads, compare_starts
from backends.domain.reports.load import LoadReport
from backends.domain.start import Outcome, Start
from backends.history.entries import Search
from backends.history.history import History, open_history
from backends.history.records import StartRecord
from backends.operations.host import Host
from backends.operations.record_files import finding_of
from backends.problem import NotFound, Problem, UsageProblem

LOOKED_BACK = 50
"""So many starts and load tests are looked through for what was measured alike."""

Compared = StartRecord | LoadReport


def compared(host: Host, first_id: str, second_id: str | None = None) -> Comparison:
    """Return two starts or two load tests side by side.

    Args:
        host: whose history it is.
        first_id: of the first; without a second the one that came before it is its first side.
        second_id: of the second.

    Raises:
        NotFound: the history has no record of an id, or none before it.
        UsageProblem: they are of two kinds, or of one that is not compared.
        HistoryUnavailable: the history cannot be read.
    """
    with closing(open_history(host.history_file)) as history:
        second = _record(history, second_id or first_id)
        first = _record(history, first_id) if second_id else _before(history, second)
        if isinstance(first, StartRecord) and isinstance(second, StartRecord):
            return _starts(history, first, second)
        if isinstance(first, LoadReport) and isinstance(second, LoadReport):
            return _loads(history, first, second)
    raise UsageProblem("a start is compared with a start, and a load test with a load test")


def _record(history: History, record_id: str) -> Compared:
    for start in history.entries.starts([record_id]):
        return start
    found = history.findings.one(record_id)
    if found is None and history.series(record_id) is None:
        raise NotFound(f"the history has no record {record_id}; see: inferctl history")
    report = finding_of(found) if found else None
    if isinstance(report, LoadReport):
        return report
    raise UsageProblem(f"{record_id} is neither a start nor a load test; these two are compared")


def _before(history: History, record: Compared) -> Compared:
    if isinstance(record, StartRecord):
        start = history.entries.start_before(record.server, record.began_wall_s)
        if start is None:
            raise NotFound(f"no earlier start of {record.server} is recorded to compare with")
        return start
    for load in _loads_of(history, record.endpoint):
        if load.began_wall_s < record.began_wall_s:
            return load
    raise NotFound(f"no earlier load test of {record.endpoint} is recorded to compare with")


def _starts(history: History, first: StartRecord, second: StartRecord) -> Comparison:
    records = (first, second)
    notes = history.entries.notes([each.start.start_id for each in records])

    def side(record: StartRecord) -> Side:
        note = notes.get(record.start.start_id)
        return Side(
            record.start.start_id,
            record.server,
            record.began_wall_s,
            record.args,
            note.text if note else "",
        )

    return compare_starts(
        (side(first), side(second)),
        (first.start, second.start),
        (_like_start(history, first), _like_start(history, second)),
    )


def _like_start(history: History, record: StartRecord) -> list[Start]:
    found = history.starts_like(record.model, record.args, LOOKED_BACK)
    alike = [
        each.start
        for each in found
        if each.server == record.server
        and each.start.vllm_version == record.start.vllm_version
        and each.start.outcome is Outcome.READY
    ]
    return alike if record.start in alike else [record.start, *alike]


def _loads(history: History, first: LoadReport, second: LoadReport) -> Comparison:
    notes = history.entries.notes([first.load_id, second.load_id])

    def side(load: LoadReport) -> Side:
        note = notes.get(load.load_id)
        args = _args_at(history, load)
        return Side(load.load_id, load.endpoint, load.began_wall_s, args, note.text if note else "")

    return compare_loads(
        (side(first), side(second)),
        (first, second),
        (_like_load(history, first), _like_load(history, second)),
    )


def _args_at(history: History, load: LoadReport) -> tuple[str, ...] | None:
    """Return the arguments of the server that a load was sent to; None for any other endpoint."""
    start = history.entries.start_before(load.endpoint, load.began_wall_s)
    return start.args if start else None


def _like_load(history: History, load: LoadReport) -> list[float]:
    """Return the capacities that were measured as a load was, of a server with its arguments."""
    args = _args_at(history, load)
    return [
        each.ended.best.planned_rps
        for each in _loads_of(history, load.endpoint)
        if each.ended.best is not None
        and each.ended.bounded
        and _asked(each) == _asked(load)
        and _args_at(history, each) == args
    ] or ([load.ended.best.planned_rps] if load.ended.best else [])


def _asked(load: LoadReport) -> tuple[object, ...]:
    limits = (load.ttft_limit_s, load.itl_limit_s)
    return (load.model, load.prompt_sha256, load.max_tokens, *limits, load.replayed)


def _loads_of(history: History, endpoint: str) -> Sequence[LoadReport]:
    """Return the last load tests of an endpoint, newest first."""
    found = history.entries.found(Search(kinds=("load",), subjects=(endpoint,)), LOOKED_BACK)
    loads = []
    for record in found.findings:
        try:
            report = finding_of(record)
        except Problem:  # of a newer inferctl
            continue
        if isinstance(report, LoadReport) and report.endpoint == endpoint:
            loads.append(report)
    return loads
