"""The values of an A/B: one request to a target, the summary of its runs, the difference of two."""

from dataclasses import dataclass
from typing import Literal

from backends.domain.ab.server_times import ServerTimes

TargetName = Literal["a", "b", "c", "d"]
Clock = Literal["kernel", "user"]
SeriesMode = Literal["interleaved", "simultaneous"]
Priority = Literal["real-time", "nice", "normal"]

CANCELLED = "cancelled by user"
"""How the error of a run begins that its user gave up; the endpoint is not to blame for it."""


@dataclass(frozen=True, slots=True)
class Connect:
    """What it took to open the connection of a run, in seconds; None for what did not happen."""

    dns_s: float | None
    tcp_s: float | None
    tls_s: float | None
    reused: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One request in one target.

    Attributes:
        ttft_s: send of the last request byte to the first chunk with a generated token.
        ttft_visible_s: the same to the first text that a reader sees (content, not reasoning).
        itl_s: inter-token latencies in order, one for each token after the first chunk's.
        e2e_s: send to the last chunk with a token.
        input_tokens: as the endpoint's own usage says, like `output_tokens`, never counted here.
        rtt_s: round trip of this very connection, to the edge where a proxy stands between.
        planned_to_sent_s: how late the client itself was.
        cost_usd: decimal digits, None when the endpoint has no price.
        provider_cost_usd: what the endpoint itself says that this request cost, None where it does
            not; beside `cost_usd`, which is ours.
        answered_model: which one answered, by the word of the endpoint.
        answered_provider: the one behind a gateway, where that names it.
        server_times: what the endpoint reports of its own times.
        not_sent: fields of the request that the endpoint refused, so that they were left out.
        waits: how often the endpoint asked to come back later before this request.
        waited_s: how long all of that took, which is part of no other figure.
        waited_for: a rate limit, an endpoint that woke up, or one that could not be reached.
        cold_s: from the first refused request of an endpoint that woke up to the first token.
        flags: what makes the run doubtful, for example ``client_limited``, ``no_usage``.
        error: one line; None for a run that succeeded.
    """

    target: TargetName
    index: int
    ttft_s: float | None = None
    ttft_visible_s: float | None = None
    itl_s: tuple[float, ...] = ()
    e2e_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str | None = None
    connect: Connect | None = None
    rtt_s: float | None = None
    planned_to_sent_s: float | None = None
    cost_usd: str | None = None
    flags: tuple[str, ...] = ()
    error: str | None = None
    clock: Clock = "user"
    text: str = ""
    provider_cost_usd: str | None = None
    answered_model: str | None = None
    answered_provider: str | None = None
    server_times: ServerTimes | None = None
    not_sent: tuple[str, ...] = ()
    waits: int = 0
    waited_s: float = 0.0
    waited_for: Literal["", "limited", "cold", "unavailable"] = ""
    cold_s: float | None = None

    @property
    def cancelled(self) -> bool:
        """Whether its user gave it up."""
        return self.error is not None and self.error.startswith(CANCELLED)


@dataclass(frozen=True, slots=True)
class Spread:
    """Order statistics of the runs of one target.

    Attributes:
        p95: None below 60 runs, which cannot tell it.
        p99: None below 300 runs.
    """

    median: float
    p25: float
    p75: float
    min: float
    max: float
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class TargetSummary:
    """What the runs of one target say together; None where no run gave the figure.

    Attributes:
        n: all runs, those that failed among them.
        output_tokens_per_s: from the first chunk to the last: how fast text streams once it began.
        itl_s: of each run's median inter-token latency.
    """

    n: int
    errors: int
    ttft_s: Spread | None
    output_tokens_per_s: Spread | None
    e2e_s: Spread | None
    itl_s: Spread | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How target b differs from target a in one figure.

    Attributes:
        shift: Hodges-Lehmann estimate of b minus a, in the figure's unit.
        ci95: its 95 % interval.
        verdict: which target is better; for tokens per second the larger is the faster.
        smallest_detectable: the smallest difference, in the figure's unit, that this many runs
            would have found four times out of five.
        more_runs: how many more runs a target would settle it; None when settled or not to be told.
    """

    shift: float
    ci95: tuple[float, float]
    p_value: float
    verdict: Literal["a_faster", "b_faster", "too_close"]
    smallest_detectable: float | None
    more_runs: int | None = None


@dataclass(frozen=True, slots=True)
class ClientAudit:
    """What the measuring process says of itself over one series; None where it cannot tell.

    Attributes:
        cpu_percent: of one core, over the whole series.
        limited: the client may have disturbed what it measured; `reasons` say how.
        stamp_lag_p99_s: how long after the kernel took a segment the client read it.
        planned_to_sent_max_s: how late a request was sent at most.
        coalesced_segments: segments that were read together with the one before.
        limited_runs: runs that are marked ``client_limited``.
        priority: what the host's scheduler permitted the measuring process.
        warm_ups: the one discarded request of each target, with the cost of a cold connection.
    """

    cpu_percent: float | None
    limited: bool
    reasons: tuple[str, ...] = ()
    stamp_lag_p99_s: float | None = None
    planned_to_sent_max_s: float | None = None
    coalesced_segments: int | None = None
    limited_runs: int = 0
    priority: Priority = "normal"
    warm_ups: tuple[Run, ...] = ()
