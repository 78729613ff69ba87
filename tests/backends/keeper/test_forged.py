"""Files that name processes which are none of ours: nothing is ended on the word of a file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from backends.domain.facts import FirstTokenSeen, Spawned, Stopped
from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.survivors import MARKER, belonging_to, carries
from backends.keeper import client
from backends.keeper.folder import ServerFolder, living_keeper, read_journal
from backends.keeper.order import NotRunning
from backends.servers.listing import our_server, server_pids
from backends.wire import encode_fact
from tests.backends.keeper.conftest import Bench, eventually, everything, until


@pytest.fixture
def innocent() -> Iterator[ProcessId]:
    """Run a process that has nothing to do with inferctl."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield processes.identity(process.pid)
    process.kill()
    process.wait()


async def _stopped(bench: Bench) -> Path:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    await eventually(lambda: not bench.keeper_lives(folder))
    return folder


def _forge(folder: Path, first: ProcessId) -> None:
    """Let the journal tell of a start that never stopped and whose first process is `first`."""
    journal = ServerFolder(folder).journal
    facts = [fact for fact in read_journal(journal) if not isinstance(fact, Stopped)]
    forged = (replace(one, process=first) if isinstance(one, Spawned) else one for one in facts)
    journal.write_bytes(b"".join(encode_fact(fact) + b"\n" for fact in forged))


async def test_a_forged_journal_ends_nobody(bench: Bench, innocent: ProcessId) -> None:
    folder = await _stopped(bench)
    _forge(folder, innocent)
    assert server_pids(bench.state) == {}
    assert our_server(folder).pid is None
    with pytest.raises(NotRunning):
        await everything(client.stop(folder, "test"))
    assert processes.is_alive(innocent)


async def test_a_forged_first_process_is_left_when_the_true_ones_are_ended(
    bench: Bench, innocent: ProcessId
) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper = living_keeper(ServerFolder(folder))
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    await eventually(lambda: not bench.keeper_lives(folder))
    _forge(folder, innocent)
    facts = await everything(client.stop(folder, "test"), within_s=40)
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
    assert processes.is_alive(innocent)


async def test_a_forged_keeper_gets_no_signal(
    bench: Bench, innocent: ProcessId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.keeper.client.REACH_S", 0.2)
    folder = await _stopped(bench)
    ServerFolder(folder).keeper.write_bytes(msgspec.json.encode(innocent))
    assert living_keeper(ServerFolder(folder)) is None
    with pytest.raises(NotRunning):
        await everything(client.stop(folder, "test"))
    assert processes.is_alive(innocent)


async def test_a_keeper_is_known_by_another_spelling_of_its_folder(
    bench: Bench, tmp_path: Path
) -> None:
    folder = bench.launch()
    (tmp_path / "other").symlink_to(bench.state)
    other = tmp_path / "other" / "servers" / folder.name
    assert living_keeper(ServerFolder(other)) == living_keeper(ServerFolder(folder))
    await everything(client.stop(folder, "test"))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


CLEANED = (
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], env={})\n"
    "time.sleep(600)"
)


def test_a_child_that_cleaned_its_environment_belongs_to_its_marked_parent() -> None:
    marked = subprocess.Popen([sys.executable, "-c", CLEANED], env={MARKER: "chat:1"})
    first = processes.identity(marked.pid)
    try:
        _until(lambda: len(belonging_to("chat:1", first)) == 2)
        assert all(carries(one, "chat:1") for one in belonging_to("chat:1", first))
        assert belonging_to("chat:2", first) == []
        assert not any(carries(one, "chat:2") for one in belonging_to("chat:1", first))
    finally:
        for one in belonging_to("chat:1", first):
            os.kill(one.id.pid, signal.SIGKILL)
        marked.wait()
