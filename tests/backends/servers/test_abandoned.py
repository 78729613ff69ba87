import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from backends.host import processes
from backends.servers.listing import list_servers

ENGINE = "import os, sys, time; time.sleep(600)"
PROGRAM = f"""
import os, subprocess, sys, time
engine = subprocess.Popen(["VLLM::EngineCore", "-c", {ENGINE!r}], executable=sys.executable)
print(engine.pid, flush=True)
time.sleep(600)
"""


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_engine_is_abandoned_when_its_program_is_gone_and_not_before(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    engine = int(program.stdout.readline())

    def is_listed() -> bool:
        left = [each.process.pid for server in list_servers(tmp_path) for each in server.survivors]
        return engine in left

    try:
        name = "VLLM::EngineCore"
        _until(
            lambda: (
                (seen := processes.read(engine)) is not None
                and processes.display_name(seen) == name
            )
        )
        assert not is_listed()
        program.kill()
        program.wait()
        _until(is_listed)
    finally:
        program.stdout.close()
        os.kill(engine, signal.SIGKILL)
        if program.poll() is None:
            program.kill()
            program.wait()
