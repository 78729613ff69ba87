"""The values of the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from backends.domain.address import base_url, is_loopback
from backends.domain.decision.scenario import Scenario
from backends.domain.prices.cost import Tier
from backends.domain.prices.ends import PriceEnds
from backends.domain.server import RuntimeKind

LOOPBACK = "127.0.0.1"

NO_PLAN = Scenario()
"""Nothing is said of a plan."""

READ_BY_VLLM = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "VLLM_API_KEY"})
"""Keys that a vLLM reads from its environment itself: without the first two it cannot fetch a gated
model, without the last it would answer everybody."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where an API key is read from; never the key itself.

    Attributes:
        command: what prints the key, where that is its kind.
    """

    kind: Literal["env", "file", "keyring", "command"]
    where: str
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvValue:
    """The variable that holds a value; never the value itself."""

    name: str


HeaderValue = str | EnvValue
API = Literal["chat", "completions", "responses"]
"""Which of OpenAI's interfaces an endpoint is asked by."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What an endpoint needs besides its address and its key.

    Attributes:
        headers: further header fields; a secret stands in the environment.
        query: what follows the path of every request.
        extra_body: further fields of the body.
        auth: ``bearer``, ``api-key``, ``none``, or the header field that carries the key.
        provider: which providers a gateway may ask, in its own words.
    """

    headers: tuple[tuple[str, HeaderValue], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    auth: str = "bearer"
    api: API = "chat"
    reasoning_effort: str = ""
    provider: Mapping[str, Any] = field(default_factory=dict)


NO_FORM = RequestForm()
"""A key as bearer token, and nothing besides."""


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """What an endpoint charges; None is unknown, never free.

    Attributes:
        fee_percent: what a reseller adds on top of the other prices.
        tiers: token prices of long prompts.
        as_of: the day on which the prices were read, None when the user did not say.
        source: who says so; empty for the configuration itself.
        reason: why no price is known, one sentence; empty where one is or nothing was asked.
        ends: the lowest and the highest that sources name for it, where they do not agree.
    """

    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    usd_per_request: Decimal | None = None
    fee_percent: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    as_of: date | None = None
    source: str = ""
    reason: str = ""
    ends: PriceEnds | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A ``[server.NAME]`` table: one vLLM that can be started on this host.

    Attributes:
        vllm: path or name of the executable.
        args: further arguments for ``vllm serve``, without model, host, port and served name.
        gpu_usd_per_hour: what the whole host costs for each hour it is rented.
        environment: extra variables for the server, none of them secret.
        api_key_env: the variable that holds the key which the server shall ask for.
        served_name: the name that requests use for the model; None for `model` itself.
        runtime: a process of this host, a container of its own, a process in one that runs, or a
            unit of systemd.
        image: what the container is made of.
        mounts: ``HOST:CONTAINER`` paths that the container gets beside the model's.
        network: ``bridge`` publishes the port on `host`; ``host`` is the host's own network.
        container: the one that runs, for `runtime` ``exec``.
        unit: what systemd starts, for `runtime` ``systemd``; its own file has the command line.
    """

    name: str
    model: str
    vllm: str = "vllm"
    args: tuple[str, ...] = ()
    port: int = 8000
    host: str = LOOPBACK
    gpu_usd_per_hour: Decimal | None = None
    gpu_price_as_of: date | None = None
    environment: tuple[tuple[str, str], ...] = ()
    api_key_env: str | None = None
    served_name: str | None = None
    runtime: RuntimeKind = RuntimeKind.PROCESS
    image: str = ""
    mounts: tuple[str, ...] = ()
    network: Literal["bridge", "host"] = "bridge"
    container: str = ""
    unit: str = ""

    @property
    def binds_beyond_loopback(self) -> bool:
        """Whether other machines can reach the server, which nobody gets without asking for it."""
        return not is_loopback(self.host)

    @property
    def request_model(self) -> str:
        """The model name that requests carry."""
        return self.served_name or self.model

    @property
    def base_url(self) -> str:
        """Where this host reaches the server, with ``/v1``."""
        return base_url(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An ``[endpoint.NAME]`` table: an OpenAI-compatible API that a prompt can be sent to.

    Attributes:
        serves: servers or models whose requests it could take; empty for all of them.
    """

    name: str
    base_url: str
    model: str
    api_key: KeySource | None = None
    prices: TokenPrices = TokenPrices()
    form: RequestForm = NO_FORM
    serves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The latencies that a user is promised, in seconds; None for no limit."""

    ttft_p99_s: float | None = None
    itl_p99_s: float | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """How the GPU host is charged.

    Attributes:
        granularity_s: started intervals of this length are charged in full.
        min_charge_s: the shortest time that is charged.
        since: from when the bill runs: the host's boot, the server's launch, or an instant.
        gpus: how many are rented together; a profile's `gpu_usd_per_hour` is then the price of one
            of them, and without it that of the whole host.
        switching_usd: what moving the traffic elsewhere would cost, in work and in double rent.
    """

    granularity_s: int = 1
    min_charge_s: int = 0
    since: Literal["boot", "server"] | datetime = "boot"
    budget_usd_per_day: Decimal | None = None
    gpus: int | None = None
    switching_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TrafficSource:
    """Where past traffic is read from, instead of the watched server's own counters.

    Attributes:
        prometheus: address of a Prometheus server that scrapes the vLLMs, however many.
        days: how far back it is asked.
        files: paths, folders or patterns of files of requests, in any form.
        map: which of their columns is what, such as ``at=when,input=prompt``; empty for by name.
        model: whose requests count where files name models; empty for those of all.
    """

    prometheus: str | None = None
    days: int = 7
    files: tuple[str, ...] = ()
    map: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class AgentUse:
    """Whether a process of its own keeps the record of this host.

    Attributes:
        enabled: off, a console keeps it for as long as it is open.
        always: it keeps the record without a server too, from the first command that reads it.
    """

    enabled: bool = True
    always: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration.

    Attributes:
        plan: what nothing on the host measures, in the keys of a scenario; the others are unset.
        keys: rebound key bindings, as binding id and key names separated by commas.
        theme: name of a Textual theme, None for the default.
    """

    servers: tuple[Profile, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    limits: Limits = Limits()
    billing: Billing = Billing()
    traffic: TrafficSource = TrafficSource()
    agent: AgentUse = AgentUse()
    plan: Scenario = NO_PLAN
    keys: tuple[tuple[str, str], ...] = ()
    theme: str | None = None

    @property
    def key_variables(self) -> frozenset[str]:
        """The environment variables that hold API keys which no server has a use for."""
        keys = [
            each.api_key.where
            for each in self.endpoints
            if each.api_key and each.api_key.kind == "env"
        ]
        keys += [
            value.name
            for each in self.endpoints
            for _, value in each.form.headers
            if isinstance(value, EnvValue)
        ]
        return (
            frozenset((*keys, *filter(None, (each.api_key_env for each in self.servers))))
            - READ_BY_VLLM
        )

    def profile(self, name: str) -> Profile | None:
        """Return the server profile of that name, None if there is none."""
        return next((profile for profile in self.servers if profile.name == name), None)

    def endpoint(self, name: str) -> Endpoint | None:
        """Return the endpoint of that name, None if there is none."""
        return next((endpoint for endpoint in self.endpoints if endpoint.name == name), None)
