"""Any signal to any process: soon nothing is left, unless a living keeper serves it."""

import asyncio
import itertools
import os
import signal
from pathlib import Path

import pytest

from backends.domain.facts import BecameReady, FirstTokenSeen, Spawned, Stopped
from backends.domain.server import ProcessId
from backends.host import processes
from backends.host.ports import is_listening
from backends.host.survivors import end, survivor
from backends.keeper import client
from backends.keeper.folder import ServerFolder, read_journal
from backends.keeper.taking import left_behind
from tests.backends.keeper.conftest import Bench, eventually, until

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
VICTIMS = ("api_server", "engine", "worker", "group", "keeper")
MATRIX = list(itertools.product(SIGNALS, VICTIMS, ("starting", "ready")))


async def test_nothing_is_left_unless_a_living_keeper_serves_it(bench: Bench) -> None:
    """All cases side by side, each with a server and a keeper of its own."""
    outcomes = await asyncio.gather(*(_case(bench, *case) for case in MATRIX))
    told = dict(zip([f"{s.name} {v} {w}" for s, v, w in MATRIX], outcomes, strict=True))
    assert {case: outcome for case, outcome in told.items() if outcome} == {}


async def _case(bench: Bench, number: signal.Signals, victim: str, state: str) -> str:
    name = f"{number.name}-{victim}-{state}"
    order = bench.order(name, None, ready_s=0 if state == "ready" else 600)
    folder = await asyncio.to_thread(bench.launch, order)
    await eventually(lambda: len(bench.members(folder)) == 3)
    await until(client.follow(folder), FirstTokenSeen if state == "ready" else Spawned)
    _strike(bench, folder, number, victim)
    if victim == "keeper" and number is signal.SIGKILL:
        return await _end_what_the_keeper_left(folder)
    try:
        await eventually(lambda: _is_settled(bench, folder, order.port, state))
    except TimeoutError:
        return f"left: {[processes.display_name(one) for one in bench.members(folder)]}"
    return ""


def _strike(bench: Bench, folder: Path, number: signal.Signals, victim: str) -> None:
    first = bench.start(folder).process
    if victim == "group":
        os.killpg(first.pid, number)
        return
    if victim == "keeper":
        os.kill(bench.keeper_pid(folder), number)
        return
    below = {one.parent: one.id.pid for one in bench.members(folder)}
    engine = below[first.pid]
    os.kill({"api_server": first.pid, "engine": engine, "worker": below[engine]}[victim], number)


def _is_settled(bench: Bench, folder: Path, port: int, state: str) -> bool:
    if not bench.members(folder):
        return isinstance(read_journal(ServerFolder(folder).journal)[-1], Stopped)
    return bench.keeper_lives(folder) and (is_listening(port) or state == "starting")


async def _end_what_the_keeper_left(folder: Path) -> str:
    left = left_behind(read_journal(ServerFolder(folder).journal))
    if len(left) != 3:
        return f"{len(left)} survivors named instead of 3"
    still = await asyncio.to_thread(end, [survivor(one) for one in left], term_grace_s=1.0)
    return f"not ended: {still}" if still else ""


async def test_a_reused_pid_is_nobodys_survivor(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), BecameReady)
    process = bench.start(folder).process
    impostor = ProcessId(process.pid, process.started_ticks - 1)
    assert processes.is_alive(process)
    assert not processes.is_alive(impostor)
    assert not processes.send(impostor, signal.SIGKILL)
    assert processes.is_alive(process)


@pytest.mark.parametrize("victim", [None, "api_server"])
async def test_what_a_killed_keeper_left_is_stopped_by_name(
    bench: Bench, victim: str | None
) -> None:
    folder = bench.launch()
    await until(client.follow(folder), FirstTokenSeen)
    os.kill(bench.keeper_pid(folder), signal.SIGKILL)
    if victim:
        os.kill(bench.start(folder).process.pid, signal.SIGKILL)
    facts = [fact async for fact in client.stop(folder, "test")]
    assert isinstance(facts[-1], Stopped)
    assert bench.members(folder) == []
