"""One record of the history by its id, and as files: JSON, CSV, Markdown and a picture."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, cast

from backends.domain.ab.series import AbSeries
from backends.domain.format import local_minute
from backends.domain.redaction import without_secrets
from backends.domain.reports.ab import ab_report
from backends.domain.reports.ab_picture import ab_svg
from backends.domain.reports.ab_text import ab_csv, ab_markdown
from backends.domain.reports.cold_probe import (
    ColdProbeReport,
    cold_probe_csv,
    cold_probe_document,
    cold_probe_markdown,
    cold_probe_svg,
)
from backends.domain.reports.load import (
    LoadReport,
    load_csv,
    load_document,
    load_markdown,
    load_svg,
)
from backends.domain.reports.sleep import SleepReport, sleep_csv, sleep_sentence
from backends.domain.startup.fix import difference
from backends.domain.visible import markdown
from backends.history.database import HistoryUnavailable
from backends.history.history import open_history
from backends.history.records import FindingRecord, Note
from backends.history.series import stored_series
from backends.operations.host import Host
from backends.operations.recorded_start import RecordedStart, start_csv, start_markdown
from backends.problem import NotFound, UsageProblem
from backends.wire import UnreadableRecord, plain, typed

Recorded = RecordedStart | AbSeries | LoadReport | ColdProbeReport | SleepReport


@dataclass(frozen=True, slots=True)
class Noted:
    """A record with the note on it, None where there is none."""

    record: Recorded
    note: Note | None = None


Form = Literal["csv", "md", "svg"]
FORMS: tuple[Form, ...] = ("csv", "md", "svg")


def recorded(host: Host, record_id: str) -> Recorded:
    """Return the start, series, load, cold-start probe or sleep of an id.

    Raises:
        NotFound: the history has none of this id.
        HistoryUnavailable: the history cannot be read.
    """
    series = stored_series(host.history_file, record_id)
    if series is not None:
        return series
    with closing(open_history(host.history_file)) as history:
        for start in history.entries.starts([record_id]):
            before = history.entries.start_before(start.server, start.began_wall_s)
            return RecordedStart(start, difference(before.args, start.args) if before else None)
        record = history.findings.one(record_id)
    if record is None:
        raise NotFound(f"the history has no record {record_id}; see: inferctl history")
    return finding_of(record)


def note_on(host: Host, record_id: str) -> Note | None:
    """Return the note on a record, None where there is none.

    Raises:
        HistoryUnavailable: the history cannot be read.
    """
    with closing(open_history(host.history_file)) as history:
        return history.entries.notes([record_id]).get(record_id)


def finding_of(record: FindingRecord) -> LoadReport | ColdProbeReport | SleepReport:
    """Return the load, the cold-start probe or the order to sleep of a record.

    Raises:
        HistoryUnavailable: a newer inferctl wrote it.
    """
    try:
        if record.kind == "load":
            return typed(record.document, LoadReport)
        if record.kind == "sleep":
            return typed(record.document, SleepReport)
        return typed(record.document, ColdProbeReport)
    except UnreadableRecord as error:
        raise HistoryUnavailable(
            f"a record of the history is not known here ({error}); update inferctl"
        ) from error


def record_id(record: Recorded) -> str:
    """Return what a record is found by."""
    match record:
        case RecordedStart():
            return record.record.start.start_id
        case AbSeries():
            return record.began.series_id
        case LoadReport():
            return record.load_id
        case ColdProbeReport():
            return record.probe_id
        case SleepReport():
            return record.sleep_id


def as_document(record: Recorded, note: Note | None = None) -> dict[str, Any]:
    """Return a record as what its verb prints with ``--json``; whatever looks secret is hidden."""
    match record:
        case RecordedStart():
            document = plain(record.record) | {"changes": record.changes}
        case AbSeries():
            document = ab_report(record)
        case LoadReport():
            document = load_document(record)
        case ColdProbeReport():
            document = cold_probe_document(record)
        case SleepReport():
            document = plain(record)
    noted = {} if note is None else {"note": note.text, "noted_by": note.by}
    return cast("dict[str, Any]", without_secrets(plain(document) | noted))


def as_text(record: Recorded, form: Form, note: Note | None = None) -> str:
    """Return a record in one of its forms; whatever looks secret is hidden.

    A note stands in Markdown alone: CSV has rows of figures, and a picture shows them.

    Raises:
        UsageProblem: there is no picture of this kind.
    """
    match record:
        case RecordedStart():
            if form == "svg":
                raise UsageProblem("a start has no picture of its own; see --csv")
            written = {"csv": start_csv, "md": start_markdown}[form](record)
        case AbSeries():
            written = {"csv": ab_csv, "md": ab_markdown, "svg": ab_svg}[form](record)
        case LoadReport():
            written = {"csv": load_csv, "md": load_markdown, "svg": load_svg}[form](record)
        case ColdProbeReport():
            written = {"csv": cold_probe_csv, "md": cold_probe_markdown, "svg": cold_probe_svg}[
                form
            ](record)
        case SleepReport():
            if form == "svg":
                raise UsageProblem("a sleep is one figure, which has no picture; see --csv")
            written = {"csv": sleep_csv, "md": sleep_sentence}[form](record)
    if note is not None and form == "md":
        written = f"{written.rstrip()}\n\n{markdown(noted_text(note))}\n"
    return cast("str", without_secrets(written))


def noted_text(note: Note) -> str:
    """Return a note with who wrote it, and when."""
    by = f"{note.by}, " if note.by else ""
    return f"note: {note.text} ({by}{local_minute(note.wall_s)})"
