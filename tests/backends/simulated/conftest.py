"""A simulated server under test: started, read, asked, and never left behind."""

import contextlib
import functools
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backends.domain.start import FailureKind

DEADLINE_S = 20.0


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a fact, and fail when it does not come."""
    give_up = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < give_up, f"never came: {what}"
        threading.Event().wait(0.005)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def has_pending_signals(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    pending = [line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:")]
    return any(int(mask, 16) for mask in pending)


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat[1]) == pid and stat[0] not in "ZX":
            found.append(int(entry.name))
    return sorted(found)


def title_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


class Program:
    """A program of this project in a session of its own, its output read as it comes."""

    def __init__(self, module: str, arguments: list[str], environment: dict[str, str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("INFERCTL_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=kept | environment,
            start_new_session=True,
            cwd=Path(__file__).parents[3],
        )
        self.arrivals: list[tuple[float, bytes]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.arrivals.append((time.monotonic(), data))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return b"".join(data for _, data in self.arrivals).decode()

    def until_said(self, text: str) -> None:
        until(lambda: text in self.output or self.process.poll() is not None, text)
        assert text in self.output, self.output

    def exit_code(self) -> int:
        return self.process.wait(DEADLINE_S)

    def all_output(self) -> str:
        """The output of all its processes, once every one of them has ended."""
        self._reader.join(DEADLINE_S)
        assert not self._reader.is_alive()
        return self.output

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


class Server(Program):
    """A simulated vLLM and its address."""

    def __init__(self, arguments: list[str], environment: dict[str, str], port: int) -> None:
        self.port = port
        words = ["serve", "openai/gpt-oss-120b", "--port", str(port), *arguments]
        super().__init__("backends.simulated.vllm", words, environment)

    def until_ready(self) -> "Server":
        self.until_said("Application startup complete.")
        return self

    @property
    def engine(self) -> int:
        (pid,) = children_of(self.pid)
        return pid

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        return ask(self.port, method, path, body, **headers)


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def events(text: str) -> list[Any]:
    """The documents of an event stream, its end included as the string it is."""
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def free_port() -> int:
    """A free port below those that the kernel hands out by itself, to nobody's connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass(frozen=True)
class Failed:
    """A start that failed: what it said and when, and how it ended."""

    began_s: float
    arrivals: list[tuple[float, bytes]]
    output: str
    exit_code: int


@pytest.fixture(scope="session")
def failed() -> Callable[[FailureKind], Failed]:
    """Let the default start fail in one way, once for all tests that look at it."""

    @functools.cache
    def fail(kind: FailureKind) -> Failed:
        controls = {"INFERCTL_SIMULATED_FAILURE": kind, "INFERCTL_SIMULATED_SPEED": "800"}
        began_s = time.monotonic()
        server = Server(["--no-such-flag", "3"], controls, free_port())
        try:
            code = server.exit_code()
            return Failed(began_s, server.arrivals, server.all_output(), code)
        finally:
            server.close()

    return fail


@pytest.fixture
def run() -> Iterator[Callable[..., Program]]:
    """Start a program; it is ended with the test."""
    running: list[Program] = []

    def start(module: str, *arguments: str, **environment: str) -> Program:
        running.append(Program(module, list(arguments), environment))
        return running[-1]

    yield start
    for program in running:
        program.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a simulated vLLM; keyword arguments are the ends of ``INFERCTL_SIMULATED_*``."""
    running: list[Server] = []

    def start(*arguments: str, port: int | None = None, key: str = "", **controls: Any) -> Server:
        controls = {"speed": 800, **controls}
        environment = {
            name if name.startswith("VLLM") else f"INFERCTL_SIMULATED_{name.upper()}": str(value)
            for name, value in controls.items()
        }
        if key:
            environment["VLLM_API_KEY"] = key
        running.append(Server(list(arguments), environment, port or free_port()))
        return running[-1]

    yield start
    for server in running:
        server.close()
