"""Hunts for cold hits on disk: one folder each, and the detached process that goes on with one.

A hunt is running exactly while somebody holds the lock in its folder, which the kernel gives back
however that process ended; what it has measured is in a file of its own, line by line.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import backends
from backends.domain.money.request_prices import NO_PRICES, RequestPrices
from backends.domain.streams.cold import ColdProbe, HuntPlan
from backends.prober.coldhunt import read_probes
from backends.problem import Problem
from backends.settings.paths import private_folder, replace_file
from backends.wire import UnreadableRecord, plain, typed

REPORT_S = 20.0
STOP_S = 10.0
LOOK_S = 0.05


class HuntRuns(Problem):
    """Another process goes on with this hunt; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class HuntOrder:
    """What is hunted.

    Attributes:
        reference: the endpoint as the user named it, which its key is found by; never the key.
        prices: what the endpoint charged when the hunt began.
    """

    hunt_id: str
    reference: str
    endpoint: str
    base_url: str
    model: str
    plan: HuntPlan
    began_wall_s: float
    prices: RequestPrices = NO_PRICES


class HuntFolder:
    """Where one endpoint's hunt lies, under the state folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.order = path / "order.json"
        self.probes = path / "probes.jsonl"
        self.lock = path / "hunter.lock"
        self.log = path / "hunter.log"

    def read_order(self) -> HuntOrder | None:
        """Return what is hunted, None where nothing is.

        Raises:
            Problem: the file cannot be read; the message names the remedy.
        """
        try:
            return typed(json.loads(self.order.read_bytes()), HuntOrder)
        except FileNotFoundError:
            return None
        except (ValueError, UnreadableRecord) as error:
            raise Problem(f"{self.order} cannot be read ({error}); delete {self.path}") from error

    def read_probes(self) -> list[ColdProbe]:
        """Return what was measured so far."""
        return read_probes(self.probes)

    def begin(self, order: HuntOrder) -> None:
        """Write down what is to be hunted; probes that are there are kept."""
        private_folder(self.path)
        replace_file(self.order, json.dumps(plain(order)).encode())

    def put_aside(self) -> None:
        """Let a new hunt begin at nothing; what was measured is kept under the hunt's id."""
        order = self.read_order()
        if order is not None and self.probes.exists():
            self.probes.rename(self.path / f"probes-{order.hunt_id}.jsonl")


def hunt_folder(state_folder: Path, endpoint: str) -> HuntFolder:
    """Return the folder of an endpoint's hunt, which need not exist."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", endpoint)[:40].strip(".-")
    mark = hashlib.sha256(endpoint.encode()).hexdigest()[:8]
    return HuntFolder(state_folder / "coldhunts" / f"{readable}-{mark}")


@contextmanager
def held(folder: HuntFolder) -> Iterator[None]:
    """Be the one process that goes on with a hunt.

    Raises:
        HuntRuns: another one is.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HuntRuns("this hunt is already running; --status shows it") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def hunter_pid(folder: HuntFolder) -> int | None:
    """Return the process that goes on with a hunt, None where none does."""
    try:
        descriptor = os.open(folder.lock, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(descriptor, 20, 0) or b"0") or None
    finally:
        os.close(descriptor)
    return None


def launch(folder: HuntFolder, module: str) -> None:
    """Let a detached process go on with a hunt; it outlives the terminal and this program.

    `module` takes the folder as its argument, and says in one line that it holds the hunt.

    Raises:
        HuntRuns: one is running.
        Problem: it ended before it held the hunt; the message is what it said last.
    """
    if hunter_pid(folder) is not None:
        raise HuntRuns("this hunt is already running; --status shows it")
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(log) as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(folder.path.absolute())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": str(Path(backends.__file__).parents[1])},
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout:
        if process.stdout.readline():
            process.returncode = 0  # it is not waited for: it outlives this program
            return
    process.wait(REPORT_S)
    said = folder.log.read_text(errors="replace").strip().splitlines()
    raise Problem(said[-1] if said else f"the hunt ended at once; see {folder.log}")


def stop(folder: HuntFolder) -> bool:
    """End the process that goes on with a hunt, and return whether there was one.

    Raises:
        Problem: it did not end.
    """
    pid = hunter_pid(folder)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while hunter_pid(folder) is not None:
        if time.monotonic() > until:
            raise Problem(f"the hunt, process {pid}, did not end; kill it yourself")
        time.sleep(LOOK_S)
    return True
