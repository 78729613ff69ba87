"""Which of our servers lost their keeper, and what asking that costs every verb."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backends.domain.facts import BecameReady
from backends.domain.server import Owner, ProcessId
from backends.host import processes, spawn
from backends.keeper import client
from backends.keeper.folder import ServerFolder, keeper_id, server_folder
from backends.keeper.launch import adopt, launch
from backends.servers.adoption import watch_order
from backends.servers.lost_keeper import servers_without_keeper, watches_without_keeper
from console.cli import orphans
from tests.backends.keeper.conftest import Bench, eventually, everything, until
from tests.console.stage import serving, somebody_elses_vllm

ASK = """
import sys
from pathlib import Path
from backends.servers.lost_keeper import servers_without_keeper
assert servers_without_keeper(Path(sys.argv[1])) == ()
print("backends.servers.listing" in sys.modules)
"""


async def test_a_server_is_one_from_the_end_of_its_keeper_to_the_next(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), BecameReady)
    assert await asyncio.to_thread(servers_without_keeper, bench.state) == ()
    await kill_keeper(bench, folder)
    (lost,) = await asyncio.to_thread(servers_without_keeper, bench.state)
    assert (lost.pid, lost.keeper_pid) == (bench.start(folder).process.pid, None)
    await asyncio.to_thread(adopt, folder)
    assert await asyncio.to_thread(servers_without_keeper, bench.state) == ()
    await kill_keeper(bench, folder)
    await everything(client.stop(folder, "test"))
    assert await asyncio.to_thread(servers_without_keeper, bench.state) == ()


async def kill_keeper(bench: Bench, folder: Path) -> None:
    keeper = processes.identity(bench.keeper_pid(folder))
    os.kill(keeper.pid, signal.SIGKILL)
    await eventually(lambda: not processes.is_alive(keeper))


async def test_a_watch_that_lost_its_keeper_is_watched_again_by_the_next_verb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setattr(orphans, "existing_state_folder", lambda: state)
    with somebody_elses_vllm(tmp_path) as (pid, _):
        server = await serving(state, pid)
        folder = server_folder(state, server.name)
        await asyncio.to_thread(launch, watch_order(server), folder)
        try:
            first = await killed(folder)
            assert await asyncio.to_thread(watches_without_keeper, state) == (folder,)
            await asyncio.to_thread(orphans.tell)
            assert "a new one watches it" in capsys.readouterr().err
            assert keeper_id(ServerFolder(folder)) != first
            await asyncio.to_thread(orphans.tell)
            assert capsys.readouterr().err == ""
            listed = await serving(state, pid)
            assert (listed.owner, listed.keeper_pid is None) == (Owner.EXTERNAL, False)
        finally:
            await killed(folder)
    # What has ended meanwhile is nothing to watch.
    assert await asyncio.to_thread(watches_without_keeper, state) == ()


async def killed(folder: Path) -> ProcessId:
    keeper = keeper_id(ServerFolder(folder))
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    await eventually(lambda: not processes.is_alive(keeper))
    return keeper


async def test_where_every_keeper_lives_or_saw_the_end_no_server_is_looked_up(
    bench: Bench,
) -> None:
    folder = bench.launch()
    await until(client.follow(folder), BecameReady)
    assert await asyncio.to_thread(_listing_is_loaded, bench.state) == "False"
    await everything(client.stop(folder, "test"))
    assert await asyncio.to_thread(_listing_is_loaded, bench.state) == "False"


def _listing_is_loaded(state: Path) -> str:
    command = [sys.executable, "-P", "-c", ASK, str(state)]
    environment = spawn.environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
