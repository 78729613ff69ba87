"""The facts: frozen values that say what happened, and when.

Sources yield them, the keeper journals those about its server, `advance` folds all of them.
"""

from dataclasses import dataclass
from typing import Literal

from backends.domain.gpu import GpuSample
from backends.domain.run import ClientAudit, LaneName, Run, SeriesMode
from backends.domain.server import Exit, ProcessId, Server, Survivor
from backends.domain.serving import Counters
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, MemoryPart, PhaseName


@dataclass(frozen=True, slots=True)
class Spawned:
    """A keeper has launched its server; the start begins here."""

    at: Stamp
    start_id: str
    server: str
    model: str
    argv: tuple[str, ...]
    process: ProcessId
    keeper: ProcessId
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class StartIdentified:
    """The banner told version, model or engine settings; None and empty for what it did not."""

    at: Stamp
    vllm_version: str | None
    model: str | None
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseBegan:
    """A phase begins here, and with it the phase before ends."""

    at: Stamp
    phase: PhaseName


@dataclass(frozen=True, slots=True)
class PhaseReported:
    """vLLM says how long something took; `measure` names it as in ``explain --json``."""

    at: Stamp
    phase: PhaseName
    reported_s: float
    rank: int | None = None
    measure: Literal["", "weights_load_s", "compile_s", "cuda_graph_s", "engine_init_s"] = ""


@dataclass(frozen=True, slots=True)
class PhaseProgressed:
    """The running phase is at item `done` of `total` (bytes where `item` is ``bytes``)."""

    at: Stamp
    phase: PhaseName
    item: str
    done: int
    total: int | None


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
    """The server answers. Live: our own processes own the port and serve our model's name."""

    at: Stamp


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
class Stopped:
    """Nothing of the server is left: every process ended and its memory was seen to fall."""

    at: Stamp


StartFact = (
    StartIdentified
    | PhaseBegan
    | PhaseReported
    | PhaseProgressed
    | MemoryReported
    | KvCacheSized
    | FailureSeen
    | BecameReady
    | FirstTokenSeen
    | FirstTokenUnavailable
)
"""What a log or a probe tells about a start; the reader of logs yields these."""

ServerFact = (
    Spawned
    | StartFact
    | HealthChanged
    | StopOrdered
    | StopProgressed
    | Exited
    | SurvivorsFound
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
    """The server's ``/metrics`` was read."""

    at: Stamp
    counters: Counters


@dataclass(frozen=True, slots=True)
class ServersSeen:
    """All servers of this host, ours and foreign, were listed."""

    at: Stamp
    servers: tuple[Server, ...]


@dataclass(frozen=True, slots=True)
class LogRead:
    """Lines of the server's log, cleaned of colour and carriage returns."""

    at: Stamp
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeriesBegan:
    """An A/B begins: the endpoint of each lane, and how many runs each will have.

    Attributes:
        models: the model of each lane, in the order of `lanes`.
        prompt_sha256: of the prompt as the user gave it, without the nonce of a run.
    """

    at: Stamp
    series_id: str
    lanes: tuple[tuple[LaneName, str], ...]
    runs: int
    models: tuple[str, ...] = ()
    prompt_sha256: str = ""
    order: SeriesMode = "interleaved"


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A request was sent in a lane."""

    at: Stamp
    lane: LaneName
    index: int


@dataclass(frozen=True, slots=True)
class TextArrived:
    """Text of a running request; `tokens` are all tokens so far, None where usage is not sent."""

    at: Stamp
    lane: LaneName
    text: str
    reasoning: bool
    tokens: int | None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over, with its figures or its error."""

    at: Stamp
    run: Run


@dataclass(frozen=True, slots=True)
class SeriesEnded:
    """An A/B is over; `reason` is empty unless it was cut short."""

    at: Stamp
    series_id: str
    reason: str = ""
    client: ClientAudit | None = None


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source cannot tell what it should; `reason` is one sentence with the remedy."""

    at: Stamp
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has passed."""

    at: Stamp


AbFact = SeriesBegan | RunBegan | TextArrived | RunEnded | SeriesEnded
"""What the prober tells about an A/B."""

Fact = (
    ServerFact
    | AbFact
    | GpusSampled
    | MetricsScraped
    | ServersSeen
    | LogRead
    | SourceFailed
    | Ticked
)
