"""What the console's tests stand on: a machine of their own, a vLLM of somebody else, waiting."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from textual.pilot import Pilot

from backends.domain.server import Owner, Server
from backends.operations.host import Host
from backends.servers.listing import list_servers
from backends.settings.config import Settings
from backends.simulated.gpus import SimulatedGpus

ROOT = Path(__file__).parents[2]

DEADLINE_S = 30.0


def free_port() -> int:
    """Return a port that nobody has now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def host_in(folder: Path, settings: Settings | None = None) -> Host:
    """Return a machine with all its files in a folder, and the GPUs of the simulated vLLMs."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    return Host(
        settings=settings or Settings(),
        state_folder=state,
        history_file=state / "history.sqlite",
        open_gpus=lambda: SimulatedGpus(folder / "gpu.json"),
    )


@contextmanager
def somebody_elses_vllm(
    folder: Path, *arguments: str, within: tuple[str, ...] = ()
) -> Iterator[tuple[int, int]]:
    """Run a simulated ``vllm serve`` that inferctl did not start; give its pid and port.

    `within` is the program that it is run by, whose pid is given then.
    """
    script = folder / "vllm"
    script.write_text("from backends.simulated.vllm import main\n\nmain()\n")
    port = free_port()
    process = subprocess.Popen(
        [
            *(*within, sys.executable, str(script), "serve", "org/theirs"),
            *("--port", str(port), *arguments),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "INFERCTL_SIMULATED_SPEED": "200",
            "INFERCTL_SIMULATED_GPU": str(folder / "gpu.json"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid, port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def listed(state_folder: Path, pid: int) -> Server | None:
    """Return the external server with this pid once it listens; other tests have theirs."""
    found = (one for one in list_servers(state_folder) if one.pid == pid)
    return next((one for one in found if one.owner is Owner.EXTERNAL and one.base_url), None)


async def serving(state_folder: Path, pid: int) -> Server:
    """Wait until a external server listens, and return it."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        server = await asyncio.to_thread(listed, state_folder, pid)
        if server is not None:
            return server
    raise AssertionError(f"{pid} did not come to serve")


async def until(pilot: Pilot[str], condition: Callable[[], object]) -> None:
    """Let the app run until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        await pilot.pause(0.02)
