"""A study as a value: every sample, and what it was taken with; all figures follow from it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backends.domain.ab.series import AbSeries
from backends.domain.gpu import GpuMemory
from backends.domain.prices.cost import NO_PRICES, RequestPrices
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.domain.start import Start
from backends.domain.traffic.requests import Observed

SCHEMA = "inferctl-study/1"
"""Of the document; a change by which an older reader would misread it gets the next number."""


@dataclass(frozen=True, slots=True)
class GpuKind:
    """One GPU of the host; its memory is None where the driver does not say."""

    name: str
    vendor: str
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the server ran on; neither names of hosts nor serial numbers.

    Attributes:
        gpus_reason: why there are none; empty where there are.
        cpu: its model, empty where the kernel does not say.
        memory_bytes: of the host.
    """

    gpus: tuple[GpuKind, ...]
    gpus_reason: str
    cpu: str
    cores: int
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Versions:
    """The software; the version of vLLM stands in its starts, None where none was seen."""

    inferctl: str
    python: str
    kernel: str
    vllm: str | None = None


@dataclass(frozen=True, slots=True)
class ServerSide:
    """The server that was measured.

    Attributes:
        environment: the variables that change how vLLM starts.
        usd_per_hour: of all that it runs on; None without a price.
    """

    name: str
    model: str
    args: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    usd_per_hour: Decimal | None = None
    price_as_of: date | None = None


@dataclass(frozen=True, slots=True)
class EndpointSide:
    """The endpoint that was measured beside it."""

    name: str
    model: str
    prices: RequestPrices = NO_PRICES
    price_as_of: date | None = None
    price_source: str = ""


@dataclass(frozen=True, slots=True)
class ColdStartSample:
    """One start, and what lay ready for it.

    Attributes:
        compile_cache: ``hit`` or ``miss`` as vLLM's log says, else ``not logged``.
        weights_in_memory: share of the weights in the page cache before; None where unknown.
    """

    start: Start
    compile_cache: str
    weights_in_memory: float | None


@dataclass(frozen=True, slots=True)
class OwnTraffic:
    """The requests that the server itself has recorded, without those of tests.

    Attributes:
        source: where they were read.
    """

    seen: Observed
    cached_input_share: Decimal | None
    rate_rps: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU while the server was ready and idle: which it is, and its memory."""

    index: int
    kind: GpuKind
    memory: GpuMemory


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long one step of the study took, in seconds since 1970 UTC."""

    step: str
    began_wall_s: float
    ended_wall_s: float

    @property
    def lasted_s(self) -> float:
        """From its beginning to its end."""
        return max(0.0, self.ended_wall_s - self.began_wall_s)


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """What the study leaves open, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Study:
    """One study.

    Attributes:
        quick: fewer runs than a whole study has.
        simulated: server, endpoint and GPU are made up.
        ttft_limit_s: the SLO that the capacity is measured within, like `itl_limit_s`.
        warm: A is the server and B the endpoint, as in `lengths`.
        lengths: one series for each further length of reply, by its name.
        steps: in the order in which they ended.
    """

    schema: str
    study_id: str
    quick: bool
    simulated: bool
    began_wall_s: float
    ended_wall_s: float
    hardware: Hardware
    versions: Versions
    server: ServerSide
    endpoint: EndpointSide
    ttft_limit_s: float
    itl_limit_s: float | None
    starts: tuple[ColdStartSample, ...] = ()
    warm: AbSeries | None = None
    lengths: tuple[tuple[str, AbSeries], ...] = ()
    load: LoadReport | None = None
    idle: ColdProbeReport | None = None
    traffic: OwnTraffic | None = None
    gpus: tuple[GpuReading, ...] = ()
    steps: tuple[StepTime, ...] = ()
    not_measured: tuple[NotMeasured, ...] = ()

    @property
    def title(self) -> str:
        """What was measured, in a few words."""
        return f"{self.server.name} beside {self.endpoint.name}"
