"""A keeper is killed; its server goes on, and gets another keeper."""

import asyncio
import os
import signal

import pytest

from backends.domain.facts import FirstTokenSeen, HealthChanged, Spawned, Stopped
from backends.keeper import client
from backends.keeper.folder import ServerFolder, read_journal
from backends.keeper.launch import adopt
from backends.keeper.order import AlreadyKept, NotRunning
from tests.backends.keeper.conftest import Bench, eventually, everything, until


async def test_a_server_outlives_its_keeper_and_is_adopted(bench: Bench) -> None:
    folder = bench.launch(chatter_s=0.05)
    await until(client.follow(folder), FirstTokenSeen)
    first_keeper = bench.keeper_pid(folder)
    os.kill(first_keeper, signal.SIGKILL)
    await eventually(lambda: not bench.keeper_lives(folder))
    assert isinstance((await everything(client.follow(folder)))[-1], FirstTokenSeen)
    written = (folder / "server.log").stat().st_size
    await asyncio.to_thread(adopt, folder)
    assert bench.keeper_pid(folder) != first_keeper
    await eventually(lambda: (folder / "server.log").stat().st_size > written)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
    told = read_journal(ServerFolder(folder).journal)
    assert sum(isinstance(fact, Spawned) for fact in told) == 1


@pytest.mark.slow
async def test_a_new_keeper_notices_the_end(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    await asyncio.to_thread(adopt, folder)
    os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    facts = await everything(client.follow(folder))
    assert isinstance(facts[-1], Stopped)
    assert not any(isinstance(fact, HealthChanged) and fact.healthy for fact in facts)
    assert bench.members(folder) == []


async def test_a_kept_server_is_not_adopted(bench: Bench) -> None:
    folder = bench.launch()
    with pytest.raises(AlreadyKept):
        await asyncio.to_thread(adopt, folder)


async def test_a_stopped_server_cannot_be_adopted(bench: Bench) -> None:
    folder = bench.launch()
    await everything(client.stop(folder, "test"))
    await eventually(lambda: not bench.keeper_lives(folder))
    with pytest.raises(NotRunning, match="does not run"):
        await asyncio.to_thread(adopt, folder)


async def test_survivors_keep_a_second_start_from_beginning(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    pid = bench.start(folder).process.pid
    with pytest.raises(AlreadyKept, match=f"{pid}.*stop or adopt"):
        bench.launch()


async def test_what_never_ran_cannot_be_stopped(bench: Bench) -> None:
    with pytest.raises(NotRunning, match="never started"):
        await everything(client.stop(bench.state / "servers" / "nobody", "test"))
    assert not bench.state.exists()
