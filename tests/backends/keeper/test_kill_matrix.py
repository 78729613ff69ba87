"""Any signal to any process: soon nothing is left, unless a living keeper serves it.

`kill_matrix` prints all 120 cells as a table; here each pair of signal and victim is played in one
state, so that every signal, victim and state meets each of the others.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from backends.domain.facts import BecameReady, FirstTokenSeen, Stopped
from backends.domain.server import ProcessId
from backends.host import processes
from backends.keeper import client
from tests.backends.keeper.conftest import Bench, until
from tests.backends.keeper.kill_matrix import line, outcomes
from tests.backends.keeper.matrix.cell import SIGNALS, Cell
from tests.backends.keeper.matrix.census import Census
from tests.backends.keeper.matrix.held import STATES
from tests.backends.keeper.matrix.scene import VICTIMS, Scene, VictimGone

QUICK = 8.0
"""How much faster than vLLM the servers act."""

SAMPLE = [
    Cell(number, victim, STATES[(place + 2 * row + half) % len(STATES)])
    for row, number in enumerate(SIGNALS)
    for place, victim in enumerate(VICTIMS)
    for half in ((0, 3) if victim in ("api_server", "keeper") else (0,))
]
"""28 cells: a Latin square, and the two victims whose end depends most on the state twice."""


@pytest.mark.slow
async def test_nothing_is_left_unless_a_living_keeper_serves_it(tmp_path: Path) -> None:
    told = [each async for each in outcomes(SAMPLE, tmp_path, speed=QUICK, together=14)]
    assert [line(each) for each in told if each.wrong] == []
    assert {each.cell.state for each in told} == set(STATES)


def test_a_victim_that_ends_before_the_signal_shows_nothing_and_is_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    monkeypatch.setattr(Scene, "pid_of", lambda *_: ended.pid)
    at = Scene(tmp_path, tmp_path, "stopping", "api_server", 1.0, Census())
    with pytest.raises(VictimGone, match="api_server had ended"):
        at.strike(signal.SIGKILL)


async def test_a_reused_pid_is_nobodys_survivor(bench: Bench) -> None:
    folder = bench.launch()
    await until(client.follow(folder), BecameReady)
    process = bench.start(folder).process
    impostor = ProcessId(process.pid, process.started_ticks - 1)
    assert processes.is_alive(process)
    assert not processes.is_alive(impostor)
    assert not processes.send(impostor, signal.SIGKILL, lambda _: True)
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
