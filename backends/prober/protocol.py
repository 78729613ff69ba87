"""What the prober is asked to do, as values and as one line of JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from backends.domain.ab.run import SeriesMode, TargetName
from backends.domain.prices.cost import NO_PRICES, RequestPrices
from backends.domain.traffic.arrivals import Arrival


@dataclass(frozen=True, slots=True)
class Target:
    """One side of an A/B: an OpenAI-compatible endpoint and what it charges.

    Attributes:
        endpoint: the name the user knows it by.
        base_url: as OpenAI clients take it, usually ending in ``/v1``.
        api_key: sent as `auth` says; travels over stdin only and is never shown.
        prices: what it charges for a request.
        extra: further fields of the request body.
        headers: further header fields.
        query: what follows the path of every request.
        auth: ``bearer``, ``api-key``, ``none``, or the header field that carries the key.
        api: which of OpenAI's interfaces it is asked by.
        secret_values: those of `headers` that are shown nowhere.
        refused: fields that it is known not to take, so that they are not sent.
    """

    name: TargetName
    endpoint: str
    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    prices: RequestPrices = NO_PRICES
    extra: Mapping[str, object] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = ()
    auth: str = "bearer"
    api: Literal["chat", "completions", "responses"] = "chat"

    secret_values: tuple[str, ...] = field(default=(), repr=False)

    @property
    def effort(self) -> str:
        """The reasoning effort that is asked for, empty for the endpoint's own."""
        inside = self.extra.get("reasoning")
        found = inside.get("effort") if isinstance(inside, Mapping) else None
        return str(found or self.extra.get("reasoning_effort") or "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be seen nowhere: the key, and what `secret_values` has of the header."""
        return tuple(value for value in (self.api_key, *self.secret_values) if value)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request may take, in seconds, before it counts as an error.

    Attributes:
        wait_s: how long an endpoint that limits its rate or wakes up is waited for before the
            request that is measured; 0: not at all.
    """

    connect_s: float = 10.0
    ttft_s: float = 120.0
    total_s: float = 600.0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SeriesOrder:
    """One A/B: the same prompt to every target, `runs` times.

    Attributes:
        cached: leave the prompt as it is, so that prefix caches may answer; otherwise each run
            begins with a nonce of its own.
        warm_up: send one request to each target that is not counted; without it the first run finds
            the endpoint as cold as it is, and may open its connection.
        ignore_eos: ask servers that can (vLLM) to write exactly `max_tokens` tokens.
        seed: of the order within pairs and of the nonces.
    """

    series_id: str
    targets: tuple[Target, ...]
    prompt: str
    runs: int = 20
    max_tokens: int = 220
    mode: SeriesMode = "interleaved"
    cached: bool = False
    ignore_eos: bool = False
    temperature: float = 0.0
    warm_up: bool = True
    limits: Limits = Limits()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """Open-loop load on one endpoint, raised step by step until it no longer keeps its limits.

    Attributes:
        ttft_limit_s: TTFT, counted from the planned send, that 99 % of requests must keep.
        itl_limit_s: the same for a request's mean inter-token latency; None for no limit.
        first_rps: arrival rate of the first step; each next one is `growth` times as high.
        step_s: length of a step; its first third fills the server and is not counted.
        max_requests: over the whole measurement, like `max_s` and `max_usd`.
        max_concurrency: more open streams than this end the measurement.
        trace: recorded requests: the first step sends them as they came, `speed` times faster, and
            the rates after it are rates of the same mix; empty for one prompt at random instants.
        trace_s: how long the trace lasts, with the time from its last request to the next.
    """

    target: Target
    prompt: str
    max_tokens: int = 220
    ttft_limit_s: float = 1.0
    itl_limit_s: float | None = None
    first_rps: float = 1.0
    growth: float = 1.5
    step_s: float = 30.0
    max_s: float = 600.0
    max_requests: int = 5000
    max_usd: str | None = None
    max_concurrency: int = 1024
    cached: bool = False
    ignore_eos: bool = True
    limits: Limits = Limits(wait_s=120.0)
    seed: int | None = None
    trace: tuple[Arrival, ...] = ()
    trace_s: float = 0.0
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """The first line on the prober's stdin: one of the two."""

    series: SeriesOrder | None = None
    load: LoadOrder | None = None


CANCEL = b'{"cancel":true}\n'


def encode_order(order: Order) -> bytes:
    """Return an order as one line of JSON."""
    return msgspec.json.encode(order) + b"\n"


def decode_order(line: bytes) -> Order:
    """Return the order of one line.

    Raises:
        msgspec.MsgspecError: it is none; orders come from this program only.
    """
    return msgspec.json.decode(line, type=Order)
