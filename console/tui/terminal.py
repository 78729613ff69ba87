"""The terminal that the console is drawn on, and a process that answers its keys at once."""

import asyncio
import gc
import os
import select
import sys
import threading
from typing import TYPE_CHECKING, TypeVar

from backends.problem import UsageProblem

if TYPE_CHECKING:
    from textual.app import App

Result = TypeVar("Result")

LOOK_S = 0.25
"""How often the terminal is looked for."""

ORDERLY_END_S = 0.5
"""How long an app may take to end once its terminal has gone."""

HUNG_UP = 129
"""What a shell reports of a process that a hangup ended: 128 and SIGHUP."""

SETTLED_S = 0.5
"""After this the first frames are drawn and the sources loaded."""

THREAD_TURN_S = 0.0005
"""How long a thread that computes may keep the screen waiting; Python's own 5 ms can be felt, for a
key passes through several turns."""


def has_terminal() -> bool:
    """Return whether stdin and stdout are a terminal."""
    return all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout))


def take_terminal(otherwise: str) -> None:
    """Return where there is one; from here no garbage is collected until `draw` has begun.

    Args:
        otherwise: what serves a script instead.

    Raises:
        UsageProblem: stdin or stdout is a file or a pipe.
    """
    if not has_terminal():
        raise UsageProblem(f"the console needs a terminal; for scripts there is: {otherwise}")
    gc.disable()


def draw(app: "App[Result]") -> Result | None:
    """Run an app until it is left, and return with what it was left."""
    drawn = _drawn(app)
    return asyncio.run(drawn)


async def _drawn(app: "App[Result]") -> Result | None:
    sys.setswitchinterval(THREAD_TURN_S)
    asyncio.get_running_loop().call_later(SETTLED_S, _spare_what_stays)
    watch = asyncio.create_task(_end_without_terminal(app))
    try:
        return await app.run_async()
    finally:
        watch.cancel()


async def _end_without_terminal(app: "App[Result]") -> None:
    """End the app once its terminal has gone: no hangup reaches the first process of a container.

    Writing to such a terminal may never return, so that the process is ended where the app is not
    by then.
    """
    terminal = select.poll()
    terminal.register(sys.stdin.fileno(), 0)
    while not terminal.poll(0):  # noqa: ASYNC110 - the kernel tells nobody who waits in the loop
        await asyncio.sleep(LOOK_S)
    last = threading.Timer(ORDERLY_END_S, os._exit, (HUNG_UP,))
    last.daemon = True
    last.start()
    app.exit()


def _spare_what_stays() -> None:
    """A full collection would look at all code and styles each time: 60 ms without an answer."""
    gc.collect()
    gc.freeze()
    gc.enable()
