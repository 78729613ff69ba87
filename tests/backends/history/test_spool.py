"""A record that cannot be written waits in a file, and whoever opens the history next writes it."""

import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backends.history import thread
from backends.history.history import open_history
from backends.history.records import FindingRecord, Note, SeriesRecord
from backends.history.spool import Record, RunRecord, is_spooled, spool, write_spooled
from backends.history.thread import HistoryThread
from tests.console.sessions import run

SERIES = SeriesRecord("s1", 1000.0, (("a", "chat"), ("b", "api")), "", {})


def until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_a_locked_history_loses_no_record_though_the_program_ends(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    open_history(file).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        writer = HistoryThread(file)
        writer.keep(SERIES)
        writer.keep(RunRecord("s1", run("a", 0, 0.2)))
        until(lambda: is_spooled(file))
        assert writer.close(0.0) == 0
        assert writer.problem
    another = HistoryThread(file)
    another.keep(RunRecord("s1", run("b", 0, 0.4)))
    assert another.close(10.0) == 0
    assert not is_spooled(file)
    with closing(open_history(file)) as history:
        assert [series.series_id for series in history.recent_series()] == ["s1"]
        assert len(history.runs_of("s1")) == 2


def test_of_records_of_one_series_in_several_files_the_newest_stays(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    for number in range(12):
        spool(file, [replace(SERIES, report={"runs": number})])
    with closing(open_history(file)) as history:
        assert write_spooled(history, file) == 12
        (series,) = history.recent_series()
    assert series.report["runs"] == 11


def test_a_thread_writes_what_it_has_spooled_once_it_can(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    open_history(file).close()
    writer = HistoryThread(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        writer.keep(SERIES)
        until(lambda: is_spooled(file))
    until(lambda: not is_spooled(file) and not writer.problem)
    with closing(open_history(file)) as history:
        assert history.series("s1") is not None
    assert writer.close(1.0) == 0


def test_what_no_release_knows_stays_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    spool(file, [SERIES])
    (waiting,) = (tmp_path / "spool").iterdir()
    waiting.write_bytes(waiting.read_bytes().replace(b"SeriesRecord", b"OtherRecord"))
    with closing(open_history(file)) as history:
        assert write_spooled(history, file) == 0
        assert history.recent_series() == ()
    assert is_spooled(file)


def test_no_record_is_lost_that_comes_while_others_are_put_into_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "history.sqlite"
    open_history(file).close()
    writer = HistoryThread(file)

    def spool_while_another_comes(path: Path, records: Iterable[Record]) -> None:
        monkeypatch.setattr(thread, "spool", spool)
        writer.keep(RunRecord("s1", run("b", 1, 0.3)))
        spool(path, records)

    monkeypatch.setattr(thread, "spool", spool_while_another_comes)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        writer.keep(RunRecord("s1", run("a", 0, 0.2)))
        until(lambda: len(list((tmp_path / "spool").glob("*"))) >= 2)
    until(lambda: not is_spooled(file) and not writer.unwritten)
    with closing(open_history(file)) as history:
        assert len(history.runs_of("s1")) == 2
    assert writer.close(1.0) == 0


@pytest.mark.parametrize("odd", [{"index": 2**70}, {"itl_s": [-1.0]}, {"text": "\ud800"}], ids=str)
def test_a_record_that_no_history_can_hold_hides_no_other(
    tmp_path: Path, odd: dict[str, object]
) -> None:
    file = tmp_path / "history.sqlite"
    spool(file, [RunRecord("s1", run("a", 0, 0.2))])
    (whole,) = (tmp_path / "spool").iterdir()
    record = json.loads(whole.read_text())
    record["run"] |= odd
    (tmp_path / "spool" / "0-damaged.jsonl").write_text(json.dumps(record))
    os.mkfifo(tmp_path / "spool" / "1-pipe.jsonl")
    with closing(open_history(file)) as history:
        assert write_spooled(history, file) == 1
    assert not whole.exists()
    assert (tmp_path / "spool" / "0-damaged.jsonl").exists()


def test_every_kind_of_record_that_waited_is_written(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    found = FindingRecord("load", "f1", 1000.0, "chat", {"load_id": "f1"})
    with closing(open_history(file)):
        spool(file, [SERIES, RunRecord("s1", run("a", 0, 0.2)), found, Note("s1", "mine", 2.0)])
    with closing(open_history(file)) as history:
        assert write_spooled(history, file) == 4
        assert history.entries.notes(["s1"])["s1"].text == "mine"
        assert [each.finding_id for each in history.findings.recent("load")] == ["f1"]
        assert [each.index for each in history.runs_of("s1")] == [0]


def test_what_waits_is_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool(tmp_path / "history.sqlite", [SERIES])
    finally:
        os.umask(before)
    (waits,) = (tmp_path / "spool").iterdir()
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert stat.S_IMODE(waits.stat().st_mode) == 0o600
