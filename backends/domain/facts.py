"""The facts: frozen values that say what happened, and when.

Sources yield them, the keeper journals those about its server, `advance` folds all of them.
"""

from dataclasses import dataclass
from typing import Literal

from backends.domain.ab.facts import AbFact
from backends.domain.gpu import GpuSample
from backends.domain.server import (
    PLAIN_PROCESS,
    Exit,
    Owner,
    ProcessId,
    Runtime,
    Server,
    Survivor,
)
from backends.domain.serving import Counters, RequestErrors
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, MemoryPart, PhaseName


@dataclass(frozen=True, slots=True)
class Spawned:
    """A server was launched, by a keeper or by whatever runs it; the start begins here.

    Attributes:
        boot: the kernel's name for the boot in which it happened, empty where it was not noted.
        owner: external where the keeper only watches it.
        no_log: why its output cannot be read, and what helps; empty where it can.
        by: who ordered it; empty where that was not noted.
    """

    at: Stamp
    start_id: str
    server: str
    model: str
    argv: tuple[str, ...]
    process: ProcessId
    keeper: ProcessId
    host: str
    port: int
    boot: str = ""
    owner: Owner = Owner.MANAGED
    runtime: Runtime = PLAIN_PROCESS
    no_log: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class ContainerStarted:
    """A container that was ordered runs now, `process` being its first; until then none did."""

    at: Stamp
    container: str
    process: ProcessId


@dataclass(frozen=True, slots=True)
class StartIdentified:
    """The banner told version, model or engine settings; None and empty for what it did not."""

    at: Stamp
    vllm_version: str | None
    model: str | None
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseBegan:
    """A phase begins here, and with it the phase before ends; of one rank, where it names one."""

    at: Stamp
    phase: PhaseName
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class PhaseReported:
    """vLLM says how long something took; `measure` names it as in ``explain --json``.

    `item` is what it was of several in the phase, for example the kernel module that was built.
    """

    at: Stamp
    phase: PhaseName
    reported_s: float
    rank: int | None = None
    measure: Literal["", "weights_load_s", "compile_s", "cuda_graph_s", "engine_init_s"] = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class PhaseProgressed:
    """The running phase is at item `done` of `total`, which is None where nobody knows it."""

    at: Stamp
    phase: PhaseName
    item: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class StartWaits:
    """The log says that the start waits: `reason` says for what, how long, and what to look at."""

    at: Stamp
    reason: str


@dataclass(frozen=True, slots=True)
class DownloadSeen:
    """Files of the model are being fetched, or were: `since` to `at` is one stretch of it.

    Attributes:
        since: where this stretch began; facts of one stretch share it, the latest counts.
        fetched_bytes: what this start has fetched so far, earlier stretches included.
        total_bytes: what this start has to fetch in all, None where that is not known.
        bytes_per_s: what came a second of late.
        over: the stretch ended at `at`; until then it goes on.
    """

    at: Stamp
    since: Stamp
    fetched_bytes: int
    total_bytes: int | None
    bytes_per_s: float | None
    over: bool = False


@dataclass(frozen=True, slots=True)
class MemoryReported:
    """vLLM gave the size of one part of memory on one rank."""

    at: Stamp
    part: MemoryPart
    gib: float
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class KvCacheSized:
    """vLLM gave the KV cache in tokens, and how many requests of full length fit."""

    at: Stamp
    tokens: int
    max_concurrency: float | None


@dataclass(frozen=True, slots=True)
class FailureSeen:
    """The log, or the way it ended, told why the server failed."""

    at: Stamp
    failure: Failure


@dataclass(frozen=True, slots=True)
class BecameReady:
    """The server answers. Live: our own processes own the port and serve our model's name.

    Attributes:
        seen: it became ready at `at`; otherwise it was ready before anybody looked.
    """

    at: Stamp
    seen: bool = True


@dataclass(frozen=True, slots=True)
class FirstTokenSeen:
    """The probe got its first token: the start is over."""

    at: Stamp


@dataclass(frozen=True, slots=True)
class FirstTokenUnavailable:
    """The probe got no token; the start ends with ready, and `reason` says why."""

    at: Stamp
    reason: str


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """A ready server stopped answering, or answers again."""

    at: Stamp
    healthy: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SleepChanged:
    """A ready server fell asleep, `level` saying how deep, or is awake again at level 0."""

    at: Stamp
    level: int


@dataclass(frozen=True, slots=True)
class RequestErrorsCounted:
    """What went wrong with requests so far; a later count takes the place of this one."""

    at: Stamp
    errors: RequestErrors


@dataclass(frozen=True, slots=True)
class StopOrdered:
    """Somebody ordered the stop; `by` says who."""

    at: Stamp
    by: str
    drain_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StopProgressed:
    """A step of the stop sequence, as one short sentence."""

    at: Stamp
    step: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The server's first process ended."""

    at: Stamp
    exit: Exit


@dataclass(frozen=True, slots=True)
class SurvivorsFound:
    """These processes outlived the server; an empty list says that none is left."""

    at: Stamp
    survivors: tuple[Survivor, ...]


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """The disk refuses the server's log or journal for this reason; empty: it takes them again."""

    at: Stamp
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing of the server is left: every process ended and its memory was seen to fall."""

    at: Stamp


StartFact = (
    StartIdentified
    | PhaseBegan
    | PhaseReported
    | PhaseProgressed
    | StartWaits
    | DownloadSeen
    | MemoryReported
    | KvCacheSized
    | FailureSeen
    | BecameReady
    | FirstTokenSeen
    | FirstTokenUnavailable
    | RequestErrorsCounted
)
"""What a log, a probe or the disk tells about a start; the reader of logs yields these."""

ServerFact = (
    Spawned
    | ContainerStarted
    | StartFact
    | HealthChanged
    | SleepChanged
    | StopOrdered
    | StopProgressed
    | Exited
    | SurvivorsFound
    | RecordingChanged
    | Stopped
)
"""What a keeper journals about its server."""


@dataclass(frozen=True, slots=True)
class GpusSampled:
    """All GPUs were sampled."""

    at: Stamp
    sample: GpuSample


@dataclass(frozen=True, slots=True)
class MetricsScraped:
    """A server's ``/metrics`` was read; the watched one's where no name is given.

    Attributes:
        own: inferctl itself sent the server requests since the reading before: a test, no demand.
    """

    at: Stamp
    counters: Counters
    server: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class ServersSeen:
    """All servers of this host, ours and external, were listed."""

    at: Stamp
    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class LogRead:
    """Lines of the server's log, cleaned of colour and carriage returns.

    Attributes:
        left_out_bytes: what the log holds before the first of them and nobody has read.
    """

    at: Stamp
    lines: tuple[str, ...]
    left_out_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source cannot tell what it should.

    Attributes:
        reason: one sentence with the remedy.
        server: whose counters cannot be read; empty for what is the host's, and for the watched.
    """

    at: Stamp
    source: str
    reason: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has passed."""

    at: Stamp


@dataclass(frozen=True, slots=True)
class HostTicked:
    """Time has passed for the account of the host, whatever else happened."""

    at: Stamp


Fact = (
    ServerFact
    | AbFact
    | GpusSampled
    | MetricsScraped
    | ServersSeen
    | LogRead
    | SourceFailed
    | Ticked
    | HostTicked
)
