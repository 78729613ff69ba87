"""Starts that are over, written into the history, by whoever saw them or comes after."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from pathlib import Path

from backends.domain.facts import Exited, FirstTokenSeen, FirstTokenUnavailable, Stopped
from backends.domain.lifecycle import Life, life_after, not_started
from backends.domain.stamp import Stamp
from backends.domain.start import Start
from backends.domain.startup.fold import as_start
from backends.history.history import History, open_history, settled_starts
from backends.history.records import StartRecord
from backends.history.spool import is_spooled, write_spooled
from backends.history.thread import HistoryThread
from backends.keeper.folder import ServerFolder, Unreadable, read_journal, servers_folder
from backends.operations.host import Host
from backends.operations.launched import launched_with
from backends.settings.config import Profile

SECONDS_PER_HOUR = 3600

ENDS = (FirstTokenSeen, FirstTokenUnavailable, Exited, Stopped)
"""After any of these a start grows no longer."""


def write_start(writer: HistoryThread, host: Host, life: Life) -> None:
    """Have a start written down; the more complete of two records of one start stays."""
    record = start_record(host, life, host.now())
    if record is not None:
        writer.keep(record)


def start_record(host: Host, life: Life, at: Stamp) -> StartRecord | None:
    """Return what the history keeps of a start; None where its launch or its output was not seen.

    Model and arguments are those it was launched with: the profile may have changed since. Its
    price is the profile's of today, None for a start whose profile is gone.
    """
    launched = launched_with(life.argv)
    if life.spawned_at is None or life.start is None or launched is None or life.no_log:
        return None
    profile = host.settings.profile(life.server.name)
    start = as_start(life.start, at)
    model, args = launched
    return StartRecord(
        server=life.server.name,
        model=model,
        args=args,
        began_wall_s=life.spawned_at.wall_s,
        start=start,
        cost_usd=start_cost(profile, start),
        started_by=life.server.started_by,
        stopped_by=life.stopped_by,
        ended_wall_s=life.ended_at.wall_s if life.ended_at else None,
    )


def start_cost(profile: Profile | None, start: Start) -> Decimal | None:
    """Return what the host cost for the length of a start, None without a price."""
    price = profile.gpu_usd_per_hour if profile else None
    if price is None or start.total_s is None:
        return None
    return price * Decimal(repr(start.total_s)) / SECONDS_PER_HOUR


def record_finished_starts(host: Host) -> int:
    """Write down every start that is over and not yet in the history; return their number.

    A start that left no end is written down as incomplete, with what was seen of it.

    Safe to repeat: of two records of one start the more complete stays. Journals of starts that
    are in the history already are not read.

    Raises:
        HistoryUnavailable: the history cannot be written.
    """
    if is_spooled(host.history_file):
        with closing(open_history(host.history_file)) as history:
            write_spooled(history, host.history_file)
    records = _finished_starts(host)
    if records:
        with closing(open_history(host.history_file)) as history:
            for record in records:
                history.add_start(record)
    return len(records)


def add_finished_starts(history: History, host: Host) -> None:
    """Write into an open history what `record_finished_starts` writes."""
    for record in _finished_starts(host):
        history.add_start(record)


def _finished_starts(host: Host) -> list[StartRecord]:
    journals = list(_journals(host.state_folder))
    if not journals:
        return []
    settled = settled_starts(host.history_file)
    fresh = [path for path in journals if path.stem not in settled]
    return [record for path in fresh if (record := _record(host, path)) is not None]


def _journals(state_folder: Path) -> Iterator[Path]:
    return servers_folder(state_folder).glob("*/starts/*.jsonl")


def _record(host: Host, journal: Path) -> StartRecord | None:
    try:
        facts = read_journal(journal)
    except Unreadable:  # the list of servers says so, and a later look may read it
        return None
    is_over = _is_over(journal)
    if not facts or not (is_over or any(isinstance(fact, ENDS) for fact in facts)):
        return None
    record = start_record(host, reduce(life_after, facts, not_started("")), facts[-1].at)
    if record is None or not is_over or record.ended_wall_s is not None:
        return record
    return replace(record, ended_wall_s=facts[-1].at.wall_s)


def _is_over(journal: Path) -> bool:
    """Return whether a later start took its place, as after a power cut that left no end."""
    return ServerFolder(journal.parents[1]).journal.resolve() != journal.resolve()
