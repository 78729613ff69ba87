"""Writes what is on screen to files: a picture, and the figures behind it."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from backends.domain.ab.series import AbSeries
from backends.domain.comparison import Comparison, comparison_markdown
from backends.domain.redaction import without_secrets
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.domain.reports.sleep import SleepReport
from backends.domain.session import Session
from backends.operations.record_files import FORMS, Noted, Recorded, as_document, as_text
from backends.operations.recorded_start import RecordedStart
from backends.problem import UsageProblem
from backends.settings.paths import private_folder
from backends.wire import json_text, plain
from console.tui.views.startup import start_of

NAMES: dict[type[Recorded], str] = {
    AbSeries: "ab",
    LoadReport: "load",
    ColdProbeReport: "coldprobe",
    SleepReport: "sleep",
    RecordedStart: "start",
}
"""What the files of a record are called."""


def export(parent: Path, picture: str, shown: Noted | Comparison | Session) -> Path:
    """Write ``screen.svg``, ``session.json`` and the A/B as JSON, CSV, Markdown and a picture.

    Args:
        parent: the folder that takes the new one.
        picture: the screen as SVG.
        shown: the session, or what the history shows, which is then written instead of it.

    Returns:
        The new folder, readable by its owner only.

    Raises:
        OSError: the folder cannot be written.
    """
    name = datetime.now().astimezone().strftime("inferctl-%Y%m%d-%H%M%S")
    folder = private_folder(parent / name)
    (folder / "screen.svg").write_text(without_secrets(picture), encoding="utf-8")
    if isinstance(shown, Session):
        _write_session(folder, shown)
    elif isinstance(shown, Comparison):
        (folder / "compare.md").write_text(comparison_markdown(shown), encoding="utf-8")
        (folder / "compare.json").write_text(
            json_text(without_secrets(plain(shown)), indent=2), encoding="utf-8"
        )
    else:
        _write_record(folder, shown)
    return folder


def _write_session(folder: Path, session: Session) -> None:
    figures = {
        "server": session.life.server if session.life else None,
        "start": start_of(session),
        "gpus": session.gpus,
        "serving": session.serving,
        "totals": asdict(session.totals),
        "meter": session.meter,
    }
    (folder / "session.json").write_text(
        json_text(without_secrets(plain(figures)), indent=2), encoding="utf-8"
    )
    if session.ab is not None:
        _write_record(folder, Noted(session.ab.series))


def _write_record(folder: Path, shown: Noted) -> None:
    """Write a record in all the forms it has; its JSON holds everything that was measured."""
    record, note = shown.record, shown.note
    name = NAMES[type(record)]
    document = json_text(as_document(record, note), indent=2)
    (folder / f"{name}.json").write_text(document, encoding="utf-8")
    for form in FORMS:
        with suppress(UsageProblem):  # not every kind has a picture
            text = as_text(record, form, note)
            (folder / f"{name}.{form}").write_text(text, encoding="utf-8")
