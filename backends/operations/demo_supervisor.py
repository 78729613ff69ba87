"""Runs the demo's helpers and clears everything away once the demo is over, however it ended.

``-m backends.operations.demo_supervisor HOME RPS [IDLE_S]``. The console holds the other end of its
stdin, which the kernel closes even for a console that was killed; a demo that is kept is over once
its file `KEPT` is gone.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from backends.agent import client
from backends.host import processes, spawn
from backends.host.files import PRIVATE_FILE
from backends.host.home import state_of
from backends.keeper.client import stop
from backends.keeper.folder import server_folders
from backends.keeper.order import KeeperError
from backends.problem import Problem
from backends.settings.read import read_settings

MODEL = "openai/gpt-oss-120b"
SERVER = "gpt-oss"
TRAFFIC_RPS = 2.0
COLD_START_S = 6.0
"""How long a simulated endpoint that scaled to zero loads its model."""

KEPT = "kept"
"""A demo is kept for as long as its home holds this file."""

LAST_WORD_S = 5.0
"""How long a helper may take to end before it is killed."""

LOOK_S = 0.2


def main() -> None:
    """Start the helpers, wait for the end of the demo, and leave nothing behind."""
    home, rps, *idle_s = Path(sys.argv[1]), *sys.argv[2:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the demo's end ends this
    with supervises(home) as alone:
        if not alone:
            return
        helpers = _helpers(home, rps, idle_s)
        # One that was killed meanwhile must not stay as a zombie until the demo is over.
        signal.signal(signal.SIGCHLD, lambda *_: [helper.poll() for helper in helpers])
        if (home / KEPT).exists():
            while (home / KEPT).exists():
                time.sleep(LOOK_S)
        else:
            sys.stdin.buffer.read()
        for helper in helpers:
            _end(helper)
        clear_away(home)


@contextmanager
def supervises(home: Path) -> Iterator[bool]:
    """Yield whether this process alone looks after a home, which it then does until it leaves."""
    descriptor = None
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(home / "supervisor.lock", flags, PRIVATE_FILE)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        if descriptor is not None:
            os.close(descriptor)


def clear_away(home: Path) -> None:
    """End the servers and the agent of a home, and remove it."""
    state = state_of(home)
    for folder in server_folders(state):
        asyncio.run(_stop_server(folder.path))
    with suppress(Problem):
        client.stop(state)
    shutil.rmtree(home, ignore_errors=True)


def _helpers(home: Path, rps: str, idle_s: list[str]) -> list[subprocess.Popen[bytes]]:
    settings = read_settings(home / "config" / "config.toml")
    port = urlsplit(settings.endpoints[0].base_url).port
    cold = ("--cold-after", *idle_s, "--cold-start", str(COLD_START_S)) if idle_s else ()
    helpers = [_spawn("backends.simulated.endpoint", "--port", str(port), *cold)]
    if float(rps):
        base_url = f"http://127.0.0.1:{settings.servers[0].port}/v1"
        users = ("--base-url", base_url, "--model", MODEL, "--rps", rps)
        helpers.append(_spawn("backends.simulated.traffic", *users))
    return helpers


def _spawn(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        spawn.command(module, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=spawn.environment(),
    )


def _end(helper: subprocess.Popen[bytes]) -> None:
    processes.send_to_child(helper.pid, signal.SIGTERM)
    try:
        helper.wait(LAST_WORD_S)
    except subprocess.TimeoutExpired:
        processes.send_to_child(helper.pid, signal.SIGKILL)
        helper.wait()


async def _stop_server(folder: Path) -> None:
    with suppress(KeeperError):  # it was never started, or has ended
        async for _ in stop(folder, by="the end of the demo"):
            pass


if __name__ == "__main__":
    main()
