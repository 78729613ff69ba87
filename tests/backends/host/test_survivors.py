"""Ending what outlived a server: asked first, and killed where it does not listen."""

import os
import signal
import subprocess
import sys

from backends.host import processes
from backends.host.processes import Process
from backends.host.survivors import end, survivor

STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
"""


def is_child(process: Process) -> bool:
    return processes.descends_from(process, os.getpid())


def test_what_ignores_sigterm_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        assert stubborn.stdout.readline() == b"ready\n"
        found = processes.read(stubborn.pid)
        assert found is not None
        try:
            assert end([survivor(found)], is_child, term_grace_s=0.2) == ()
            assert stubborn.wait(5) == -signal.SIGKILL
        finally:
            stubborn.kill()
