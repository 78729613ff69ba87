"""One record of the history by its id, and as files: JSON, CSV, Markdown and a picture."""

from contextlib import closing
from typing import Any, Literal, cast

from backends.domain.ab.series import AbSeries
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
from backends.history.database import HistoryUnavailable
from backends.history.history import open_history
from backends.history.records import FindingRecord
from backends.history.series import stored_series
from backends.operations.host import Host
from backends.problem import NotFound, UsageProblem
from backends.wire import UnreadableRecord, plain, typed

Recorded = AbSeries | LoadReport | ColdProbeReport | SleepReport
Form = Literal["csv", "md", "svg"]
FORMS: tuple[Form, ...] = ("csv", "md", "svg")


def recorded(host: Host, record_id: str) -> Recorded:
    """Return the series, load or cold-start probe of an id.

    Raises:
        NotFound: the history has none of this id.
        HistoryUnavailable: the history cannot be read.
    """
    series = stored_series(host.history_file, record_id)
    if series is not None:
        return series
    with closing(open_history(host.history_file)) as history:
        record = history.findings.one(record_id)
    if record is None:
        raise NotFound(f"nothing in the history is called {record_id}; see: inferctl history")
    return finding_of(record)


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
        case AbSeries():
            return record.began.series_id
        case LoadReport():
            return record.load_id
        case ColdProbeReport():
            return record.probe_id
        case SleepReport():
            return record.sleep_id


def as_document(record: Recorded) -> dict[str, Any]:
    """Return a record as what its verb prints with ``--json``; whatever looks secret is hidden."""
    match record:
        case AbSeries():
            document = ab_report(record)
        case LoadReport():
            document = load_document(record)
        case ColdProbeReport():
            document = cold_probe_document(record)
        case SleepReport():
            document = plain(record)
    return cast("dict[str, Any]", without_secrets(plain(document)))


def as_text(record: Recorded, form: Form) -> str:
    """Return a record in one of its forms; whatever looks secret is hidden."""
    match record:
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
    return cast("str", without_secrets(written))
