"""Starts that no console saw to their end, taken from their keepers' journals into the history."""

from collections.abc import Iterator
from contextlib import closing
from functools import reduce
from pathlib import Path

from backends.domain.facts import (
    Exited,
    FirstTokenSeen,
    FirstTokenUnavailable,
    Stopped,
)
from backends.domain.lifecycle import life_after, unborn
from backends.history.history import open_history
from backends.history.known import settled_starts
from backends.history.records import StartRecord
from backends.keeper.folder import ServerFolder, Unreadable, read_journal, servers_folder
from backends.operations import records as recorder
from backends.operations.host import Machine

ENDS = (FirstTokenSeen, FirstTokenUnavailable, Exited, Stopped)
"""After any of these a start grows no longer."""


def record_finished_starts(machine: Machine) -> int:
    """Write down every start that is over and not yet in the history; return their number.

    A start that left no end is written down as incomplete, with what was seen of it.

    Safe to repeat: of two records of one start the more complete stays. Journals of starts that
    are in the history already are not read.

    Raises:
        HistoryUnavailable: the history cannot be written.
    """
    journals = list(_journals(machine.state_folder))
    if not journals:
        return 0
    settled = settled_starts(machine.history_file)
    fresh = [path for path in journals if path.stem not in settled]
    records = [record for path in fresh if (record := _record(machine, path)) is not None]
    if records:
        with closing(open_history(machine.history_file)) as history:
            for record in records:
                history.add_start(record)
    return len(records)


def _journals(state_folder: Path) -> Iterator[Path]:
    return servers_folder(state_folder).glob("*/starts/*.jsonl")


def _record(machine: Machine, journal: Path) -> StartRecord | None:
    try:
        facts = read_journal(journal)
    except Unreadable:  # the list of servers says so, and a later look may read it
        return None
    if not facts or not (_is_over(journal) or any(isinstance(fact, ENDS) for fact in facts)):
        return None
    return recorder.start_record(machine, reduce(life_after, facts, unborn("")), facts[-1].at)


def _is_over(journal: Path) -> bool:
    """Return whether a later start took its place, as after a power cut that left no end."""
    return ServerFolder(journal.parents[1]).journal.resolve() != journal.resolve()
