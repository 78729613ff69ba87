"""Ends a server that inferctl did not start, by whatever runs it, when it was asked for by name."""

import signal
import subprocess
import time
from collections.abc import Iterator

from backends.containers.engine import EngineRefused, EngineUnavailable
from backends.domain.server import ProcessId, RuntimeKind, Server
from backends.domain.vllm_arguments import is_server
from backends.host import processes
from backends.host.processes import Process
from backends.problem import Problem
from backends.servers.external import uid_of
from backends.servers.runtimes import SUPERVISED, Placed, Runtimes, is_of_container

GRACE_S = 60
"""An engine kills after 10 s by itself; vLLM gives its GPUs' memory back within this time."""
SWALLOWED_S = 3.0
"""While vLLM starts it swallows the first SIGTERM."""
POLL_S = 0.1
OTHERS = (
    *(RuntimeKind.KUBERNETES, RuntimeKind.SLURM, RuntimeKind.RAY),
    *(RuntimeKind.CRI_O, RuntimeKind.CONTAINERD),
    *SUPERVISED,
)
"""What would start it again, or ends more than this server; their own command is theirs to give."""


def what_ends(server: Server) -> str:
    """Return whose server it is, what runs in it, and what would start it again, in a sentence."""
    runtime = server.runtime
    where = f" in {runtime.label}" if runtime.name else ""
    parts = [f"inferctl did not start {server.name}: it is {server.note or 'somebody else’s'}"]
    parts[0] += f",{where} and serves {server.model or 'a model'}"
    if runtime.policy:
        parts.append(f"{runtime.kind} starts it again when it ends by itself ({runtime.policy})")
    if runtime.ends:
        parts.append(f"what ends it for good: {runtime.ends}")
    return "; ".join(parts)


def end_external(server: Server) -> Iterator[str]:
    """End a running external server, and yield each step; nothing is removed or killed by force.

    Raises:
        Problem: it has ended, is another user's, or its runtime does not end it.
    """
    assert server.pid is not None
    try:
        process = processes.identity(server.pid)
    except ProcessLookupError as error:
        raise Problem(f"{server.name} has ended already") from error
    placed = Runtimes().of(process, uid_of(server.pid))
    kind = placed.runtime.kind
    if kind in OTHERS:
        raise Problem(f"{kind} would start it again, or ends it its own way: {placed.runtime.ends}")
    if kind is RuntimeKind.SYSTEMD:
        yield f"systemctl stop {placed.runtime.name}"
        _stop_unit(placed.runtime.name)
    elif placed.container is not None and is_of_container(placed.container, process):
        yield f"{kind} stop {placed.runtime.name}, which kills after {GRACE_S} s"
        _stop_container(placed)
    elif placed.reason and kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN):
        raise Problem(placed.reason)
    elif not is_server(processes.command_line(process.pid)):
        raise Problem(f"{server.name} is a program that runs vLLM in itself: end it by its own way")
    else:
        yield from _terminate(server, process)
    if not _gone_within(process, POLL_S * 50):
        raise Problem(f"{server.name} still runs, pid {server.pid}; look at its log")
    yield f"{server.name} has ended"


def _stop_container(placed: Placed) -> None:
    assert placed.engine is not None
    try:
        path = f"/containers/{placed.id}/stop"
        placed.engine.order(path, timeout_s=GRACE_S + 30.0, t=GRACE_S)
    except (EngineRefused, EngineUnavailable) as error:
        raise Problem(f"{placed.engine.kind} did not stop it: {error}") from error


def _stop_unit(unit: str) -> None:
    asked = ("systemctl", "stop", unit)
    try:
        done = subprocess.run(asked, check=False, capture_output=True, text=True)
    except OSError as error:
        raise Problem(f"systemctl cannot be run: {error.strerror}") from error
    if done.returncode:
        raise Problem(f"systemctl did not stop it: {done.stderr.strip()}; run it with sudo")


def _terminate(server: Server, process: ProcessId) -> Iterator[str]:
    """Signal the server itself and never what it runs in: a container may hold other work."""
    starting = server.base_url is None
    for attempt, grace_s in (
        ("SIGTERM", SWALLOWED_S if starting else GRACE_S),
        ("SIGTERM again", GRACE_S),
    ):
        yield f"{attempt} to process {process.pid}"
        try:
            processes.send(process, signal.SIGTERM, _is_vllm)
        except PermissionError as error:
            raise Problem(
                f"{server.name} is {server.note}: run inferctl as that user, or as root"
            ) from error
        if _gone_within(process, grace_s):
            return


def _is_vllm(process: Process) -> bool:
    """Tell by the process itself that it is the API server which was named."""
    return is_server(processes.command_line(process.id.pid))


def _gone_within(process: ProcessId, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while processes.is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
