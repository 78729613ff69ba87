"""Starts the prober, sends it one order and yields the facts that it measures."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import msgspec

from backends.domain.ab.facts import AbFact, SeriesEnded
from backends.domain.ab.load import LoadEnded, LoadStep, summarise_load
from backends.domain.redaction import without_keys
from backends.host import processes, spawn
from backends.prober import clock
from backends.prober.protocol import CANCEL, LoadOrder, Order, SeriesOrder, Target, encode_order
from backends.problem import Problem
from backends.wire import decode_fact

LONGEST_LINE = 64 * 1024 * 1024
GRACE_S = 2.0


class ProberFailed(Problem):
    """The measuring process ended before a series began; the message says of what."""


async def run_series(
    order: SeriesOrder, cancel: asyncio.Event | None = None
) -> AsyncGenerator[AbFact, None]:
    """Yield the facts of one A/B, the last of them always SeriesEnded.

    Setting `cancel` ends it early with what was measured so far; closing the iterator ends the
    prober too. If the prober dies within a series, SeriesEnded has that as its reason.

    Raises:
        ProberFailed: it died before the series began, so that there is none to show.
    """
    began = False
    async with aclosing(_tell(Order(series=order), order.targets, cancel)) as lines:
        async for line in lines:
            if isinstance(line, str):
                if not began:
                    raise ProberFailed(line)
                yield SeriesEnded(clock.stamp_of(clock.now_ns()), order.series_id, line)
                return
            fact = cast("AbFact", decode_fact(line))
            began = True
            yield fact
            if isinstance(fact, SeriesEnded):
                return


async def run_load(
    order: LoadOrder, cancel: asyncio.Event | None = None
) -> AsyncGenerator[LoadStep | LoadEnded, None]:
    """Yield every step of an open-loop load as it is over, the last always LoadEnded."""
    steps: list[LoadStep] = []
    async with aclosing(_tell(Order(load=order), (order.target,), cancel)) as lines:
        async for line in lines:
            if isinstance(line, str):
                yield summarise_load(steps, line, None)
                return
            ((name, plain),) = msgspec.json.decode(line).items()
            if name == LoadEnded.__name__:
                yield msgspec.convert(plain, LoadEnded)
                return
            steps.append(msgspec.convert(plain, LoadStep))
            yield steps[-1]


async def _tell(
    order: Order, targets: tuple[Target, ...], cancel: asyncio.Event | None
) -> AsyncGenerator[bytes | str, None]:
    """Yield the prober's lines; a last string says why it died before its end."""
    prober = await asyncio.create_subprocess_exec(
        *spawn.command("backends.prober"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=LONGEST_LINE,
        env=_environment(targets),
    )
    canceller = asyncio.create_task(_cancel_when_set(prober, cancel)) if cancel else None
    assert prober.stdin is not None
    assert prober.stdout is not None
    try:
        prober.stdin.write(encode_order(order))
        while (line := await prober.stdout.readline()).endswith(b"\n"):
            yield line
        keys = [target.api_key for target in targets if target.api_key]
        yield without_keys(await _cause_of_death(prober), keys)
    finally:
        if canceller is not None:
            canceller.cancel()
        await _end(prober)


def _environment(targets: tuple[Target, ...]) -> dict[str, str]:
    """The environment without the keys of this A/B, which travel over stdin only."""
    keys = {target.api_key for target in targets}
    return spawn.environment([name for name, value in os.environ.items() if value in keys])


async def _cancel_when_set(prober: Process, cancel: asyncio.Event) -> None:
    await cancel.wait()
    assert prober.stdin is not None
    prober.stdin.write(CANCEL)


async def _cause_of_death(prober: Process) -> str:
    assert prober.stderr is not None
    said = (await prober.stderr.read()).decode("utf-8", "replace").strip().splitlines()
    code = await prober.wait()
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"the measuring process {how}" + (f": {said[-1]}" if said else "")


async def _end(prober: Process) -> None:
    """Close its stdin, which cancels it, and wait; kill it where that takes too long."""
    assert prober.stdin is not None
    prober.stdin.close()
    try:
        await asyncio.wait_for(prober.wait(), GRACE_S)
    except TimeoutError:
        processes.send_to_child(prober.pid, signal.SIGKILL)
        await prober.wait()
