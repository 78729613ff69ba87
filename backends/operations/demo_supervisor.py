"""Runs the demo's helpers and clears everything away once the console is gone, however it went.

``-m backends.operations.demo_supervisor FOLDER ENDPOINT_PORT SERVER_PORT RPS``; the console holds
the other end of its stdin, which the kernel closes even for a console that was killed.
"""

import asyncio
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from backends.host import processes, spawn
from backends.keeper.client import stop
from backends.keeper.folder import server_folder
from backends.keeper.order import KeeperError

MODEL = "openai/gpt-oss-120b"
SERVER = "gpt-oss"
TRAFFIC_RPS = 2.0
LAST_WORD_S = 5.0
"""How long a helper may take to end before it is killed."""


def main() -> None:
    """Start the helpers, wait for the console's end, and leave nothing behind."""
    folder, endpoint_port, server_port, rps = Path(sys.argv[1]), *sys.argv[2:5]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the console's end ends this
    helpers = [_spawn("backends.simulated.endpoint", "--port", endpoint_port)]
    if float(rps):
        base_url = f"http://127.0.0.1:{server_port}/v1"
        users = ("--base-url", base_url, "--model", MODEL, "--rps", rps)
        helpers.append(_spawn("backends.simulated.traffic", *users))
    # One that was killed meanwhile must not stay as a zombie until the console is gone.
    signal.signal(signal.SIGCHLD, lambda *_: [helper.poll() for helper in helpers])
    sys.stdin.buffer.read()
    for helper in helpers:
        _end(helper)
    asyncio.run(_stop_server(folder))
    shutil.rmtree(folder, ignore_errors=True)


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
        async for _ in stop(server_folder(folder, SERVER), by="the end of the demo"):
            pass


if __name__ == "__main__":
    main()
