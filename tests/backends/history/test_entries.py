"""Records are found by words, kind, server and result, and keep the notes that are put on them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backends.domain.start import Failure, FailureKind, Outcome, Start
from backends.history import database, history
from backends.history.entries import Found, Search
from backends.history.history import History, open_history, settled_starts
from backends.history.records import FindingRecord, Note, SeriesRecord, StartRecord
from backends.history.schema import MIGRATIONS
from backends.history.spool import is_spooled, write_spooled
from backends.history.thread import HistoryThread
from tests.version_before.test_state_before import RECORDED

OOM = Failure(FailureKind.GPU_OUT_OF_MEMORY, 3, "line", "cause", "remedy")
STARTS = (
    StartRecord(
        "chat", "org/big", ("--seed", "1"), 1e9, Start("st1", "0.32.0", None, Outcome.READY)
    ),
    StartRecord(
        "chat",
        "org/big",
        ("--max-num-seqs", "8"),
        1e9 + 10,
        Start("st2", "0.33.0", None, Outcome.FAILED, failure=OOM),
        started_by="ana, pts/3, from 10.0.0.7",
    ),
    StartRecord("code", "org/small_100%", (), 1e9 + 20, Start("st3", outcome=Outcome.READY)),
)
REPORT = {
    "complete": True,
    "difference": {"ttft_s": {"verdict": "a_faster"}},
    "targets": {"a": {"model": "org/big"}, "b": {"model": "org/other"}},
}
SERIES = SeriesRecord("se1", 1e9 + 30, (("a", "chat"), ("b", "serverless")), "sha", REPORT)
FINDINGS = (
    FindingRecord("load", "lo1", 1e9 + 40, "chat", {"model": "org/big", "ended": {"best": {}}}),
    FindingRecord("load", "lo2", 1e9 + 50, "serverless", {"ended": {"best": None}}),
    FindingRecord("coldprobe", "co1", 1e9 + 60, "serverless", {}),
    FindingRecord("sleep", "sl1", 1e9 + 70, "chat", {}),
)


def fill(opened: History) -> None:
    for start in STARTS:
        opened.add_start(start)
    opened.add_series(SERIES)
    for finding in FINDINGS:
        opened.findings.keep(finding)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[History]:
    with closing(open_history(tmp_path / "history.sqlite")) as found:
        fill(found)
        yield found


def ids(found: Found) -> list[str]:
    starts = [each.start.start_id for each in found.starts]
    series = [each.series_id for each in found.series]
    return sorted([*starts, *series, *(each.finding_id for each in found.findings)])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "co1 lo1 lo2 se1 sl1 st1 st2 st3"),
        ("kind:start", "st1 st2 st3"),
        ("kind:load", "lo1 lo2"),
        ("kind:cold", "co1"),
        ("kind:a/b", "se1"),
        ("kind:start kind:load server:chat", "lo1 st1 st2"),
        ("kind:nothing", ""),
        ("kind:", "co1 lo1 lo2 se1 sl1 st1 st2 st3"),
        ("target:SERVERLESS", "co1 lo2 se1"),
        ("server:chat result:failed", "st2"),
        ("result:failed", "lo2 st2"),
        ("result:passed", "lo1"),
        ("result:faster", "se1"),
        ("memory", "st2"),
        ("0.33", "st2"),
        ("--max-num-seqs 8", "st2"),
        ("ana", "st2"),
        ("10.0.0.7", "st2"),
        ("org/big", "lo1 se1 st1 st2"),
        ("small_100%", "st3"),
        ("small%100", ""),
        ("big other", "se1"),
        ("a/b", "se1"),
        ("st1", "st1"),
        ("\\", ""),
    ],
)
def test_what_is_typed_finds_the_records_that_have_all_of_it(
    text: str, wanted: str, opened: History
) -> None:
    assert ids(opened.entries.found(Search.of(text), 100)) == wanted.split()


def test_the_newest_are_found_and_whether_there_are_more(opened: History) -> None:
    found = opened.entries.found(Search.of(""), 2)
    assert (ids(found), found.more) == (["co1", "sl1"], True)
    assert not opened.entries.found(Search.of(""), 8).more


def test_a_note_is_found_by_its_words_and_the_newest_stays(opened: History) -> None:
    opened.entries.add_note(Note("st1", "before the driver update", 5.0, "ana, pts/3"))
    opened.entries.add_note(Note("st1", "written earlier, kept later", 4.0))
    opened.entries.add_note(Note("lo1", "quiet host", 5.0))
    found = opened.entries.found(Search.of("DRIVER kind:start"), 9)
    assert ids(found) == ["st1"]
    assert found.notes == {"st1": Note("st1", "before the driver update", 5.0, "ana, pts/3")}
    opened.entries.add_note(Note("st1", "", 6.0))
    assert ids(opened.entries.found(Search.of("driver"), 9)) == []
    assert opened.entries.notes(["st1", "lo1"]).keys() == {"lo1"}


def test_a_note_stays_when_its_record_is_written_again(opened: History) -> None:
    opened.entries.add_note(Note("st1", "mine", 5.0))
    opened.entries.add_note(Note("lo1", "mine", 5.0))
    fill(opened)
    assert ids(opened.entries.found(Search.of("mine"), 9)) == ["lo1", "st1"]


def test_a_note_is_exported_with_its_record_and_hides_keys(opened: History) -> None:
    opened.entries.add_note(Note("st1", "with hf_abcdefghijklmnopqrstuv", 5.0))
    opened.entries.add_note(Note("lo1", "quiet host", 5.0))
    exported = {each["start"]["start_id"]: each["note"] for each in opened.export("starts")}
    assert exported == {"st1": "with ***", "st2": None, "st3": None}
    assert [each["note"] for each in opened.export("loads")] == ["quiet host", None]
    assert [each["note"] for each in opened.export("series")] == [None]


def test_who_stopped_a_server_is_learnt_though_its_start_was_complete(opened: History) -> None:
    ended = replace(STARTS[0], stopped_by="bo, pts/1", ended_wall_s=1e9 + 5)
    assert settled_starts(path_of(opened)) == frozenset()
    opened.add_start(replace(STARTS[0], started_by="ana, pts/3"))
    opened.add_start(ended)
    opened.add_start(STARTS[0])
    (kept,) = opened.entries.starts(["st1"])
    assert kept == replace(ended, started_by="ana, pts/3")
    assert settled_starts(path_of(opened)) == {"st1"}
    assert ids(opened.entries.found(Search.of("pts/1"), 9)) == ["st1"]


def path_of(opened: History) -> Path:
    return Path(opened._database.rows("PRAGMA database_list")[0]["file"])


def test_the_start_before_is_of_the_same_server(opened: History) -> None:
    before = opened.entries.start_before("chat", 1e9 + 10)
    assert before is not None
    assert before.start.start_id == "st1"
    assert opened.entries.start_before("code", 1e9 + 20) is None


def test_a_filter_reads_no_record_and_sorts_nothing(opened: History) -> None:
    for text in ("server:chat word", "kind:load word"):
        where, values = Search.of(text).where()
        plan = opened._database.rows(
            f"EXPLAIN QUERY PLAN SELECT record_id FROM entries WHERE {where}"
            " ORDER BY began_wall_s DESC LIMIT 200",
            values,
        )
        steps = " / ".join(row["detail"] for row in plan)
        assert "TEMP B-TREE" not in steps
        assert "starts" not in steps
        assert ("entries_by_kind" in steps) is text.startswith("kind:")


def test_the_records_of_the_version_before_are_listed(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((RECORDED / "history.sql").read_text())
    with closing(open_history(file)) as opened:
        found = opened.entries.found(Search.of(""), 99)
        assert len(found.starts) == len(opened.recent_starts()) == 2
        assert ids(opened.entries.found(Search.of("kind:series server:api"), 9))
        assert ids(opened.entries.found(Search.of("kind:load server:chat"), 9))


def test_an_older_inferctl_beside_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "history.sqlite"
    with closing(open_history(file)) as opened:
        fill(opened)
    with monkeypatch.context() as older:
        older.setattr(database, "MIGRATIONS", MIGRATIONS[:-1])
        writer = HistoryThread(file)
        writer.keep(replace(SERIES, series_id="older"))
        assert writer.close(2.0) == 0
        assert is_spooled(file)
    with closing(history.open_history(file)) as opened:
        write_spooled(opened, file)
        assert ids(opened.entries.found(Search.of("older"), 9)) == ["older"]
        assert len(ids(opened.entries.found(Search.of(""), 99))) == 9
