"""A note that someone puts on a record of the history."""

from contextlib import closing

from backends.history.history import open_history
from backends.history.records import Note
from backends.host.who import ordered_by
from backends.operations.host import Host


def written_note(host: Host, record_id: str, text: str) -> Note:
    """Return a note of who uses this terminal; without text the one that was there goes."""
    return Note(record_id, " ".join(text.split()), host.now().wall_s, ordered_by())


def put_note(host: Host, record_id: str, text: str) -> None:
    """Put a note on a record.

    Raises:
        HistoryUnavailable: the history cannot be written.
    """
    with closing(open_history(host.history_file)) as history:
        history.entries.add_note(written_note(host, record_id, text))
