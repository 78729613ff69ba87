"""Scenes of the demo: what is shown when, by the keys that a person would press."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from backends.domain.server import ServerState
from backends.domain.session import Session
from backends.domain.start import FailureKind, PhaseName
from backends.host import spawn
from backends.operations.demo import Play, crash_engine
from backends.operations.demo_supervisor import SERVER
from backends.operations.host import Host
from console.tui.app import InferctlApp
from console.tui.views.keys import state_of

LOOK_S = 0.1

PROBE = ("coldprobe", "serverless", "--gaps", "5s,20s", "--rounds", "2", "--yes")
PROBED_S = 125.0
"""By then that probe has ended and is in the history."""

SEEN_REQUESTS = 40
"""From thirty requests on there is a verdict."""


def is_loading(session: Session) -> bool:
    """Return whether more than half of the weights are loaded."""
    start = session.life.start if session.life else None
    progress = start.progress if start else None
    if progress is None or progress.phase is not PhaseName.LOAD_WEIGHTS or not progress.total:
        return False
    return progress.done / progress.total > 0.6


def is_ready(session: Session) -> bool:
    """Return whether the server is ready."""
    return state_of(session) is ServerState.READY


def has_traffic(session: Session) -> bool:
    """Return whether a ready server has answered enough requests for a verdict."""
    served = session.totals.requests
    return is_ready(session) and (served or 0) >= SEEN_REQUESTS


def has_failed(session: Session) -> bool:
    """Return whether the start, or the server, has failed."""
    return state_of(session) is ServerState.FAILED


def ab_is_over(session: Session) -> bool:
    """Return whether an A/B has ended."""
    return session.ab is not None and session.ab.ended


@dataclass(frozen=True, slots=True)
class Step:
    """What is done once something holds, and a pause is over.

    Attributes:
        keys: that are pressed.
        verb: what is ordered on a command line, as by another person.
        crash: the engine is killed.
    """

    once: Callable[[Session], bool]
    pause_s: float = 0.0
    keys: tuple[str, ...] = ()
    verb: tuple[str, ...] = ()
    crash: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """One story of the demo.

    Attributes:
        says: what it shows, for the help.
        play: what the simulated host does.
        steps: what happens, one after another.
        shown: when what it is about is on screen.
    """

    says: str
    play: Play
    shown: Callable[[Session], bool]
    steps: tuple[Step, ...] = ()


SCENES = {
    "cold-start": Scene("the phases of a start", Play(), is_loading),
    "failure": Scene(
        "a start that fails, and its remedy",
        Play(failure=FailureKind.KV_CACHE_TOO_SMALL),
        has_failed,
    ),
    "crash": Scene(
        "an engine that is killed while it serves",
        Play(),
        has_failed,
        (Step(has_traffic, crash=True),),
    ),
    "ab": Scene(
        "twenty runs beside a serverless endpoint",
        Play(),
        ab_is_over,
        (Step(has_traffic, keys=("A",)),),
    ),
    "crossover": Scene(
        "traffic at which the GPU becomes cheaper",
        Play(traffic_rps=5.0, capacity_rps=Decimal("16.4")),
        has_traffic,
        (Step(has_traffic, keys=("c",)),),
    ),
    "scale-to-zero": Scene(
        "an endpoint that unloads its model when it is idle",
        Play(idle_s=15.0),
        is_ready,
        (
            Step(is_ready, verb=PROBE),
            Step(is_ready, pause_s=PROBED_S, keys=("h",)),
            Step(is_ready, pause_s=2.0, keys=("enter",)),
        ),
    ),
}
"""Each scene by its name on the command line."""


class SceneApp(InferctlApp):
    """The console over a simulated host, in which a scene is played."""

    def __init__(self, host: Host, scene: Scene) -> None:
        super().__init__(host, SERVER, start_at_once=True)
        self._scene = scene
        self.played = False

    async def begin(self) -> None:
        """Start everything that yields facts, and then the scene."""
        await super().begin()
        self.run_worker(self._play(), group="scene")

    async def _play(self) -> None:
        for step in self._scene.steps:
            await self._until(step.once)
            await asyncio.sleep(step.pause_s)
            for key in step.keys:
                self.simulate_key(key)
            if step.verb:
                await asyncio.create_subprocess_exec(
                    *spawn.command("console", *step.verb),
                    env=spawn.environment(),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                )
            if step.crash:
                await asyncio.to_thread(crash_engine, self.host)
        await self._until(self._scene.shown)
        self.played = True

    async def _until(self, holds: Callable[[Session], bool]) -> None:
        while not holds(self.session):  # noqa: ASYNC110 - a fold sets no event
            await asyncio.sleep(LOOK_S)
