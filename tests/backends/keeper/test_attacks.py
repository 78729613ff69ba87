"""A keeper on a hostile host: lost files, suspended processes, children that hide, wrong clocks."""

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from backends.domain.facts import FirstTokenSeen, ServerFact, StopOrdered, Stopped, StopProgressed
from backends.domain.server import ProcessId, ServerState
from backends.domain.start import FailureKind
from backends.host import processes
from backends.host.servers import our_server
from backends.host.told import server_told
from backends.keeper import client
from backends.keeper.folder import ServerFolder, read_journal
from backends.keeper.order import NotRunning
from backends.keeper.service import connect
from backends.keeper.tail import follow_from_end
from backends.wire import encode_fact
from tests.backends.keeper.conftest import Bench, eventually, everything, until

HIDES = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.execve(sys.executable, ["innocent", "-c", "import time; time.sleep(600)"], {})
"""


def steps(facts: list[ServerFact]) -> str:
    return "; ".join(fact.step for fact in facts if isinstance(fact, StopProgressed))


async def test_children_that_leave_session_parent_and_environment_are_ended(bench: Bench) -> None:
    order = bench.order(chatter_s=0.05)
    wrapper = (
        f"import subprocess, sys, os\n"
        f"subprocess.run([sys.executable, '-c', {HIDES!r}, '12'])\n"
        f"os.execv(sys.executable, {list(order.argv)!r})"
    )
    folder = await asyncio.to_thread(
        bench.launch, replace(order, argv=(sys.executable, "-c", wrapper))
    )
    await until(client.follow(folder), FirstTokenSeen)
    keeper = bench.keeper_pid(folder)
    hiding = [
        one.id
        for one in processes.descendants(keeper, processes.running())
        if processes.command_line(one.id.pid)[:1] == ("innocent",)
    ]
    assert len(hiding) == 12
    os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    facts = await everything(client.follow(folder), within_s=30)
    assert isinstance(facts[-1], Stopped)
    assert not [one for one in hiding if processes.is_alive(one)]


async def test_a_suspended_keeper_is_continued_for_the_stop(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper = bench.keeper_pid(folder)
    os.kill(keeper, signal.SIGSTOP)
    os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    facts = await everything(client.stop(folder, "test"))
    assert f"SIGCONT to keeper {keeper}" in steps(facts)
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


async def test_a_suspended_server_obeys_the_first_sigterm(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.start(folder).process.pid, signal.SIGSTOP)
    facts = await everything(client.stop(folder, "test"))
    assert "again" not in steps(facts)
    assert "SIGKILL" not in steps(facts)
    assert bench.members(folder) == []


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
            processes.send(one.id, signal.SIGKILL)


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


async def test_a_keepers_pid_that_was_reused_is_left_alone(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper = bench.keeper_pid(folder)
    os.kill(keeper, signal.SIGKILL)
    await eventually(lambda: not bench.keeper_lives(folder))
    innocent = await asyncio.create_subprocess_exec("sleep", "600")
    try:
        own = processes.identity(innocent.pid)
        reused = ProcessId(own.pid, own.started_ticks - 1)
        ServerFolder(folder).keeper.write_bytes(msgspec.json.encode(reused))
        facts = await everything(client.stop(folder, "test"))
        assert isinstance(facts[-1], Stopped)
        assert bench.members(folder) == []
        assert processes.is_alive(own)
    finally:
        innocent.kill()
        await innocent.wait()


async def test_a_stop_in_the_middle_of_the_imports_ends_the_start(bench: Bench) -> None:
    folder = bench.launch(ready_s=600, ignore_term=1)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
    server = our_server(folder)
    assert (server.state, server.failure) == (ServerState.STOPPED, None)


async def test_a_log_that_was_removed_begins_anew_and_is_followed(bench: Bench) -> None:
    folder = bench.launch(chatter_s=0.05)
    await until(client.follow(folder), FirstTokenSeen)
    log = folder / "server.log"
    followed = follow_from_end(log)
    await anext(followed)
    log.unlink()
    await eventually(lambda: log.exists() and b"Engine 000" in log.read_bytes())
    async with asyncio.timeout(10):
        assert "INFO Engine 000: Avg prompt throughput" in await anext(followed)


async def test_a_log_that_was_truncated_is_followed_from_there(bench: Bench) -> None:
    folder = bench.launch(lines=2000, chatter_s=0.05)
    await until(client.follow(folder), FirstTokenSeen)
    log = folder / "server.log"
    followed = follow_from_end(log)
    await anext(followed)
    os.truncate(log, 0)
    async with asyncio.timeout(10):
        assert "INFO Engine 000: Avg prompt throughput" in await anext(followed)
    assert log.stat().st_size < 10_000


async def test_a_clock_that_is_set_changes_no_duration_and_reboots_no_host(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.launch()
    facts = await until(client.follow(folder), FirstTokenSeen)
    told = server_told("fake", facts)
    for jump_s in (-86_400.0, 86_400.0):
        jumped = [
            fact
            if place == 0
            else replace(fact, at=replace(fact.at, wall_s=fact.at.wall_s + jump_s))
            for place, fact in enumerate(facts)
        ]
        again = server_told("fake", jumped)
        assert (again.ready_s, again.first_token_s) == (told.ready_s, told.first_token_s)
    members = bench.members(folder)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    for one in members:
        processes.send(one.id, signal.SIGKILL)
    await eventually(lambda: not bench.members(folder))
    monkeypatch.setattr("backends.host.servers.boot_wall_s", lambda: facts[-1].at.wall_s + 3600)
    failure = our_server(folder).failure
    assert failure is not None
    assert failure.kind is FailureKind.KILLED
    assert "was not restarted" in failure.cause
    journal = ServerFolder(folder).journal
    _, *rest = read_journal(journal)
    earlier = replace(bench.start(folder), boot="another")
    journal.write_bytes(b"".join(encode_fact(fact) + b"\n" for fact in (earlier, *rest)))
    rebooted = our_server(folder).failure
    assert rebooted is not None
    assert "was restarted" in rebooted.cause


async def test_a_connection_that_says_nothing_holds_nobody_up(bench: Bench) -> None:
    folder = bench.launch()
    silent = [connect(ServerFolder(folder)) for _ in range(40)]
    await until(client.follow(folder), FirstTokenSeen)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    for one in silent:
        assert one is not None
        one.close()
