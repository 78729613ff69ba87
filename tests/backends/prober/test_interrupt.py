"""Ctrl+C goes to the whole group of the terminal: the prober leaves it to whoever started it."""

import signal
import subprocess
from pathlib import Path

from backends.host import spawn
from tests.backends.keeper.conftest import eventually


def ignored(pid: int) -> int:
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigIgn:")
    ]
    return int(line.split()[1], 16)


async def test_the_prober_ignores_the_interrupt_of_the_terminal() -> None:
    with subprocess.Popen(  # noqa: ASYNC220
        spawn.command("backends.prober"), stdin=subprocess.PIPE, env=spawn.environment()
    ) as prober:
        try:
            await eventually(lambda: bool(ignored(prober.pid) >> (signal.SIGINT - 1) & 1))
        finally:
            prober.kill()
