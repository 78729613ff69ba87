"""A keeper on a disk that is full or takes nothing: no server without a record, none unstopped."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.domain.facts import (
    FirstTokenSeen,
    FirstTokenUnavailable,
    RecordingChanged,
    Spawned,
    Stopped,
)
from backends.domain.server import ServerState
from backends.domain.stamp import Stamp
from backends.host import processes
from backends.host.survivors import MARKER
from backends.keeper import client
from backends.keeper.folder import (
    ServerFolder,
    facts_in,
    prepare,
    read_journal,
    server_folder,
)
from backends.keeper.journal import RESERVED_BYTES, Journal
from backends.keeper.order import LaunchFailed
from backends.servers.listing import our_server
from console.cli.status import remarks
from tests.backends.keeper.conftest import Bench, eventually, until

SIZE_KIB = 256


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB; skips where nothing may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if not mounted(place, "-t", "tmpfs", "-o", f"size={SIZE_KIB}k", "tmpfs"):
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def mounted(place: Path, *options: str) -> bool:
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
    return done.returncode == 0


def fill(disk: Path, leave_kib: int = 0) -> None:
    """Write until nothing more is taken, then give `leave_kib` back."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - leave_kib * 1024)


def marked(start_id: str) -> list[int]:
    return [
        one.id.pid
        for one in processes.running()
        if (processes.environment_value(one.id.pid, MARKER) or "").endswith(f":{start_id}")
    ]


async def test_a_full_disk_costs_facts_and_neither_server_nor_its_end(
    tiny_disk: Path, bench: Bench
) -> None:
    bench.state = tiny_disk
    folder = bench.launch(lines=3000)
    await until(client.follow(folder), FirstTokenSeen)
    await eventually(lambda: len(bench.members(folder)) == 3)
    members = bench.members(folder)
    fill(tiny_disk)
    facts = [fact async for fact in client.stop(folder, "test")]
    assert isinstance(facts[-1], Stopped)
    assert not [one for one in members if processes.is_alive(one.id)]
    await eventually(lambda: not bench.keeper_lives(folder))
    assert our_server(folder).state in (ServerState.STOPPED, ServerState.FAILED)


async def test_what_a_killed_keeper_left_is_stopped_though_the_disk_is_full(
    tiny_disk: Path, bench: Bench
) -> None:
    bench.state = tiny_disk
    folder = bench.launch(chatter_s=0.01)
    await until(client.follow(folder), FirstTokenSeen)
    members = bench.members(folder)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    await eventually(lambda: not bench.keeper_lives(folder))
    fill(tiny_disk)
    facts = [fact async for fact in client.stop(folder, "test")]
    assert isinstance(facts[-1], Stopped)
    assert not [one for one in members if processes.is_alive(one.id)]


@pytest.mark.parametrize("leave_kib", range(0, 24, 4))
async def test_a_start_that_cannot_be_written_down_leaves_nothing(
    tiny_disk: Path, bench: Bench, leave_kib: int
) -> None:
    bench.state = tiny_disk
    order = bench.order(lines=100)
    folder = server_folder(tiny_disk, order.server)
    prepare(ServerFolder(folder))
    fill(tiny_disk, leave_kib)
    with contextlib.suppress(LaunchFailed):
        bench.launch(order)
        assert isinstance(read_journal(ServerFolder(folder).journal)[0], Spawned)
        facts = [fact async for fact in client.stop(folder, "test")]
        assert isinstance(facts[-1], Stopped)
    bench.used.clear()
    assert marked(order.start_id) == []


def read_only(disk: Path) -> None:
    assert mounted(disk, "-o", "remount,ro")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (fill, "cannot be written: No space left on device; free"),
        (read_only, r"cannot be written: Read-only.*XDG_STATE_HOME"),
    ],
    ids=["full", "read-only"],
)
async def test_a_start_that_the_disk_refuses_is_one_sentence_with_its_remedy(
    tiny_disk: Path, bench: Bench, spoil: Callable[[Path], None], said: str
) -> None:
    bench.state = tiny_disk
    order = bench.order()
    prepare(ServerFolder(server_folder(tiny_disk, order.server)))
    spoil(tiny_disk)
    with pytest.raises(LaunchFailed, match=said):
        bench.launch(order)
    bench.used.clear()
    assert marked(order.start_id) == []


def test_facts_that_a_full_disk_refuses_wait_and_are_written_once_it_takes_them(
    tiny_disk: Path,
) -> None:
    path = tiny_disk / "journal.jsonl"
    journal = Journal(path, lambda: None)
    fill(tiny_disk)
    at, count = Stamp(1.0, 2.0), 0
    while not journal.waits:
        journal.record(FirstTokenSeen(at))
        count += 1
    assert count * 40 > RESERVED_BYTES / 2
    journal.record(FirstTokenUnavailable(at, "the last"))
    written = journal.read(0, 2**22)
    heard = list(facts_in((written + journal.read(len(written), 2**22)).split(b"\n")))
    assert heard[-1] == FirstTokenUnavailable(at, "the last")
    assert len(read_journal(path)) < len(heard)
    (tiny_disk / "filler").unlink()
    journal.write_waiting()
    journal.record(Stopped(at))
    *told, refused, last, again, stopped = read_journal(path)
    assert told == [FirstTokenSeen(at)] * count
    assert isinstance(refused, RecordingChanged)
    assert "No space left on device" in refused.refused
    assert last == FirstTokenUnavailable(at, "the last")
    assert isinstance(again, RecordingChanged)
    assert (again.refused, stopped) == ("", Stopped(at))


def test_what_a_finished_start_did_not_need_of_its_reserve_is_given_back(tiny_disk: Path) -> None:
    path = tiny_disk / "journal.jsonl"
    journal = Journal(path, lambda: None)
    assert path.stat().st_blocks * 512 >= RESERVED_BYTES
    journal.record(Stopped(Stamp(1.0, 2.0)))
    assert path.stat().st_blocks * 512 <= 4096


async def test_a_start_during_which_the_disk_fills_is_followed_to_its_end_and_says_so(
    tiny_disk: Path, bench: Bench
) -> None:
    bench.state = tiny_disk
    folder = bench.launch(ready_s=1.5, chatter_s=0.01)
    await until(client.follow(folder), Spawned)
    fill(tiny_disk)
    await eventually(lambda: our_server(folder).state is ServerState.READY)
    assert our_server(folder).ready_s is not None
    await eventually(lambda: "No space left on device" in our_server(folder).unrecorded)
    assert any("No space left" in line for line in remarks(our_server(folder)))
    (tiny_disk / "filler").unlink()
    await eventually(lambda: not our_server(folder).unrecorded)
    facts = [fact async for fact in client.stop(folder, "test")]
    assert isinstance(facts[-1], Stopped)
    assert our_server(folder).state is ServerState.STOPPED
