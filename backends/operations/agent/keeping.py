"""Keeps the record of a host, and gives it to clients as lines.

It is loaded after the agent's socket answers, as it takes most of the time that an agent begins.
"""

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backends.agent.greeting import PROTOCOL, RELEASE, Status
from backends.agent.messages import Series, encode
from backends.agent.place import Order, holds_socket
from backends.domain.time_series import FIGURES
from backends.history.thread import HistoryThread
from backends.operations.agent.service import Service
from backends.operations.host import Host, this_host
from backends.operations.recording.feed import has_work
from backends.operations.recording.recorder import Recorder
from backends.problem import Problem
from backends.settings.config import Settings
from backends.settings.paths import config_file

IDLE_S = 60.0
"""The agent ends when nothing was there to watch, and nobody followed it, for this long."""

LOOK_S = 3.0
"""How often the agent looks whether its configuration has changed, and whether it is needed."""

COMPLETE_S = 5.0
"""How long whoever asks an agent that has just begun waits for what was kept."""

HISTORY_END_S = 5.0
"""How long an agent that ends goes on to write down what another process keeps it from."""


def host_of(state_folder: Path) -> Host:
    """Return this host, with no configuration where it cannot be used; reads files."""
    try:
        return replace(this_host(), state_folder=state_folder)
    except Problem as problem:
        print(problem, file=sys.stderr)  # noqa: T201  its log
        return replace(this_host(Settings()), state_folder=state_folder)


async def keep(host: Host, service: Service, inode: int) -> None:
    """Keep the record of a host until nothing is left to watch, or nobody can ask for it."""
    history = HistoryThread(host.history_file)
    recorder = Recorder(host, history)
    service.serve(Lines(recorder))
    running = asyncio.create_task(recorder.run())
    over = asyncio.create_task(_until_over(recorder, service, inode))
    try:
        done, _ = await asyncio.wait((running, over), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        running.cancel()
        over.cancel()
        await asyncio.gather(running, over, return_exceptions=True)
        await asyncio.to_thread(history.close, HISTORY_END_S)


class Lines:
    """What a recorder has, as the lines that clients get."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def status(self, began_wall_s: float, listeners: int) -> Status:
        """Return what the agent is doing."""
        return Status(
            PROTOCOL,
            RELEASE,
            os.getpid(),
            began_wall_s,
            self._recorder.reads,
            listeners,
            self._recorder.writes,
            self._recorder.problem,
        )

    async def answer(self, order: Order) -> bytes | None:
        """Return the line that answers an order; None for one that is not known."""
        match order.order:
            case "snapshot":
                with suppress(TimeoutError):  # a history that is locked is not waited for
                    await asyncio.wait_for(self._recorder.complete.wait(), COMPLETE_S)
                return encode(self._recorder.snapshot())
            case "series":
                return encode(await asyncio.to_thread(self._series, order))
            case _:
                return None

    async def follow(self) -> AsyncIterator[bytes]:
        """Yield the whole record, then what happens."""
        async for message in self._recorder.messages():
            yield encode(message)

    def _series(self, order: Order) -> Series:
        """Return the rows that are asked for; reads files."""
        rows = self._recorder.series(order.server, order.step_s)
        known = tuple(tuple(None if math.isnan(one) else one for one in row) for row in rows)
        return Series(order.server, order.step_s, FIGURES, known)


async def _until_over(recorder: Recorder, service: Service, inode: int) -> None:
    """Return once there is nothing to do, or nobody can reach this agent any more.

    Until then the recorder goes on with the configuration whenever its file has changed.
    """
    since_s, seen_ns = time.monotonic(), await asyncio.to_thread(_changed_ns)
    while True:
        await asyncio.sleep(LOOK_S)
        ours, changed_ns = await asyncio.to_thread(_look, recorder.host.state_folder, inode)
        if not ours:
            return  # the folder is gone, or another agent has taken its place
        if changed_ns != seen_ns:
            seen_ns = changed_ns
            await _reconfigure(recorder)
        if recorder.host.settings.agent.always or service.following or has_work(recorder):
            since_s = time.monotonic()
        elif time.monotonic() - since_s >= IDLE_S:
            return


def _look(state_folder: Path, inode: int) -> tuple[bool, int]:
    return holds_socket(state_folder, inode), _changed_ns()


async def _reconfigure(recorder: Recorder) -> None:
    with suppress(Problem):  # half a file, or a wrong one: the last that was right holds
        host = await asyncio.to_thread(this_host)
        recorder.host = replace(host, state_folder=recorder.host.state_folder)


def _changed_ns() -> int:
    try:
        return config_file().stat().st_mtime_ns
    except OSError:
        return 0
