"""Writes what is on screen to files: a picture, and the figures behind it."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from backends.domain.streams.report import ab_report
from backends.domain.streams.written import ab_csv, ab_markdown
from backends.settings.paths import private_folder
from backends.wire import plain
from console.views.startup import start_of

if TYPE_CHECKING:
    from console.app import InferctlApp


def export(app: "InferctlApp") -> Path:
    """Write ``screen.svg``, ``session.json`` and the A/B as JSON, CSV and Markdown.

    Returns:
        The new folder under the state folder's ``exports``, readable by its owner only.

    Raises:
        OSError: the folder cannot be written.
    """
    name = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    folder = private_folder(app.machine.state_folder / "exports" / name)
    (folder / "screen.svg").write_text(app.export_screenshot())
    session = app.session
    figures = {
        "server": session.life.server if session.life else None,
        "start": start_of(session),
        "gpus": session.gpus,
        "serving": session.serving,
        "totals": asdict(session.totals),
        "meter": session.meter,
    }
    (folder / "session.json").write_text(json.dumps(plain(figures), indent=2))
    if session.ab is not None:
        series = session.ab.series
        (folder / "ab.json").write_text(json.dumps(ab_report(series), indent=2))
        (folder / "ab.csv").write_text(ab_csv(series))
        (folder / "ab.md").write_text(ab_markdown(series))
    return folder
