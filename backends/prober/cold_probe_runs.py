"""Cold-start probes on disk: one folder each, and the detached process that runs one.

A probe is running exactly while a process holds the lock in its folder, which the kernel releases
however that process ended; each answer is one line of a file in the folder.
"""

import fcntl
import hashlib
import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.domain.ab.cold import ColdProbe, ColdProbePlan
from backends.domain.prices.cost import NO_PRICES, RequestPrices
from backends.host import processes, spawn
from backends.host.files import replace_file
from backends.host.processes import Process
from backends.prober.cold_probe import read_probes
from backends.problem import Problem
from backends.settings.paths import private_folder
from backends.wire import UnreadableRecord, plain, read_json, typed

REPORT_S = 20.0
STOP_S = 10.0
LEAVING_S = 1.0
"""How long the lock may stay held by a process that has ended meanwhile."""
LOOK_S = 0.05

FOLDERS = "cold_probes"
EARLIER_FOLDERS, EARLIER_LOCK = "coldhunts", "hunter.lock"
"""Where version 0.1.0 of November 2026 kept its probes, and the file that its process locked."""


class ColdProbeRuns(Problem):
    """Another process runs this probe; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class ColdProbeOrder:
    """What is probed, as it is stored.

    Attributes:
        reference: the endpoint as the user named it, which its key is found by; never the key.
        prices: what the endpoint charged when the cold-start probe began.
    """

    probe_id: str
    reference: str
    endpoint: str
    base_url: str
    model: str
    plan: ColdProbePlan
    began_wall_s: float
    prices: RequestPrices = NO_PRICES


class ColdProbeFolder:
    """The files of one endpoint's cold-start probe, in a folder under the state folder."""

    def __init__(self, path: Path, lock: str = "worker.lock") -> None:
        self.path = path
        self.order = path / "order.json"
        self.probes = path / "probes.jsonl"
        self.lock = path / lock
        self.log = path / "worker.log"
        self.end = path / "ended.txt"

    def read_order(self) -> ColdProbeOrder | None:
        """Return what is probed, None where nothing is.

        Raises:
            Problem: the file cannot be read; the message names the remedy.
        """
        try:
            return typed(_renamed(read_json(self.order.read_bytes())), ColdProbeOrder)
        except FileNotFoundError:
            return None
        except (ValueError, UnreadableRecord) as error:
            raise Problem(f"{self.order} cannot be read ({error}); delete {self.path}") from error

    def read_probes(self) -> list[ColdProbe]:
        """Return what was measured so far."""
        return read_probes(self.probes)

    def begin(self, order: ColdProbeOrder) -> None:
        """Write down what is to be probed; probes that are there are kept."""
        private_folder(self.path)
        self.end.unlink(missing_ok=True)
        replace_file(self.order, json.dumps(plain(order)).encode())

    def write_end(self, reason: str) -> None:
        """Write down why it ended before every pause was measured."""
        replace_file(self.end, reason.encode())

    def read_end(self) -> str:
        """Return why it ended before every pause was measured, empty where it did not."""
        try:
            return self.end.read_text()
        except FileNotFoundError:
            return ""

    def put_aside(self) -> None:
        """Let a new probe begin at nothing; what was measured is kept under the old one's id."""
        order = self.read_order()
        if order is not None and self.probes.exists():
            self.probes.rename(self.path / f"probes-{order.probe_id}.jsonl")


def cold_probe_folder(state_folder: Path, endpoint: str) -> ColdProbeFolder:
    """Return the folder of an endpoint's cold-start probe, which need not exist.

    One that an earlier version began is moved to where this one keeps them, but not while its
    process still writes there.
    """
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", endpoint)[:40].strip(".-")
    mark = hashlib.sha256(endpoint.encode()).hexdigest()[:8]
    folder = state_folder / FOLDERS / f"{readable}-{mark}"
    earlier = ColdProbeFolder(state_folder / EARLIER_FOLDERS / folder.name, EARLIER_LOCK)
    if earlier.order.exists() and not folder.exists():
        if worker_pid(earlier) is not None:
            return earlier
        private_folder(folder.parent)
        with suppress(FileNotFoundError):  # another inferctl was quicker
            earlier.path.rename(folder)
    return ColdProbeFolder(folder)


def _renamed(order: Any) -> Any:
    """Return an order's plain data by the names of today, as an earlier version had others."""
    if not isinstance(order, dict) or "hunt_id" not in order:
        return order
    prices = {key: order[key] for key in ("input_usd_per_mtok", "output_usd_per_mtok")}
    return {**order, "probe_id": order["hunt_id"], "prices": prices}


@contextmanager
def held(folder: ColdProbeFolder) -> Iterator[None]:
    """Be the one process that runs a cold-start probe.

    Raises:
        ColdProbeRuns: another one is.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ColdProbeRuns(
                "this cold-start probe is already running; --status shows it"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def worker_pid(folder: ColdProbeFolder) -> int | None:
    """Return the process that runs a cold-start probe, None where none does."""
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


def launch(folder: ColdProbeFolder, module: str) -> None:
    """Let a detached process run a probe; it outlives the terminal and this program.

    `module` takes the folder as its argument, and prints one line once it holds the probe.

    Raises:
        ColdProbeRuns: one is running.
        Problem: it ended before it held the probe, and the message is its last line; or it did not
            print that it holds it within `REPORT_S`, and was ended.
    """
    if worker_pid(folder) is not None:
        raise ColdProbeRuns("this cold-start probe is already running; --status shows it")
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(log) as errors:
        process = subprocess.Popen(
            spawn.command(module, str(folder.path.absolute())),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=spawn.environment(resolves_keys=True),
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout:
        ready, _, _ = select.select([process.stdout], [], [], REPORT_S)
        if ready and os.read(process.stdout.fileno(), 1):
            process.returncode = 0  # it is not waited for: it outlives this program
            return
    if not (ready and _ended(process)):
        processes.send_to_child(process.pid, signal.SIGKILL)
        process.wait()
        raise Problem(
            f"the cold-start probe did not begin within {REPORT_S:.0f} s; see {folder.log}"
        )
    said = folder.log.read_text(errors="replace").strip().splitlines()
    raise Problem(said[-1] if said else f"the cold-start probe ended at once; see {folder.log}")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether a process ends by itself; one that has closed its output is about to."""
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def stop(folder: ColdProbeFolder) -> bool:
    """End the process that runs a cold-start probe, and return whether there was one.

    Raises:
        Problem: it did not end, or the process named in the lock's file is another one.
    """
    pid = worker_pid(folder)
    if pid is None:
        return False
    found = processes.read(pid)
    sent = found is not None and processes.send(
        found.id, signal.SIGTERM, lambda one: _runs(one, folder)
    )
    until = time.monotonic() + (STOP_S if sent else LEAVING_S)
    while worker_pid(folder) is not None:
        if time.monotonic() > until:
            what = "did not end" if sent else "is not known to run it, and was not ended"
            raise Problem(
                f"this cold-start probe runs, and process {pid} {what}; see {folder.lock}"
            )
        time.sleep(LOOK_S)
    return True


def _runs(process: Process, folder: ColdProbeFolder) -> bool:
    """Tell by its command line whether a process runs the probe of this folder."""
    *_, flag, _, place = ("", "", "", *processes.command_line(process.id.pid))
    return flag == "-m" and Path(place).resolve() == folder.path.resolve()
