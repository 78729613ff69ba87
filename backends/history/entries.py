"""All records of a history in one list: searched by words, with the notes beside them."""

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from backends.domain.redaction import without_secrets
from backends.history.database import Database
from backends.history.records import FindingRecord, Note, Point, SeriesRecord, StartRecord
from backends.history.rows import finding_record, note_of, point, series_record, start_record

T = TypeVar("T")

KINDS = {
    "start": ("start",),
    "series": ("series", "a/b", "ab"),
    "load": ("load",),
    "coldprobe": ("coldprobe", "cold-start"),
    "sleep": ("sleep", "wake"),
}
"""What a history lists, each with the words that it is asked for by, or their beginnings."""

ADD_NOTE = """
INSERT INTO notes VALUES (?, ?, ?, ?)
ON CONFLICT (record_id) DO UPDATE SET
    text = excluded.text, wall_s = excluded.wall_s, written_by = excluded.written_by
WHERE excluded.wall_s >= notes.wall_s
"""

_LIKE = "LIKE ? ESCAPE '\\'"
_NOTED = f"SELECT record_id FROM notes WHERE text {_LIKE}"  # noqa: S608
_ANYWHERE = f"(words {_LIKE} OR subject {_LIKE} OR result {_LIKE} OR record_id IN ({_NOTED}))"


@dataclass(frozen=True, slots=True)
class Search:
    """Which records are wanted: those that have all of it, in whatever case.

    Attributes:
        kinds: one of these keys of `KINDS`; none for any.
        subjects: each is in the name of the server, or of a target.
        results: each is in the result, such as ``ready``, ``failed`` or ``a faster``.
        words: each is in any of these, the model, the version, the arguments, who started or
            stopped it, or the note.
    """

    kinds: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Search":
        """Return what a typed text asks for, such as ``kind:start server:chat failed``."""
        found: dict[str, list[str]] = {"kind": [], "server": [], "result": [], "": []}
        for word in text.split():
            name, _, value = word.partition(":")
            name = "server" if name == "target" else name
            if value and name in found:
                found[name].append(value)
            elif not (word.endswith(":") and name in found):  # a field whose value is not typed yet
                found[""].append(word)
        kinds = [kind for word in found.pop("kind") for kind in _kinds(word.lower())]
        return cls(tuple(kinds), *map(tuple, found.values()))

    def where(self) -> tuple[str, list[str]]:
        """Return the condition on a row of table ``entries`` in SQL, and its values."""
        parts, values = ["TRUE"], list[str]()
        if self.kinds:
            parts.append(f"kind IN ({_marks(self.kinds)})")
            values += self.kinds
        for column, wanted in (("subject", self.subjects), ("result", self.results)):
            parts += [f"{column} {_LIKE}"] * len(wanted)
            values += map(_anywhere_in, wanted)
        for word in self.words:
            parts.append(_ANYWHERE)
            values += [_anywhere_in(word)] * _ANYWHERE.count("?")
        return " AND ".join(parts), values


@dataclass(frozen=True, slots=True)
class Found:
    """The newest records that a search found.

    Attributes:
        notes: those on them, by the record's id.
        more: there are older ones, which were left out.
    """

    starts: tuple[StartRecord, ...] = ()
    series: tuple[SeriesRecord, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    notes: Mapping[str, Note] = field(default_factory=dict)
    more: bool = False


class Entries:
    """The list of one open history, which says what its methods raise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def found(self, search: Search, limit: int) -> Found:
        """Return the newest records that a search finds, newest first in each kind.

        Rows are looked at from the newest on, until there are enough of them.
        """
        where, values = search.where()
        rows = self._database.rows(
            "SELECT record_id FROM entries"  # noqa: S608
            f" WHERE {where} ORDER BY began_wall_s DESC LIMIT ?",
            (*values, limit + 1),
        )
        ids = [row["record_id"] for row in rows[:limit]]
        return Found(
            self.starts(ids),
            self._of("series", "series_id", ids, series_record),
            self._of("findings", "finding_id", ids, finding_record),
            self.notes(ids),
            more=len(rows) > limit,
        )

    def starts(self, ids: Sequence[str]) -> tuple[StartRecord, ...]:
        """Return the starts among some records, newest first."""
        return self._of("starts", "start_id", ids, start_record)

    def start_seconds(self, search: Search, limit: int) -> tuple[Point, ...]:
        """Return what the newest starts that a search finds took, where they came to serve."""
        where, values = search.where()
        query = f"""
            SELECT server AS of, starts.began_wall_s AS wall_s, total_s AS value FROM starts JOIN (
                SELECT record_id FROM entries WHERE kind = 'start' AND {where}
                ORDER BY began_wall_s DESC LIMIT ?
            ) ON start_id = record_id WHERE outcome = 'ready' AND total_s IS NOT NULL
            ORDER BY starts.began_wall_s
        """  # noqa: S608
        return self._database.records(query, (*values, limit), point)

    def first_token_seconds(self, search: Search, limit: int) -> tuple[Point, ...]:
        """Return the median TTFT of each target of the newest A/B series that a search finds."""
        where, values = search.where()
        report = "iif(json_valid(report), report, NULL)"
        query = f"""
            SELECT json_extract(target.value, '$.endpoint') AS of, series.began_wall_s AS wall_s,
                json_extract(target.value, '$.summary.ttft_s.median') AS value
            FROM series JOIN (
                SELECT record_id FROM entries WHERE kind = 'series' AND {where}
                ORDER BY began_wall_s DESC LIMIT ?
            ) ON series_id = record_id JOIN json_each({report}, '$.targets') AS target
            WHERE of IS NOT NULL AND value IS NOT NULL ORDER BY series.began_wall_s
        """  # noqa: S608
        return self._database.records(query, (*values, limit), point)

    def start_before(self, server: str, wall_s: float) -> StartRecord | None:
        """Return the last start of a server before an instant, None where there is none."""
        query = (
            "SELECT * FROM starts WHERE server = ? AND began_wall_s < ?"
            " ORDER BY began_wall_s DESC LIMIT 1"
        )
        return next(iter(self._database.records(query, (server, wall_s), start_record)), None)

    def notes(self, ids: Sequence[str]) -> dict[str, Note]:
        """Return the notes on some records, by the record's id."""
        query = f"SELECT * FROM notes WHERE text <> '' AND record_id IN ({_marks(ids)})"  # noqa: S608
        found = self._database.records(query, ids, note_of)
        return {note.record_id: note for note in found}

    def add_note(self, note: Note) -> None:
        """Keep a note in place of an older one; without text there is none from then on."""
        text = without_secrets(note.text)
        self._database.rows(ADD_NOTE, (note.record_id, text, note.wall_s, note.by))

    def _of(
        self, table: str, key: str, ids: Sequence[str], as_record: Callable[[sqlite3.Row], T]
    ) -> tuple[T, ...]:
        query = f"SELECT * FROM {table} WHERE {key} IN ({_marks(ids)}) ORDER BY began_wall_s DESC"  # noqa: S608
        return self._database.records(query, ids, as_record)


def _kinds(word: str) -> list[str]:
    """Return the kinds that a word names, or those that it begins; itself where there is none."""
    whole = [kind for kind, names in KINDS.items() if word in names]
    begun = [kind for kind, names in KINDS.items() if any(each.startswith(word) for each in names)]
    return whole or begun or [word]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _anywhere_in(word: str) -> str:
    escaped = re.sub(r"([%_\\])", r"\\\1", word)
    return f"%{escaped}%"
