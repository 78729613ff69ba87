"""The thread that owns a history: nobody waits for a lock, and nothing is lost to one."""

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from backends.history import thread as thread_module
from backends.history.database import HistoryUnavailable
from backends.history.history import History, open_history
from backends.history.thread import HistoryThread
from backends.problem import NotFound
from tests.backends.simulated.conftest import until


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def busy_writer(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def meter(number: int) -> Callable[[History], None]:
    return lambda history: history.save_meter(str(number), float(number), {})


def meters(path: Path) -> list[float]:
    with closing(open_history(path)) as history:
        return [each["saved_wall_s"] for each in history.export("meters")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.sqlite"
    open_history(path).close()
    return path


@pytest.mark.parametrize("held", [locked_file, busy_writer])
def test_what_is_written_while_another_holds_the_history_is_there_afterwards(
    path: Path, held: Callable[[Path], AbstractContextManager[None]]
) -> None:
    history = HistoryThread(path)
    with held(path):
        for number in range(3):
            history.write(meter(number))
        until(lambda: "locked" in history.problem, "an attempt")
        assert history.unwritten == 3
    assert history.close(10.0) == 0
    assert history.problem == ""
    assert meters(path) == [0.0, 1.0, 2.0]


def test_what_could_not_be_written_in_time_is_counted_with_its_reason(path: Path) -> None:
    history = HistoryThread(path)
    with busy_writer(path):
        history.write(meter(1))
        assert history.close(0.1) == 1
    assert "locked" in history.problem


async def test_a_read_finds_what_was_written_before_it_on_a_thread_of_its_own(path: Path) -> None:
    history = HistoryThread(path)
    history.write(meter(1))
    found, ran_on = await history.read(lambda: (meters(path), threading.get_ident()))
    assert found == [1.0]
    assert ran_on != threading.get_ident()
    assert history.close(1.0) == 0


async def test_a_read_that_fails_raises_where_it_is_awaited_and_ends_nothing(path: Path) -> None:
    history = HistoryThread(path)

    def fails() -> None:
        raise HistoryUnavailable("the disk is gone")

    with pytest.raises(HistoryUnavailable, match="gone"):
        await history.read(fails)
    with pytest.raises(ZeroDivisionError):
        await history.read(lambda: 1 / 0)
    assert history.problem == "the disk is gone"
    assert await history.read(lambda: 1) == 1
    assert history.problem == ""
    assert history.close(1.0) == 0


def test_only_so_many_writes_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_module, "MOST_WAITING", 2)
    history = HistoryThread(path)
    with busy_writer(path):
        for number in range(5):
            history.write(meter(number))
        assert (history.unwritten, history.refused) == (5, 3)
    assert history.close(10.0) == 3
    assert meters(path) == [0.0, 1.0]


def test_a_thread_that_was_asked_nothing_has_nothing_to_close(tmp_path: Path) -> None:
    assert HistoryThread(tmp_path / "none").close(1.0) == 0
    assert not (tmp_path / "none").exists()


async def test_that_there_is_no_such_record_is_no_failure_of_the_history(path: Path) -> None:
    history = HistoryThread(path)

    def finds_nothing() -> None:
        raise NotFound("nothing is called x")

    with pytest.raises(NotFound):
        await history.read(finds_nothing)
    assert history.problem == ""
    assert history.close(1.0) == 0
