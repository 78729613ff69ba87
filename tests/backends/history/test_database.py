import fcntl
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from backends.domain.start import Start
from backends.history.database import HistoryUnavailable
from backends.history.history import open_history
from backends.history.records import StartRecord
from backends.history.schema import MIGRATIONS

WRITER = """
import sys
from pathlib import Path
from backends.domain.ab.run import Run
from backends.domain.start import Start
from backends.history.history import open_history
from backends.history.records import StartRecord

name = sys.argv[2]
print("waiting", flush=True)
sys.stdin.readline()
history = open_history(Path(sys.argv[1]))
for n in range(100):
    history.add_start(StartRecord(name, "m", (), float(n), Start(f"{name} {n}")))
    history.add_start(StartRecord(name, "m", (), float(n), Start(f"shared {n}")))
    history.add_run(f"series of {name}", Run("a", n))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


def test_two_processes_open_and_write_at_once(path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "waiting\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        assert writer.communicate(timeout=60)[1] == ""
        assert writer.returncode == 0
    history = open_history(path)
    assert len(history.recent_starts(limit=1000)) == 300
    assert len(history.runs_of("series of one")) == len(history.runs_of("series of two")) == 100
    assert history.notice == ""
    history.close()


def test_every_file_is_private(path: Path) -> None:
    umask = os.umask(0)
    try:
        history = open_history(path)
        history.save_meter("big", 1.0, {})
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob("history*")}
    finally:
        os.umask(umask)
    assert "history.sqlite-wal" in modes
    assert set(modes.values()) == {0o600}
    history.close()


def test_a_new_history_is_of_the_newest_version(path: Path) -> None:
    open_history(path).close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_an_older_history_is_brought_up_step_by_step(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = open_history(path)
    history.add_start(StartRecord("big", "m", (), 1.0, Start("kept")))
    history.close()
    step = "ALTER TABLE series ADD COLUMN who TEXT; CREATE TABLE remarks (note TEXT);"
    monkeypatch.setattr("backends.history.database.MIGRATIONS", (*MIGRATIONS, step))
    history = open_history(path)
    assert [record.start.start_id for record in history.recent_starts()] == ["kept"]
    history.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert connection.execute("SELECT count(*) FROM remarks").fetchone() == (0,)
    connection.close()


def test_an_older_history_loses_the_tables_that_nobody_reads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("backends.history.database.MIGRATIONS", MIGRATIONS[:4])
        open_history(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO verdicts VALUES (1.0, 'big', 'TOO_CLOSE', '{}')")
        connection.commit()
    open_history(path).close()
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert {"starts", "runs", "meters"} <= tables
    assert not {"verdicts", "events"} & tables


def test_a_step_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_history(path).close()
    step = "CREATE TABLE remarks (note TEXT); CREATE TABLE starts (x)"
    monkeypatch.setattr("backends.history.database.MIGRATIONS", (*MIGRATIONS, step))
    with pytest.raises(HistoryUnavailable, match="already exists"):
        open_history(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    made = connection.execute("SELECT name FROM sqlite_master WHERE name = 'remarks'")
    assert made.fetchone() is None
    connection.close()


def test_a_history_of_a_newer_version_is_left_alone(path: Path) -> None:
    open_history(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(HistoryUnavailable, match="update inferctl"):
        open_history(path)
    assert path.read_bytes() == before
    assert list(path.parent.glob("*damaged*")) == []


def filled(path: Path) -> None:
    history = open_history(path)
    for n in range(200):
        history.add_start(StartRecord("big", "m", ("x" * 50,), float(n), Start(str(n))))
    history.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"this is not a database, it only says so" * 20,
        lambda content: content[:16] + b"\xff" * 84 + content[100:],
        lambda content: content[: len(content) // 2],
        lambda content: content[:8192] + b"\xff" * 8192 + content[16384:],
    ],
    ids=["not a database", "header", "cut in half", "a page"],
)
def test_a_damaged_history_is_moved_aside_whole(path: Path, damage: object) -> None:
    assert callable(damage)
    filled(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    history = open_history(path)
    (aside,) = (file for file in path.parent.glob("*.damaged-*") if "-wal" not in file.name)
    assert str(aside) in history.notice
    assert aside.stat().st_size == len(damaged)
    assert history.recent_starts() == ()
    history.save_meter("big", 1.0, {})
    history.close()
    again = open_history(path)
    assert again.notice == ""
    assert len(list(again.export("meters"))) == 1
    again.close()


def test_damage_met_while_reading_is_told_with_the_remedy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path)
    monkeypatch.setattr("backends.history.database._CHECKED_BYTES", 0)
    history = open_history(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(HistoryUnavailable, match=f"mv {path} {path}.damaged"):
        history.recent_starts()
    history.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryUnavailable, match="cannot be used"):
        open_history(tmp_path / "file" / "history.sqlite")


def test_a_lock_that_stays_is_told(path: Path) -> None:
    history = open_history(path, wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(HistoryUnavailable, match="locked"):
        history.save_meter("big", 1.0, {})
    other.execute("COMMIT")
    history.save_meter("big", 1.0, {})
    assert len(list(history.export("meters"))) == 1
    other.close()
    history.close()


def test_a_lock_file_that_another_holds_is_waited_for_so_long_and_no_longer(path: Path) -> None:
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HistoryUnavailable, match="locked by another process"):
            open_history(path, wait_s=0.05)
    open_history(path, wait_s=0.05).close()
