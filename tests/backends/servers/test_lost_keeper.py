"""Which of our servers lost their keeper, and what asking that costs every verb."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from backends.domain.facts import BecameReady
from backends.host import processes, spawn
from backends.keeper import client
from backends.keeper.launch import adopt
from backends.servers.lost_keeper import servers_without_keeper
from tests.backends.keeper.conftest import Bench, eventually, everything, until

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
