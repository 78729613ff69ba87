"""One damaged row in any column of any table: everything else is still read, and it is counted."""

import sqlite3
from array import array
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.ab.run import Run, TargetName
from backends.domain.format import local_minute
from backends.domain.start import Outcome, Start
from backends.history.database import UnreadableRow
from backends.history.entries import Search
from backends.history.first_tokens import first_tokens
from backends.history.history import DETAIL_KEPT_S, History, open_history
from backends.history.records import FindingKind, FindingRecord, Note, SeriesRecord, StartRecord
from backends.history.schema import MIGRATIONS
from backends.history.series import recent_series, series_of, stored_series

TARGETS: tuple[tuple[TargetName, str], ...] = (("a", "chat"), ("b", "api"))
REPORT = {"complete": True, "targets": {"a": {"model": "m"}, "b": {"model": "m"}}}
ITL_S = (0.01, 0.0123, 0.5, 0.011)


def fill(history: History) -> None:
    for number in range(3):
        start = Start(f"start-{number}", Outcome.READY, ready_s=60.0, first_token_s=61.0)
        history.add_start(StartRecord("chat", "m", ("--x",), 1e9 + number, start))
        record = SeriesRecord(f"s{number}", 1e9 + number, TARGETS, "sha", REPORT)
        history.add_series(record)
        history.add_run(f"s{number}", Run("a", 0, 0.1, itl_s=ITL_S, cost_usd="0.5"))
        history.add_run(f"s{number}", Run("b", 0, 0.2, itl_s=ITL_S))
        kinds: tuple[FindingKind, ...] = ("load", "coldprobe")
        for kind in kinds:
            finding = FindingRecord(kind, f"{kind}-{number}", 1e9 + number, "api", {"n": number})
            history.findings.keep(finding)
    history.entries.add_note(Note("s0", "a note", 1.0, "ana, pts/3"))
    history.save_meter("meter", 1.0, {"origin": "given"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "history.sqlite"
    with closing(open_history(file)) as history:
        fill(history)
    return file


def columns() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in MIGRATIONS:
            connection.executescript(step)
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return [
            (table, column[1])
            for (table,) in tables.fetchall()
            for column in connection.execute(f"PRAGMA table_info({table})")
        ]


BROKEN = {
    "no JSON": "{not JSON",
    "deep": "[" * 50_000,
    "a list": '["a"]',
    "a number": "17",
    "null": "null",
    "bytes": b"\xff\x00\x80",
    "nothing": "",
    "far away": 1e300,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(("table", "column"), columns(), ids=str)
def test_a_damaged_value_hides_nothing_else(
    table: str, column: str, broken: object, path: Path
) -> None:
    key = "record_id" if table in {"test_costs", "entries"} else "rowid"
    with closing(sqlite3.connect(path)) as connection, connection:
        (first,) = connection.execute(f"SELECT {key} FROM {table}").fetchone()
        connection.execute(
            f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {key} = ?", (broken, first)
        )
    with closing(open_history(path)) as history:
        assert len(history.recent_starts()) >= 2
        assert len(recent_series(history)) >= 2
        assert len(history.runs_of("s1")) + len(history.runs_of("s2")) >= 3
        assert len(history.findings.recent("load")) >= 2
        assert len(history.findings.recent("coldprobe")) >= 2
        assert len(list(history.export("starts"))) >= 2
        assert len(list(history.export("runs"))) >= 5
        assert len(list(history.export("series"))) >= 2
        assert history.tests_usd(0, 2e9) >= 1
        found = history.entries.found(Search.of(""), 99)
        assert min(map(len, (found.starts, found.series, found.findings))) >= 2
        records: list[StartRecord | SeriesRecord | FindingRecord] = []
        records += (*history.recent_starts(), *history.recent_series())
        records += history.findings.recent("load")
        for record in records:
            assert local_minute(record.began_wall_s)
            texts = [getattr(record, name, "") for name in ("server", "model", "endpoint")]
            assert all(isinstance(text, str) for text in texts)
    for name in ("s0", "s1"):
        with suppress(UnreadableRow):
            stored_series(path, name)
    assert first_tokens(path, 0.0)


def test_times_between_tokens_are_dropped_after_a_year_and_nothing_else(path: Path) -> None:
    with closing(open_history(path)) as history:
        before = history.runs_of("s0")
        assert before[0].itl_s == ITL_S
        for number, began_s in enumerate((0.5, 1.5)):
            later = SeriesRecord(
                f"n{number}", 1e9 + DETAIL_KEPT_S + began_s, TARGETS, "sha", REPORT
            )
            history.add_series(later)
        for name, itl_s in (("s0", ()), ("s1", ()), ("s2", ITL_S)):
            assert [run.itl_s for run in history.runs_of(name)] == [itl_s, itl_s]
        assert history.runs_of("s0")[0] == replace(before[0], itl_s=())


def test_runs_that_an_earlier_version_kept_are_read(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        old = array("I", (round(each * 1e6) for each in ITL_S)).tobytes()
        connection.execute(
            "UPDATE runs SET itl_us = ?, itl_coding = 0 WHERE series_id = 's0'", (old,)
        )
    with closing(open_history(path)) as history:
        assert [run.itl_s for run in history.runs_of("s0")] == [ITL_S, ITL_S]


def test_a_series_that_never_ended_was_of_as_many_runs_as_it_has(tmp_path: Path) -> None:
    with closing(open_history(tmp_path / "history.sqlite")) as history:
        history.add_series(SeriesRecord("s", 1e9, TARGETS, "sha", {}))
        for index in range(3):
            history.add_run("s", Run("a", index, 0.1))
        (record,) = history.recent_series()
        assert series_of(record, history.runs_of("s")).began.runs == 3


def test_a_pause_longer_than_an_hour_is_kept_as_the_longest(tmp_path: Path) -> None:
    with closing(open_history(tmp_path / "history.sqlite")) as history:
        history.add_series(SeriesRecord("s", 1e9, TARGETS, "sha", {}))
        history.add_run("s", Run("a", 0, 0.1, itl_s=(0.5, 5000.0)))
        (found,) = history.runs_of("s")
        assert found.itl_s == (0.5, 4294.967295)


def test_tests_that_never_were_cost_nothing(tmp_path: Path) -> None:
    with closing(open_history(tmp_path / "history.sqlite")) as history:
        assert history.tests_usd(0.0, 2e9) == 0
