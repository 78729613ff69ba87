"""A keeper on a hostile host: lost files, suspended processes, children that hide, wrong clocks."""

import asyncio
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from backends.domain.facts import (
    FirstTokenSeen,
    HealthChanged,
    ServerFact,
    Stopped,
    StopProgressed,
)
from backends.domain.server import ProcessId, ServerState
from backends.domain.start import FailureKind
from backends.host import processes
from backends.keeper import client
from backends.keeper.folder import ServerFolder, living_keeper, read_journal
from backends.keeper.service import MOST_CLIENTS, connect
from backends.servers.listing import our_server, server_in
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
    await eventually(lambda: (one := processes.read(keeper)) is not None and one.state == "T")
    os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    facts = await everything(client.stop(folder, "test"))
    assert f"SIGCONT to keeper {keeper}" in steps(facts)
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []


async def test_a_keeper_on_its_way_to_be_suspended_obeys_the_stop(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.keeper_pid(folder), signal.SIGSTOP)
    facts = await everything(client.stop(folder, "test"))
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
    facts = await everything(client.stop(folder, "test", drain_s=600))
    assert "requests" not in steps(facts)  # nothing was served, so nothing is waited for
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
    server = our_server(folder)
    assert (server.state, server.failure) == (ServerState.STOPPED, None)


async def test_a_clock_that_is_set_changes_no_duration_and_reboots_no_host(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.launch()
    facts = await until(client.follow(folder), FirstTokenSeen)
    told = server_in("fake", facts)
    for jump_s in (-86_400.0, 86_400.0):
        jumped = [
            fact
            if place == 0
            else replace(fact, at=replace(fact.at, wall_s=fact.at.wall_s + jump_s))
            for place, fact in enumerate(facts)
        ]
        again = server_in("fake", jumped)
        assert (again.ready_s, again.first_token_s) == (told.ready_s, told.first_token_s)
    members = bench.members(folder)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    for one in members:
        processes.send(one.id, signal.SIGKILL, lambda _: True)
    await eventually(lambda: not bench.members(folder))
    await eventually(lambda: living_keeper(ServerFolder(folder)) is None)
    monkeypatch.setattr("backends.servers.listing.boot_wall_s", lambda: facts[-1].at.wall_s + 3600)
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


async def test_connections_that_say_nothing_hold_nobody_up(bench: Bench) -> None:
    folder = bench.launch()
    silent = [connect(ServerFolder(folder)) for _ in range(40)]
    await until(client.follow(folder), FirstTokenSeen)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    for one in silent:
        assert one is not None
        one.close()


async def test_more_connections_than_descriptors_do_not_end_a_keeper(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    keeper = bench.keeper_pid(folder)
    resource.prlimit(keeper, resource.RLIMIT_NOFILE, (MOST_CLIENTS + 40, MOST_CLIENTS + 40))
    held = [connect(ServerFolder(folder)) for _ in range(MOST_CLIENTS + 60)]
    await eventually(lambda: sum(_hung_up(one) for one in held) >= 60)
    assert bench.keeper_lives(folder)
    for one in held:
        assert one is not None
        one.close()
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)


def _hung_up(connection: socket.socket | None) -> bool:
    """Tell whether the keeper closed a connection that says nothing."""
    assert connection is not None
    return bool(select.select([connection], [], [], 0)[0])


BROKEN = {
    "watch": "import backends.keeper.take as room; room.watch = broken",
    "reader": "import backends.keeper.__main__ as room; room.StartReader.feed = broken",
}


@pytest.mark.parametrize("part", BROKEN)
async def test_a_bug_of_ours_costs_facts_and_neither_the_server_nor_its_end(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    program = tmp_path / "broken_keeper"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.argv = [sys.argv[0], sys.argv[-1]]\n"
        "def broken(*_):\n    raise RuntimeError('a bug of ours')\n"
        f"{BROKEN[part]}\nfrom backends.keeper.__main__ import main\nmain()\n"
    )
    program.chmod(0o700)
    order = bench.order(chatter_s=0.05)
    with monkeypatch.context() as patched:
        patched.setattr("sys.executable", str(program))
        folder = bench.launch(order)
    log, complaints = folder / "server.log", ServerFolder(folder).keeper_log
    await eventually(lambda: log.exists() and log.read_bytes().count(b"Engine 000") > 2)
    await eventually(lambda: "a bug of ours" in complaints.read_text())
    if part == "watch":
        facts = await until(client.follow(folder), HealthChanged)
        assert "can be stopped" in str(facts[-1])
    else:
        await until(client.follow(folder), FirstTokenSeen)
    assert bench.keeper_lives(folder)
    facts = await everything(client.stop(folder, "test"))
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
