"""``make pictures``: the pictures of README and docs, drawn over the scenes of the demo."""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from backends.operations.demo import simulated_host
from console.tui.scenes import SCENES, Scene, SceneApp, is_ready
from tests.console.animation import Animation, rows_of

DOCS = Path(__file__).parents[2] / "docs"
LOOK_S = 0.1
DRAWN_S = 1.5
"""By then what a key opened is drawn, with its figures."""


DECIDED_S = 330.0
"""From five minutes of traffic on there is a verdict."""


@dataclass(frozen=True)
class Shot:
    """A picture of a scene: its size, and how long after the scene was played it is drawn."""

    scene: str
    file: str
    size: tuple[int, int] = (120, 35)
    wait_s: float = DRAWN_S


_SHOTS = (
    Shot("cold-start", "cold-start.svg"),
    Shot("failure", "failure.svg"),
    Shot("crash", "crash.svg"),
    Shot("ab", "console.svg", (140, 40), DECIDED_S),
    Shot("crossover", "cost.svg", wait_s=DECIDED_S),
    Shot("scale-to-zero", "scale-to-zero.svg"),
)
SHOTS = {each.file: each for each in _SHOTS}

RECORDING = "recording.svg"
RECORDED_SIZE = (100, 30)
FRAME_S = 1.5
"""Seconds of the demo between two frames of the recording."""


async def until(pilot: Pilot[str], holds: Callable[[], bool]) -> None:
    while not holds():
        await pilot.pause(LOOK_S)


async def shoot(shot: Shot) -> str:
    """Play a scene without a terminal, and return its picture as SVG."""
    scene = SCENES[shot.scene]
    with simulated_host(scene.play) as host:
        app = SceneApp(host, scene)
        async with app.run_test(size=shot.size) as pilot:
            await until(pilot, lambda: app.played)
            await pilot.pause(shot.wait_s)
            return app.export_screenshot(title=f"inferctl demo --scene {shot.scene}")


async def record() -> str:
    """Return a start and the first requests after it, at true speed, as one animated SVG."""
    scene = Scene("", SCENES["ab"].play, is_ready)
    frames = Animation(*RECORDED_SIZE, FRAME_S)
    with simulated_host(scene.play) as host:
        app = SceneApp(host, scene)
        async with app.run_test(size=RECORDED_SIZE) as pilot:
            after = 0
            while after < 15:
                await pilot.pause(FRAME_S)
                frames.add(rows_of(app))
                after += app.played
    return frames.svg()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="*", help="only these, by their names in docs/")
    wanted = parser.parse_args().file or [*SHOTS, RECORDING]
    if len(wanted) == 1:
        drawn = record() if wanted == [RECORDING] else shoot(SHOTS[wanted[0]])
        (DOCS / wanted[0]).write_text(asyncio.run(drawn), encoding="utf-8")
        print(f"docs/{wanted[0]}", flush=True)
        return
    # Each is a host of its own, and mostly waits.
    command = [sys.executable, "-m", "tests.console.pictures"]
    for each in [subprocess.Popen([*command, file]) for file in wanted]:
        if each.wait():
            sys.exit(each.returncode)


if __name__ == "__main__":
    main()
