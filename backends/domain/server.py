"""The values of one server: who runs it, in which state it is, how it ended."""

from dataclasses import dataclass
from enum import StrEnum

from backends.domain.format import spoken
from backends.domain.serving import RequestErrors
from backends.domain.start import Failure, FailureKind, PhaseName


class ServerState(StrEnum):
    """What a server is doing now; unknown where nothing that can be asked from here tells."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    FAILED = "failed"
    SLEEPING = "sleeping"
    UNKNOWN = "unknown"


SERVING = frozenset({ServerState.READY, ServerState.UNHEALTHY, ServerState.SLEEPING})
"""The states in which a server has counters: an unhealthy one counts on what it serves."""


class Owner(StrEnum):
    """Who started a server."""

    MANAGED = "managed"
    EXTERNAL = "external"


class RuntimeKind(StrEnum):
    """What runs a server's processes, and may start them again."""

    PROCESS = "process"
    DOCKER = "docker"
    PODMAN = "podman"
    EXEC = "exec"
    SYSTEMD = "systemd"
    KUBERNETES = "kubernetes"
    SLURM = "slurm"
    RAY = "ray"
    CRI_O = "cri-o"
    CONTAINERD = "containerd"
    TMUX = "tmux"
    SCREEN = "screen"
    SUPERVISORD = "supervisord"
    S6 = "s6"
    RUNIT = "runit"
    PM2 = "pm2"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where a server runs.

    Attributes:
        name: of the container, unit, pod or job; empty where there is none.
        restarts: how often it was started again, None where nothing counts that.
        policy: what starts it again when it ends, in its runtime's own word; empty for nothing.
        ends: the command that ends it for good, where a signal would not; empty otherwise.
    """

    kind: RuntimeKind = RuntimeKind.PROCESS
    name: str = ""
    restarts: int | None = None
    policy: str = ""
    ends: str = ""

    @property
    def label(self) -> str:
        """Its kind and name, as in ``docker rocm``."""
        return f"{self.kind} {self.name}".rstrip()


PLAIN_PROCESS = Runtime()
"""A process of its own, which nothing starts again."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, named so that a reused pid is never mistaken for it.

    Attributes:
        started_ticks: field 22 of ``/proc/PID/stat``, clock ticks after boot.
    """

    pid: int
    started_ticks: int


@dataclass(frozen=True, slots=True)
class Survivor:
    """A process of a server that outlived it.

    Attributes:
        vram_bytes: what it holds on all GPUs, None where no driver says.
        age_s: seconds since it was started.
    """

    process: ProcessId
    name: str
    vram_bytes: int | None = None
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How the server's first process ended: an exit code or a signal, never both."""

    code: int | None
    signal: int | None


@dataclass(frozen=True, slots=True)
class Server:
    """One vLLM on this host, as ``status`` shows it.

    Attributes:
        model: the name it serves the model under, as ``/v1/models`` and requests use it.
        phase: the running phase while it starts.
        started_at: launch as seconds since 1970 UTC.
        ready_s: launch to ready in seconds.
        first_token_s: launch to first token in seconds.
        served_s: ready to the end of its first process in seconds, None before that.
        request_errors: as counted last, None before the first count.
        note: who ordered the stop, why it is unhealthy, or where somebody else runs it.
        runtime: what runs it.
        address_reason: why no address of it is known, or why that one does not answer.
        unrecorded: why the disk takes no more of its log or journal; empty where it does.
        started_by: who ordered its start through inferctl; empty where that is not known.
    """

    name: str
    owner: Owner
    state: ServerState
    pid: int | None = None
    keeper_pid: int | None = None
    port: int | None = None
    base_url: str | None = None
    model: str | None = None
    phase: PhaseName | None = None
    started_at: float | None = None
    ready_s: float | None = None
    first_token_s: float | None = None
    served_s: float | None = None
    request_errors: RequestErrors | None = None
    exit: Exit | None = None
    failure: Failure | None = None
    survivors: tuple[Survivor, ...] = ()
    note: str = ""
    runtime: Runtime = PLAIN_PROCESS
    address_reason: str = ""
    unrecorded: str = ""
    started_by: str = ""

    @property
    def lost_its_keeper(self) -> bool:
        """Whether inferctl started it, something of it lives, and no keeper does."""
        lives = self.pid is not None or bool(self.survivors)
        return self.owner is Owner.MANAGED and self.keeper_pid is None and lives

    @property
    def end_of_service(self) -> str:
        """How a server that served came to an end that nobody wanted, empty for any other."""
        return end_of_service(self.failure, self.served_s)


def end_of_service(failure: Failure | None, served_s: float | None) -> str:
    """Return in words that a server failed after it had served, empty where it did not."""
    if failure is None or served_s is None:
        return ""
    hung = failure.kind is FailureKind.ENGINE_HUNG
    return f"{'hung, ended' if hung else 'stopped unexpectedly'} after {spoken(served_s)}"
