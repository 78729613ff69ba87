"""Every signal to every process in every state: ``python -m tests.backends.keeper.kill_matrix``.

Plays each cell with true keepers over simulated servers of two ranks, and prints a table. Words
after the command choose cells that carry all of them, such as ``SIGKILL keeper``; ``docker`` those
of containers on a real daemon, and ``real`` those of the true vLLM on the CPU. The exit code is the
number of cells in which something is wrong.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.backends.keeper import docker_matrix
from tests.backends.keeper.matrix.cell import ALL_CELLS, Cell, Outcome, play
from tests.backends.keeper.matrix.census import Census
from tests.backends.keeper.matrix.scene import VictimGone
from tests.real_vllm import failure_matrix
from tests.real_vllm.failure_cells import KILL_CELLS

ATTEMPTS = 3
"""How often a cell is set up whose victim had ended before it could be struck."""

TOGETHER = 20
"""Cells side by side: more only wait for each other on two cores."""

HEAD = ("SIGNAL", "VICTIM", "STATE", "END", "LEFT", "SECONDS", "STATUS SAID")
WIDTHS = (8, 11, 10, 13, 5, 8)


async def outcomes(
    cells: Sequence[Cell], folder: Path, *, speed: float, together: int = TOGETHER
) -> AsyncIterator[Outcome]:
    """Play the cells, some side by side, and yield each outcome in their order."""
    census = Census()
    room = asyncio.Semaphore(together)

    async def one(cell: Cell) -> Outcome:
        async with room:
            for attempt in range(ATTEMPTS):
                home = folder / f"{cell}-{attempt}"
                try:
                    return await play(cell, home, speed=speed, census=census)
                except VictimGone as gone:
                    broken = str(gone)
                except (TimeoutError, AssertionError) as error:
                    broken = f"{type(error).__name__}: {error}"
                    break
            return Outcome(cell, "broken", (), 0.0, "", broken)

    for task in [asyncio.create_task(one(cell)) for cell in cells]:
        yield await task


def line(outcome: Outcome) -> str:
    """Return one line of the table."""
    cell = outcome.cell
    told = (
        cell.number.name,
        cell.victim,
        cell.state,
        outcome.end,
        str(len(outcome.left)),
        f"{outcome.seconds:.1f}",
    )
    wrong = f"  WRONG: {outcome.wrong} {' '.join(outcome.left)}" if outcome.wrong else ""
    return f"{_columns(told)}  {outcome.status}{wrong}"


def _columns(words: Sequence[str]) -> str:
    return "  ".join(word.ljust(width) for word, width in zip(words, WIDTHS, strict=True))


async def _print(cells: Sequence[Cell], speed: float, together: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="kill-matrix-"))
    wrong = 0
    print(f"{_columns(HEAD[:-1])}  {HEAD[-1]}")
    try:
        async for outcome in outcomes(cells, folder, speed=speed, together=together):
            print(line(outcome), flush=True)
            wrong += bool(outcome.wrong)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(cells)} cells, {wrong} wrong")
    return wrong


def main() -> int:
    """Play the chosen cells."""
    parser = argparse.ArgumentParser(prog="kill_matrix", description=__doc__)
    parser.add_argument("words", nargs="*", help="play only cells that carry all these words")
    parser.add_argument("--speed", type=float, default=1.0, help="1 is vLLM's own pace")
    parser.add_argument("--together", type=int, default=TOGETHER, help="cells side by side")
    asked = parser.parse_args()
    if "docker" in asked.words:
        return docker_matrix.main([one for one in asked.words if one != "docker"])
    if "real" in asked.words:
        return failure_matrix.main(KILL_CELLS, [one for one in asked.words if one != "real"])
    cells = [one for one in ALL_CELLS if set(asked.words) <= set(str(one).split("-"))]
    return asyncio.run(_print(cells, asked.speed, asked.together))


if __name__ == "__main__":
    sys.exit(main())
