"""What a keeper has reported as kept is kept; what it cannot keep does not run."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from backends.domain.facts import FirstTokenSeen, Stopped
from backends.domain.server import ServerState
from backends.host import processes
from backends.host.survivors import MARKER
from backends.keeper import client
from backends.keeper.folder import ServerFolder, prepare, read_journal, server_folder
from backends.keeper.order import LaunchFailed, LaunchOrder, marker_value
from backends.servers.listing import our_server
from tests.backends.keeper.conftest import Bench, everything, until


def _running(order: LaunchOrder) -> list[int]:
    found = [one.id.pid for one in processes.running()]
    marker = marker_value(order)
    return [pid for pid in found if processes.environment_value(pid, MARKER) == marker]


async def test_a_start_in_a_working_folder_that_was_removed_is_refused(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    order = bench.order()
    with pytest.raises(LaunchFailed, match="working folder was removed"):
        await asyncio.to_thread(bench.launch, order)
    bench.used.clear()
    assert _running(order) == []
    assert not ServerFolder(server_folder(bench.state, order.server)).journal.exists()


async def test_a_keeper_that_fails_before_it_keeps_leaves_no_server(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "broken_keeper"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.argv = [sys.argv[0], sys.argv[-1]]\n"
        "def broken(*_):\n    raise RuntimeError('a bug of ours')\n"
        "import backends.keeper.__main__ as room; room.GpuMemory = broken\nroom.main()\n"
    )
    program.chmod(0o700)
    order = bench.order()
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", str(program))
        with pytest.raises(LaunchFailed, match="a bug of ours"):
            await asyncio.to_thread(bench.launch, order)
    folder = server_folder(bench.state, order.server)
    assert _running(order) == []
    assert isinstance(read_journal(ServerFolder(folder).journal)[-1], Stopped)
    assert our_server(folder).state is ServerState.STOPPED


async def test_a_launcher_that_is_gone_costs_the_server_nothing(bench: Bench) -> None:
    order = bench.order()
    complete = replace(order, environment={**os.environ, **order.environment})
    folder = server_folder(bench.state, order.server)
    prepare(ServerFolder(folder))
    bench.used.append(folder)
    receiver, sender = os.pipe()
    launcher = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "backends.keeper", str(folder)),
        stdin=subprocess.PIPE,
        stdout=sender,
        start_new_session=True,
    )
    os.close(receiver)
    os.close(sender)
    await launcher.communicate(msgspec.json.encode(complete))
    async with asyncio.timeout(15):
        while not ServerFolder(folder).journal.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await until(client.follow(folder), FirstTokenSeen)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
