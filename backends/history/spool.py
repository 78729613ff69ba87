"""What could not be written into a history, kept in files until it can."""

import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backends.domain.ab.run import Run
from backends.history.history import History
from backends.history.records import FindingRecord, Note, SeriesRecord, StartRecord
from backends.host.files import read_file, replace_file
from backends.wire import UnreadableRecord, json_bytes, plain, read_json, typed


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a series."""

    series_id: str
    run: Run


Record = StartRecord | SeriesRecord | RunRecord | FindingRecord | Note
"""What a history keeps of something that was measured; writing it twice keeps it once."""

_KINDS: dict[str, type[Record]] = {
    kind.__name__: kind for kind in (StartRecord, SeriesRecord, RunRecord, FindingRecord, Note)
}


def write_record(history: History, record: Record) -> None:
    """Write a record into an open history."""
    match record:
        case StartRecord():
            history.add_start(record)
        case SeriesRecord():
            history.add_series(record)
        case RunRecord():
            history.add_run(record.series_id, record.run)
        case FindingRecord():
            history.findings.keep(record)
        case Note():
            history.entries.add_note(record)


def spool(history_file: Path, records: Iterable[Record]) -> None:
    """Keep records in a file of their own beside the history, named so that the newest is last.

    Raises:
        OSError: the folder takes no file.
    """
    folder = _folder(history_file)
    folder.mkdir(mode=0o700, exist_ok=True)
    lines = [json_bytes({"record": type(record).__name__, **plain(record)}) for record in records]
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.jsonl"
    replace_file(folder / name, b"\n".join(lines))


def is_spooled(history_file: Path) -> bool:
    """Return whether records wait in files beside a history."""
    return any(_folder(history_file).glob("*.jsonl"))


def write_spooled(history: History, history_file: Path) -> int:
    """Write what was kept in files into the open history; return how many records that were.

    A line that is no record of this release, or holds what no history can, stays in its file.
    """
    written = 0
    # In the order in which they were kept: of a series, the record of its end replaces the others.
    for file in sorted(_folder(history_file).glob("*.jsonl")):
        try:
            records = [_record(line) for line in read_file(file).splitlines()]
        except (OSError, UnreadableRecord):
            continue
        try:
            for record in records:
                write_record(history, record)
        except (ArithmeticError, ValueError):  # a figure that no column holds hides no other file
            continue
        written += len(records)
        with suppress(OSError):  # writing them once more changes nothing
            file.unlink(missing_ok=True)
    return written


def _folder(history_file: Path) -> Path:
    return history_file.parent / "spool"


def _record(line: bytes) -> Record:
    try:
        data = read_json(line)
        kind = _KINDS[data.pop("record")]
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecord(str(error)) from error
    record: Record = typed(data, kind)
    return record
