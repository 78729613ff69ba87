"""The table of processes: who came and went is always seen, who stays is seldom read again."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backends.host import processes
from backends.host.process_table import LATEST_S, ProcessTable, living
from backends.host.processes import Process


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that are added to the time since boot."""
    added = [0.0]
    true_age_s = processes.age_s
    monkeypatch.setattr(processes, "age_s", lambda process: true_age_s(process) + added[0])
    return added


def of(table: ProcessTable, pid: int) -> Process | None:
    return next((one for one in table.running() if one.id.pid == pid), None)


def test_who_comes_and_goes_is_seen_at_once() -> None:
    table = ProcessTable()
    table.running()
    with started("sleep", "600") as process:
        seen = of(table, process.pid)
        assert seen == processes.read(process.pid)
    assert of(table, process.pid) is None


def test_who_ran_for_long_is_not_read_again(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock[0] = 1000.0
    table = ProcessTable()
    with started("sleep", "600") as process:
        before = of(table, process.pid)
        assert before is not None
        assert table.command_line(before) == ("sleep", "600")
        read: list[int] = []
        true_read = processes.read

        def counted(pid: int) -> Process | None:
            read.append(pid)
            return true_read(pid)

        monkeypatch.setattr(processes, "read", counted)
        monkeypatch.setattr(processes, "command_line", lambda _: ("read", "again"))
        assert of(table, process.pid) is before
        assert process.pid not in read
        assert table.command_line(before) == ("sleep", "600")


def test_one_that_has_just_begun_is_seen_to_become_another_program() -> None:
    table = ProcessTable()
    with subprocess.Popen(
        ["sh", "-c", "read go; exec sleep 600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        before = of(table, process.pid)
        assert before is not None
        assert before.command == "sh"
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        while (now := of(table, process.pid)) is None or now.command != "sleep":
            pass
        assert table.command_line(now) == ("sleep", "600")
        process.kill()


def test_one_that_lost_its_parent_is_read_again(clock: list[float]) -> None:
    clock[0] = 10 * LATEST_S
    table = ProcessTable()
    with started("sh", "-c", "sleep 600 & echo $!; wait") as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        before = of(table, child)
        assert before is not None
        assert before.parent == parent.pid
        parent.kill()
        parent.wait()
        after = of(table, child)
        assert after is not None
        assert after.parent != parent.pid
        os.kill(child, signal.SIGKILL)


def test_one_that_ended_and_was_not_reaped_does_not_live(clock: list[float]) -> None:
    clock[0] = 10 * LATEST_S
    table = ProcessTable()
    with started("sleep", "600") as process:
        seen = of(table, process.pid)
        assert seen is not None
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert living([seen]) == []


def test_a_list_that_is_young_enough_is_not_made_again() -> None:
    table = ProcessTable()
    listed = table.running()
    with started("sleep", "600") as process:
        assert table.running(within_s=600.0) is listed
        assert of(table, process.pid) is not None


def test_a_command_line_is_judged_once_until_it_is_read_again(clock: list[float]) -> None:
    clock[0] = 1000.0
    table, judged = ProcessTable(), list[tuple[str, ...]]()

    def is_sleeping(arguments: tuple[str, ...]) -> bool:
        judged.append(arguments)
        return arguments[0] == "sleep"

    with started("sleep", "600") as process:
        for _ in range(2):
            seen = of(table, process.pid)
            assert seen is not None
            assert table.judged(seen, is_sleeping)
    assert judged == [("sleep", "600")]
