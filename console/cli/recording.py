"""What a verb has measured goes into the history, and what does not is said, never an error."""

from collections.abc import Iterator
from contextlib import contextmanager

from backends.history.thread import HistoryThread
from backends.operations.host import Host
from console.cli.output import say

WAIT_S = 15.0
"""How long a verb that has told all it has to tell waits for a history that is locked."""


@contextmanager
def recording(host: Host) -> Iterator[HistoryThread]:
    """Give what writes the history, and let it finish; says what could not be recorded."""
    writer = HistoryThread(host.history_file)
    try:
        yield writer
    finally:
        if writer.problem:
            say(f"waiting up to {WAIT_S:g} s to record what was measured: {writer.problem}")
        if unwritten := writer.close(WAIT_S):
            say(unwritten_text(unwritten, writer.problem))
        elif writer.spools:
            say(f"what was measured is recorded as soon as the history can be: {writer.problem}")


def unwritten_text(unwritten: int, problem: str) -> str:
    """Return how many records did not come into the history, and why."""
    records = "1 record was" if unwritten == 1 else f"{unwritten} records were"
    return f"{records} not written: {problem or 'the disk does not answer'}"
