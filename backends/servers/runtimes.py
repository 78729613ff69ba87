"""What runs each external server: its container, unit, pod or job, by its engine's own answer."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from backends.containers.container import OURS, Container, ended_containers, inspect, reached_at
from backends.containers.ending import failure_of
from backends.containers.engine import Engine, EngineUnavailable, engines
from backends.domain.server import PLAIN_PROCESS, ProcessId, Runtime, RuntimeKind
from backends.domain.values import whole
from backends.host import processes
from backends.host.container import Place, place_of
from backends.http1 import NoAnswer

SYSTEMCTL_S = 2.0
RECENT_S = 86_400.0
"""A container that failed longer ago than this is no news."""
SUPERVISED = {
    RuntimeKind.SUPERVISORD: "supervisorctl stop",
    RuntimeKind.PM2: "pm2 stop",
    RuntimeKind.S6: "s6-svc -d",
    RuntimeKind.RUNIT: "sv down",
}
"""What has a supervisor end a program for good; a signal alone makes it start another."""

_DEPLOYMENT = re.compile(r"(.+)-[0-9a-f]{8,10}-[a-z0-9]{5}")
_STATEFUL_SET = re.compile(r"(.+)-\d+")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one server runs.

    Attributes:
        id: of its container, empty where it is in none.
        engine: whose container it is, None where it is in none or its engine cannot be asked.
        reason: why its engine cannot be asked, with what helps; empty where it can.
    """

    runtime: Runtime = PLAIN_PROCESS
    id: str = ""
    engine: Engine | None = None
    container: Container | None = None
    reason: str = ""

    def reached_at(self, port: int) -> tuple[str, int]:
        """Return host and port that reach a port of the server's own network.

        Raises:
            NoAnswer: nothing does; the message says why.
        """
        if self.engine is not None and self.container is not None:
            try:
                return reached_at(self.engine, self.container, port)
            except EngineUnavailable as error:
                raise NoAnswer(str(error)) from error
        if self.reason:
            raise NoAnswer(self.reason)
        name = self.runtime.label if self.runtime.name else "it"
        raise NoAnswer(f"{name} has a network of its own; forward a port to it")


class Runtimes:
    """What runs servers, as it stands while they are listed once; each container is read once."""

    def __init__(self) -> None:
        self._placed: dict[str, Placed] = {}

    def of(self, process: ProcessId, uid: int | None) -> Placed:
        """Return where a process of this user runs."""
        place = place_of(process.pid)
        if place.kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN):
            if place.id not in self._placed:
                self._placed[place.id] = in_container(place, uid)
            return self._placed[place.id]
        if place.kind is RuntimeKind.SYSTEMD:
            return Placed(unit_runtime(place.name, process))
        return Placed(_unasked(place), place.id)


def in_container(place: Place, uid: int | None = None) -> Placed:
    """Return what the engines that may know a container say of it."""
    reason = ""
    for engine in engines(place.kind, uid):
        try:
            container = inspect(engine, place.id)
        except EngineUnavailable as error:
            reason = reason or str(error)
            continue
        if container is not None:
            return Placed(runtime_of(engine, container), place.id, engine, container)
    reason = reason or f"no {place.kind} that this user may ask knows container {place.name}"
    return Placed(Runtime(place.kind, place.name), place.id, reason=reason)


def runtime_of(engine: Engine, container: Container) -> Runtime:
    """Return the runtime of what runs in a container."""
    return Runtime(
        engine.kind,
        container.name,
        container.restarts,
        container.policy if container.comes_back else "",
        container.how_to_end(engine.kind),
    )


def is_of_container(container: Container, process: ProcessId) -> bool:
    """Tell whether a process is a container's first one or descends from it.

    What was started inside by hand is neither, and the container may hold other work.
    """
    found = processes.read(process.pid)
    below = found is not None and processes.descends_from(found, container.pid)
    return container.pid == process.pid or below


def failed_containers() -> Iterator[tuple[Engine, Container]]:
    """Yield the containers of a vLLM that ended by themselves within `RECENT_S`, or never began.

    What inferctl started has its own folder, and an engine that this user may not ask has nothing
    to say here.
    """
    for kind in (RuntimeKind.DOCKER, RuntimeKind.PODMAN):
        for engine in engines(kind):
            with contextlib.suppress(EngineUnavailable):
                for one in ended_containers(engine, "vllm"):
                    recent = time.time() - max(one.ended_wall_s, one.started_wall_s) < RECENT_S
                    if OURS not in one.labels and recent and failure_of(one, kind):
                        yield engine, one


@lru_cache(maxsize=64)
def unit_runtime(unit: str, process: ProcessId) -> Runtime:
    """Return the runtime of a systemd unit; it is asked once for each main process."""
    del process  # a restart of the unit is another process
    asked = ("systemctl", "show", unit, "--property=Restart,NRestarts")
    try:
        shown = subprocess.run(
            asked, check=False, capture_output=True, text=True, timeout=SYSTEMCTL_S
        )
        lines = shown.stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):  # no systemd here, or one that hangs
        lines = []
    values = dict(line.partition("=")[::2] for line in lines)
    count, policy = values.get("NRestarts", ""), values.get("Restart", "")
    return Runtime(
        RuntimeKind.SYSTEMD,
        unit,
        whole(count),
        policy if policy != "no" else "",
        f"sudo systemctl stop {unit}",
    )


def _unasked(place: Place) -> Runtime:
    match place.kind:
        case RuntimeKind.KUBERNETES:
            return Runtime(place.kind, place.name, None, "Always", _scaled_to_zero(place.name))
        case RuntimeKind.SLURM:
            return Runtime(place.kind, place.name, ends=f"scancel {place.name}")
        case RuntimeKind.CRI_O | RuntimeKind.CONTAINERD:
            return Runtime(place.kind, place.name, ends=f"crictl stop {place.name}")
        case RuntimeKind.SUPERVISORD | RuntimeKind.PM2 | RuntimeKind.S6 | RuntimeKind.RUNIT:
            ends = f"{SUPERVISED[place.kind]} {place.name or 'NAME'}"
            return Runtime(place.kind, place.name, None, "autorestart", ends)
        case _:
            return Runtime(place.kind, place.name)


def _scaled_to_zero(pod: str) -> str:
    """Return what keeps Kubernetes from starting a pod again, as its name shows what owns it."""
    for pattern, owner in ((_DEPLOYMENT, "deployment"), (_STATEFUL_SET, "statefulset")):
        if found := pattern.fullmatch(pod):
            return f"kubectl scale {owner} {found[1]} --replicas=0"
    return f"kubectl delete pod {pod}"
