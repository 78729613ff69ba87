"""Starts the prober, sends it one order and yields the facts that it measures."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import IO, cast

import msgspec

from backends.domain.ab.facts import AbFact, SeriesEnded
from backends.domain.ab.load import LoadEnded, LoadStep, summarise_load
from backends.domain.redaction import without_keys
from backends.host import processes, spawn
from backends.prober import clock
from backends.prober.protocol import CANCEL, LoadOrder, Order, SeriesOrder, Target, encode_order
from backends.problem import Problem
from backends.wire import decode_fact

Prober = subprocess.Popen[bytes]

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
    # Not asyncio's own subprocess, which forks on the event loop's thread. Whoever is cancelled
    # here drops the pipes, and a prober whose stdin is closed ends.
    prober = await asyncio.to_thread(_spawn, targets)
    canceller: asyncio.Task[None] | None = None
    try:
        async with _lines_of(prober.stdout) as output, _lines_of(prober.stderr) as errors:
            await asyncio.to_thread(_say, prober, encode_order(order))
            if cancel is not None:
                canceller = asyncio.create_task(_cancel_when_set(prober, cancel))
            while (line := await output.readline()).endswith(b"\n"):
                yield line
            keys = [secret for target in targets for secret in target.secrets]
            yield without_keys(await _cause_of_death(prober, errors), keys)
    finally:
        if canceller is not None:
            canceller.cancel()
        await asyncio.to_thread(_end, prober)


def _spawn(targets: tuple[Target, ...]) -> Prober:
    return subprocess.Popen(
        spawn.command("backends.prober"),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(targets),
    )


@asynccontextmanager
async def _lines_of(pipe: IO[bytes] | None) -> AsyncGenerator[asyncio.StreamReader, None]:
    """Read a pipe of a child as it comes, whether or not anybody reads the lines."""
    reader = asyncio.StreamReader(LONGEST_LINE)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        yield reader
    finally:
        transport.close()


def _say(prober: Prober, line: bytes) -> None:
    """Write a line to its stdin, and wait until it is read; one that has died reads none."""
    assert prober.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        while line:
            line = line[prober.stdin.write(line) :]


def _environment(targets: tuple[Target, ...]) -> dict[str, str]:
    """The environment without the keys of this A/B, which travel over stdin only."""
    keys = {secret for target in targets for secret in target.secrets}
    return spawn.environment([name for name, value in os.environ.items() if value in keys])


async def _cancel_when_set(prober: Prober, cancel: asyncio.Event) -> None:
    await cancel.wait()
    await asyncio.to_thread(_say, prober, CANCEL)


async def _cause_of_death(prober: Prober, errors: asyncio.StreamReader) -> str:
    said = (await errors.read()).decode("utf-8", "replace").strip().splitlines()
    code = await asyncio.to_thread(prober.wait)
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"the measuring process {how}" + (f": {said[-1]}" if said else "")


def _end(prober: Prober) -> None:
    """Close its stdin, which cancels it, and wait; kill it where that takes too long."""
    assert prober.stdin is not None
    prober.stdin.close()
    try:
        prober.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        processes.send_to_child(prober.pid, signal.SIGKILL)
        prober.wait()
