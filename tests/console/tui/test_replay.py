"""A replay shows what was recorded, at its pace, and reaches nothing of today."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backends.domain.facts import BecameReady, Fact, PhaseBegan, Spawned, Stopped, Ticked
from backends.domain.server import ProcessId, ServerState
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.history.history import open_history
from backends.operations.host import Host
from backends.problem import NotFound, UsageProblem
from backends.settings.config import Profile, Settings
from backends.simulated.gpus import SimulatedGpus
from backends.wire import encode_fact
from console.tui.app import InferctlApp
from console.tui.replay import LONGEST_WAIT_S, ReplayApp, played, read_recording
from console.tui.screens.main import MainScreen

DAY_S = 86_400.0


def _at(seconds: float) -> Stamp:
    return Stamp(1000 + seconds, 1_700_000_000 + seconds)


RECORDED: tuple[Fact, ...] = (
    Spawned(
        _at(0), "id", "chat", "org/model", ("vllm", "serve", "org/model"),
        ProcessId(4242, 1), ProcessId(4241, 1), "127.0.0.1", 8000,
    ),
    PhaseBegan(_at(1), PhaseName.LOAD_WEIGHTS),
    BecameReady(_at(9)),
    Stopped(_at(DAY_S)),
)  # fmt: skip


async def _play(speed: float) -> tuple[list[Fact], list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return [fact async for fact in played(RECORDED, speed, sleep)], slept


@pytest.mark.parametrize("speed", [1.0, 4.0])
async def test_facts_come_in_order_at_their_pace(speed: float) -> None:
    facts, slept = await _play(speed)
    assert tuple(fact for fact in facts if not isinstance(fact, Ticked)) == RECORDED
    stamps = [fact.at.mono_s for fact in facts]
    assert stamps == sorted(stamps)
    recorded_s = 9 / speed if 8 / speed <= LONGEST_WAIT_S else 1 / speed + LONGEST_WAIT_S
    assert sum(slept) == pytest.approx(recorded_s + LONGEST_WAIT_S)


async def test_a_days_gap_is_jumped_over_and_its_times_stay_true() -> None:
    facts, slept = await _play(1.0)
    assert sum(slept) < 3 * LONGEST_WAIT_S
    assert facts[-1].at == _at(DAY_S)


def test_lines_of_others_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    lines = [encode_fact(RECORDED[0]), b'{"fact":"FromTheFuture"}', encode_fact(RECORDED[1]), b"{"]
    file.write_bytes(b"\n".join(lines))
    assert read_recording(file) == RECORDED[:2]


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    file.write_text("INFO 01-01 00:00:00 no fact\n")
    with pytest.raises(UsageProblem, match="no recorded fact"):
        read_recording(file)
    with pytest.raises(NotFound):
        read_recording(tmp_path / "missing.jsonl")


def _replay(tmp_path: Path) -> ReplayApp:
    profile = Profile("chat", "org/model")
    host = Host(
        Settings(servers=(profile,)),
        tmp_path,
        tmp_path / "history.sqlite",
        lambda: SimulatedGpus(tmp_path / "gpu.json"),
    )
    return ReplayApp(host, RECORDED[:3], speed=1000)


async def _until(pilot: Pilot[str], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause(0.02)


def _state(app: InferctlApp) -> ServerState | None:
    return app.session.life.server.state if app.session.life else None


async def test_the_screen_shows_the_recording_and_offers_nothing_that_acts(tmp_path: Path) -> None:
    app = _replay(tmp_path)
    async with app.run_test(size=(120, 35)) as pilot:
        await _until(pilot, lambda: _state(app) is ServerState.READY)
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await _until(pilot, lambda: screen.status.view.replayed)
        assert "REPLAY" in screen.status.render_line(0).text
        assert app.session.now == _at(9)
        offered = {binding.binding.id for binding in screen.active_bindings.values()}
        assert not {"server.start", "server.stop", "server.restart"} & offered
        assert not {"ab.once", "ab.series", "screen.logs"} & offered
        assert app.session.meter is None
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_replay_writes_no_history(tmp_path: Path) -> None:
    app = _replay(tmp_path)
    async with app.run_test(size=(120, 35)) as pilot:
        await _until(pilot, lambda: _state(app) is ServerState.READY)
    history = open_history(tmp_path / "history.sqlite")
    assert history.recent_starts() == ()
    history.close()
