"""A keeper whose files were removed, replaced, truncated or damaged beneath it."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

import pytest

from backends.domain.facts import (
    FirstTokenSeen,
    ServerFact,
    StopOrdered,
    Stopped,
    StopProgressed,
)
from backends.host import processes
from backends.keeper import client
from backends.keeper.folder import ServerFolder
from backends.keeper.order import NotRunning
from backends.keeper.tail import tail
from backends.servers.listing import our_server, server_pids
from tests.backends.keeper.conftest import Bench, eventually, everything, until


def steps(facts: list[ServerFact]) -> str:
    return "; ".join(fact.step for fact in facts if isinstance(fact, StopProgressed))


async def test_a_socket_that_was_removed_is_made_again(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    kept = ServerFolder(folder)
    kept.socket.unlink()
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[0], StopOrdered)
    assert facts[0].by == "test"
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


async def test_a_keeper_that_cannot_be_asked_is_told_by_sigterm(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.keeper.client.REACH_S", 0.5)
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    kept = ServerFolder(folder)
    kept.socket.unlink()
    kept.socket.mkdir()  # nothing can listen here any more
    keeper = bench.keeper_pid(folder)
    assert our_server(folder).keeper_pid == keeper
    facts = await everything(client.stop(folder, "test"))
    assert f"SIGTERM to keeper {keeper}" in steps(facts)
    assert [fact.by for fact in facts if isinstance(fact, StopOrdered)] == ["SIGTERM to the keeper"]
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


@pytest.mark.parametrize("number", [None, signal.SIGKILL])
async def test_a_server_whose_folder_was_removed_is_still_stopped_by_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: signal.Signals | None
) -> None:
    monkeypatch.setattr("backends.keeper.client.REACH_S", 0.5)
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper, members = bench.keeper_pid(folder), bench.members(folder)
    shutil.rmtree(folder)
    bench.used.clear()
    if number is None:
        facts = await everything(client.stop(folder, "test"))
        assert f"{folder} is gone" in steps(facts)
        assert isinstance(facts[-1], Stopped)
        assert not any(processes.is_alive(one.id) for one in members)
    else:
        os.kill(keeper, number)
        await eventually(lambda: processes.read(keeper) is None)
        with pytest.raises(NotRunning):
            await everything(client.stop(folder, "test"))
        for one in members:
            processes.send(one.id, signal.SIGKILL, lambda _: True)


@pytest.mark.slow
async def test_two_keepers_never_fight_for_one_socket(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    first, members = bench.keeper_pid(folder), bench.members(folder)
    shutil.rmtree(folder)
    bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    second = bench.keeper_pid(folder)
    place = ServerFolder(folder).socket.stat().st_ino
    slept = _slept(first)
    await eventually(lambda: _slept(first) > slept + 1)  # it has looked for its socket since
    assert ServerFolder(folder).socket.stat().st_ino == place
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    await eventually(lambda: processes.read(second) is None)
    assert all(processes.is_alive(one.id) for one in members)
    os.kill(first, signal.SIGTERM)
    await eventually(lambda: not any(processes.is_alive(one.id) for one in members))


def _slept(pid: int) -> int:
    """Return how often a process's first thread has given the processor up by itself."""
    status = Path(f"/proc/{pid}/task/{pid}/status").read_text()
    return int(status.split("voluntary_ctxt_switches:")[1].split()[0])


async def test_a_log_that_was_removed_begins_anew_and_is_followed(bench: Bench) -> None:
    folder = bench.launch(chatter_s=0.05)
    await until(client.follow(folder), FirstTokenSeen)
    log = folder / "server.log"
    followed = tail(log, count=0)
    await anext(followed)
    log.unlink()
    await eventually(lambda: log.exists() and b"Engine 000" in log.read_bytes())
    async with asyncio.timeout(10):
        assert "INFO Engine 000: Avg prompt throughput" in await anext(followed)


async def test_a_log_that_was_truncated_is_followed_from_there(bench: Bench) -> None:
    folder = bench.launch(lines=2000, chatter_s=0.05)
    await until(client.follow(folder), FirstTokenSeen)
    log = folder / "server.log"
    followed = tail(log, count=0)
    await anext(followed)
    os.truncate(log, 0)
    async with asyncio.timeout(10):
        assert "INFO Engine 000: Avg prompt throughput" in await anext(followed)
    assert log.stat().st_size < 10_000


async def test_a_journal_without_a_beginning_spoils_neither_the_list_nor_the_next_start(
    bench: Bench,
) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    for one in bench.members(folder):
        processes.send(one.id, signal.SIGKILL, lambda _: True)
    await eventually(lambda: not bench.members(folder))
    journal = ServerFolder(folder).journal
    journal.write_bytes(b'{"fact":"Spaw' + journal.read_bytes().partition(b"\n")[2])
    assert "damaged" in our_server(folder).note
    assert server_pids(bench.state) == {}
    with pytest.raises(NotRunning):
        await everything(client.stop(folder, "test"))
    bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
