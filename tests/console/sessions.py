"""Sessions at fixed instants, folded from facts, and the context they lie on."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import reduce
from typing import Any

from backends.domain.ab.facts import RunBegan, RunEnded, SeriesBegan, TextArrived
from backends.domain.ab.run import Run, TargetName
from backends.domain.billing.account import Account
from backends.domain.billing.ledger import Ledger, Served
from backends.domain.billing.meter import begin_meter
from backends.domain.facts import (
    Fact,
    GpusSampled,
    HostTicked,
    KvCacheSized,
    MemoryReported,
    MetricsScraped,
    PhaseBegan,
    PhaseProgressed,
)
from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.serving import Counters, Histogram
from backends.domain.session import Session, advance, watching
from backends.domain.start import PhaseName
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.shape import HourlyProfile
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all
from backends.settings.config import Endpoint, Limits, Profile, Settings, TokenPrices
from tests.backends.domain.journals import BOOT_WALL_S, at, failed, ready, spawned, with_lists

GIB = 1 << 30
DAY = date(2026, 9, 21)
"""The day of `BOOT_WALL_S`."""

SERVERLESS = Endpoint(
    "serverless",
    "http://127.0.0.1:9/v1",
    "org/model",
    prices=TokenPrices(Decimal("0.10"), Decimal("0.70"), as_of=DAY),
)
PROFILE = Profile(
    "chat",
    "org/model",
    gpu_usd_per_hour=Decimal("1.88"),
    gpu_price_as_of=DAY,
)
SETTINGS = Settings((PROFILE,), (SERVERLESS,), Limits(ttft_p99_s=1.0))
LOG = (
    "INFO 09-21 08:13:24 [api_server.py:1289] vLLM API server version 0.32.0",
    "(EngineCore pid=4242) INFO 09-21 08:13:31 [core.py:93] Initializing a V1 LLM engine",
    "(EngineCore pid=4242) WARNING 09-21 08:13:33 [model.py:88] Casting bfloat16 to float16.",
    "(EngineCore pid=4242) INFO 09-21 08:13:35 [weight_utils.py:392] Time spent: 10.0 s",
    'INFO:     127.0.0.1:51978 - "GET /health HTTP/1.1" 200 OK',
    "torch.OutOfMemoryError: CUDA out of memory.",
    "(EngineCore pid=4242) ERROR 09-21 08:13:40 [core.py:700] EngineCore failed to start.",
    "Traceback (most recent call last):",
    '  File "vllm/v1/engine/core.py", line 691, in run_engine_core',
    "RuntimeError: Engine core initialization failed. See root cause above.",
)
DESK = Context(SETTINGS)
PLAN: dict[str, Any] = {
    "hours_per_day": 10,
    "starts_per_day": 2,
    "gpu_usd_per_month": 900,
    "contract_price_as_of": DAY,
    "contract_price_source": "an offer",
    "serverless_usd_per_second": "0.0006",
    "warm_usd_per_second": "0.0003",
    "keep_warm": 1,
    "service_s": 2,
    "idle_timeout_s": 30,
    "cold_start_s": 300,
    "restart_s": 61,
    "billed_when_stopped": False,
    "provisioned_unit_usd_per_hour": 2,
    "provisioned_unit_tokens_per_s": 500,
    "owned_usd": 30_000,
    "owned_life_months": 36,
    "power_kw": "0.7",
    "usd_per_kwh": "0.15",
    "pue": "1.3",
    "storage_usd_per_month": 20,
    "ops_usd_per_month": 100,
}


def decided(
    watched: Session, settings: Settings = SETTINGS, today: date = DAY, **beside: Any
) -> Decision:
    """Return what is decided of a session, with this and that on its context."""
    return decide_all(watched, Context(settings, **beside), today)


EMPTY_LEDGER = Ledger()


def session(facts: list[Fact], until_s: float, ledger: Ledger = EMPTY_LEDGER) -> Session:
    """Return the session that watches ``chat``, rented forty seconds before the facts begin."""
    opened = watching(Session(at(90.0)), "chat", "org/model")
    meter = begin_meter("host_boot", at(50).wall_s, at(90).wall_s)
    metered = replace(opened, account=Account(at(90.0), meter, ledger))
    return reduce(advance, [*with_lists(facts), HostTicked(at(until_s))], metered)


def gpu(mono_s: float, used_gib: float | None, pid: int | None = 4242) -> GpusSampled:
    """Return a sample of one GPU on which the server is the only process."""
    used = None if used_gib is None else int(used_gib * GIB)
    reason = "" if used is not None else "the driver does not answer"
    memory = GpuMemory(80 * GIB, used, None, unified=False, source="nvml memory v2", reason=reason)
    processes = (GpuProcess(pid, "VLLM::EngineCore", used, "chat"),) if pid else ()
    one = Gpu(
        0,
        "GPU-0",
        "NVIDIA H100 80GB HBM3",
        "nvidia",
        memory,
        busy_percent=71.0,
        power_w=412.0,
        temperature_c=61.0,
        processes=processes,
    )
    return GpusSampled(at(mono_s), GpuSample((one,)))


def scrape(mono_s: float, requests: float) -> MetricsScraped:
    """Return the counters after that many requests of 80 tokens in and 220 out."""
    edges = (0.1, 0.25, 0.5, 1.0, float("inf"))
    latency = Histogram(
        edges, tuple(requests * share for share in (0.2, 0.7, 0.95, 1, 1)), requests
    )
    lengths = Histogram(
        (50.0, 100.0, 200.0, 500.0, float("inf")), (0, requests, *[requests] * 3), 0
    )
    return MetricsScraped(
        at(mono_s),
        Counters(
            process_start_s=BOOT_WALL_S + 101,
            requests_running=3.0,
            requests_waiting=1.0,
            kv_cache_usage=0.042,
            prompt_tokens=requests * 80,
            cached_prompt_tokens=requests * 20,
            generation_tokens=requests * 220,
            requests_finished=requests,
            prefix_cache_queries=requests * 80,
            prefix_cache_hits=requests * 20,
            ttft=latency,
            inter_token=latency,
            request_input_tokens=replace(lengths, sum=requests * 80),
            request_output_tokens=replace(
                lengths, counts=(0, 0, 0, requests, requests), sum=requests * 220
            ),
        ),
    )


def run(target: TargetName, index: int, ttft_s: float, **more: object) -> Run:
    """Return a run that streamed a hundred tokens a second."""
    made = Run(
        target,
        index,
        ttft_s=ttft_s,
        ttft_visible_s=ttft_s,
        itl_s=(0.01,) * 219,
        e2e_s=ttft_s + 2.19,
        input_tokens=80,
        output_tokens=220,
        finish_reason="length",
    )
    return replace(made, **more)  # type: ignore[arg-type]


def run_ab(runs: int = 6) -> list[Fact]:
    """Return a series in which the last run of the second target still streams."""
    models = ("org/model", "org/model")
    facts: list[Fact] = [
        SeriesBegan(at(320), "s", (("a", "chat"), ("b", "serverless")), runs, models)
    ]
    for index in range(runs):
        facts.append(RunBegan(at(321 + index), "a", index))
        facts.append(TextArrived(at(321.3 + index), "a", "Prefill reads all. ", False, 12))
        facts.append(RunEnded(at(321.5 + index), run("a", index, 0.200 + index / 500)))
        facts.append(RunBegan(at(321.6 + index), "b", index))
        if index + 1 < runs:
            facts.append(RunEnded(at(321.9 + index), run("b", index, 0.520 + index / 100)))
    last_s = 321.9 + runs - 1
    facts.append(TextArrived(at(last_s), "b", "The user asks ", True, None))
    facts.append(TextArrived(at(last_s + 0.2), "b", "[bold]Decode[/bold] is bound.", False, 9))
    return facts


EMPTY = session([], 95.0)
STARTING = session(
    [
        spawned(),
        PhaseBegan(at(104.0), PhaseName.CONFIGURE),
        gpu(105, 1.5),
        PhaseBegan(at(110.0), PhaseName.LOAD_WEIGHTS),
        gpu(112, 12.0),
        PhaseProgressed(at(118.0), PhaseName.LOAD_WEIGHTS, "shard", 9, 15),
        gpu(119, 41.0),
    ],
    120.0,
)
_SERVED: list[Fact] = [
    *ready()[:3],
    gpu(112, 12.0),
    PhaseBegan(at(125.0), PhaseName.COMPILE),
    gpu(126, 50.0),
    MemoryReported(at(126.0), "weights", 48.2),
    PhaseBegan(at(135.0), PhaseName.ALLOCATE_KV_CACHE),
    MemoryReported(at(136.0), "kv_cache", 20.5),
    KvCacheSized(at(136.0), 671_744, 20.5),
    gpu(140, 74.0),
    *ready()[3:],
    gpu(200, 74.0),
    scrape(200, 10),
    *(scrape(215 + 15 * step, 40 + 30 * step) for step in range(7)),
    scrape(306, 222),
]
_LEARNT = Served(
    "chat",
    profile=HourlyProfile(
        model="org/model",
        bins=tuple(
            Bin(BOOT_WALL_S - 3600.0 + 60 * minute, 60.0, 120.0, 120.0, 9_600.0, 26_400.0)
            for minute in range(30)
        ),
    ),
)
"""Half an hour of an earlier day, by the minute: fewer minutes decide nothing."""
READY = session([*_SERVED, *run_ab()], 328.0, Ledger((_LEARNT,)))
FAILED = session([*failed()[:3], gpu(112, 12.0), *failed()[3:], gpu(122, 0.4, None)], 125.0)
