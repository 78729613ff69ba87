"""The console over a recorded journal: the same fold and screens, and not one live source."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from backends.domain.facts import Fact, ServersSeen, Spawned, Ticked
from backends.domain.stamp import Stamp
from backends.operations.host import Host
from backends.problem import NotFound, Problem, UsageProblem
from backends.wire import UnreadableRecord, decode_fact
from console.tui.app import InferctlApp

STEP_S = 0.1
"""How often the clock of a replay moves on, in real time."""

LONGEST_WAIT_S = 5.0
"""A server that served for a day has a gap of a day; so much of a gap is waited for, in real time.

The clock jumps over the rest: what is shown of times stays true."""


def read_recording(path: Path) -> tuple[Fact, ...]:
    """Return the facts of a file with one line of JSON each; lines of others are passed over.

    Raises:
        NotFound: there is no such file.
        UsageProblem: it holds no fact.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError as error:
        raise NotFound(f"{path}: there is no such file") from error
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from error
    facts = [fact for line in lines if (fact := _fact(line)) is not None]
    if not facts:
        raise UsageProblem(
            f"{path}: no recorded fact; give a keeper's journal, servers/NAME/starts/*.jsonl"
        )
    return tuple(facts)


def _fact(line: bytes) -> Fact | None:
    try:
        fact = decode_fact(line)
    except UnreadableRecord:
        return None
    # The servers of then say nothing of now, and would be followed.
    return None if isinstance(fact, ServersSeen) else fact


async def played(
    facts: Sequence[Fact],
    speed: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Fact]:
    """Yield recorded facts at the pace at which they came, `speed` times faster, and ticks between.

    A fact that is older than the one before it comes at once.
    """
    position = facts[0].at
    for fact in facts:
        skipped_s = fact.at.mono_s - position.mono_s - LONGEST_WAIT_S * speed
        if skipped_s > 0:
            position = _later(position, skipped_s)
        while position.mono_s < fact.at.mono_s:
            left_s = fact.at.mono_s - position.mono_s
            step_s = min(left_s, STEP_S * speed)
            await sleep(step_s / speed)
            position = fact.at if step_s == left_s else _later(position, step_s)
            yield Ticked(position)
        yield fact


def _later(stamp: Stamp, seconds: float) -> Stamp:
    return Stamp(stamp.mono_s + seconds, stamp.wall_s + seconds)


UNNAMED = "recording"
"""What a recording is called whose facts name no server."""


class ReplayApp(InferctlApp):
    """The console over recorded facts; it orders nothing, asks nobody and writes no history."""

    def __init__(self, host: Host, facts: Sequence[Fact], speed: float) -> None:
        began = facts[0].at
        spawned = next((fact for fact in facts if isinstance(fact, Spawned)), None)
        watched = spawned.server if spawned is not None else UNNAMED
        super().__init__(replace(host, now=lambda: began), watched)
        self.context = replace(self.context, replayed=True)
        self._facts = facts
        self._speed = speed

    async def begin(self) -> None:
        """Start the one source that a replay has."""
        async for fact in played(self._facts, self._speed):
            self.happened(fact)
        self.notify("the recording ends here", markup=False)
