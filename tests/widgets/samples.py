"""One view of every widget for every state worth a picture."""

from dataclasses import replace
from decimal import Decimal

from backends.domain.gpu import Gpu, GpuMemory, GpuProcess, GpuSample
from backends.domain.run import Difference, LaneSummary, Spread
from backends.domain.server import Owner, ServerState
from backends.domain.serving import Percentiles, Serving
from backends.domain.start import Failure, FailureKind, Outcome, PhaseName
from widgets.ab_panel import AbView
from widgets.cost_chart import CostChartView
from widgets.cost_panel import CostView, EndpointCost
from widgets.crossover_bar import CrossoverBar
from widgets.gpu_table import GpuTableView
from widgets.history_table import HistoryView, SeriesRecord, StartRecord
from widgets.lane_pane import LaneView, TextPiece
from widgets.memory_bars import GpuBar, MemoryPart
from widgets.options_bars import OptionBar, OptionsView
from widgets.phase_bars import PhaseRow
from widgets.run_dots import LaneRuns
from widgets.serving_panel import ServingView
from widgets.startup_panel import PreviousStarts, StartupView
from widgets.status_strip import StatusView
from widgets.verdict_line import VerdictView
from widgets.vram_panel import VramView
from widgets.welcome import WelcomeItem, WelcomeView

GIB = 1024**3

READY = StatusView(
    server="gpt-oss",
    model="openai/gpt-oss-120b",
    state=ServerState.READY,
    pid=4242,
    port=8000,
    uptime_s=3723.0,
    owner=Owner.INFERCTL,
)
STATUS = {
    "none": StatusView(),
    "ready": READY,
    "starting-simulated": replace(READY, state=ServerState.STARTING, uptime_s=41.0, simulated=True),
    "failed": replace(READY, state=ServerState.FAILED, pid=None, uptime_s=None),
    "foreign": replace(READY, state=ServerState.FOREIGN, owner=Owner.FOREIGN, server="port-8000"),
    "problems": replace(
        READY, simulated=True, problems=("NVML does not answer", "no price for serverless")
    ),
}

_PHASES = (
    PhaseRow(PhaseName.LAUNCH, 0.0, 3.1, expected_s=3.3),
    PhaseRow(PhaseName.CONFIGURE, 3.1, 4.2, expected_s=4.0),
    PhaseRow(PhaseName.SPAWN_ENGINE, 7.3, 2.2, expected_s=2.0),
    PhaseRow(PhaseName.LOAD_WEIGHTS, 9.5, 21.4, 20.9, expected_s=18.0),
    PhaseRow(PhaseName.COMPILE, 30.9, None, None, 38.0, "graph 20/51", 20 / 51),
    PhaseRow(PhaseName.CAPTURE_GRAPHS, expected_s=9.0),
    PhaseRow(PhaseName.START_API, expected_s=1.0),
)
RUNNING = StartupView(
    phases=_PHASES,
    total_s=45.2,
    eta_s=23.2,
    eta_spread_s=4.1,
    unlogged_s=0.4,
    previous=PreviousStarts(7, 61.2, 58.0, 75.0),
)
DONE = replace(
    RUNNING,
    phases=(
        *_PHASES[:4],
        replace(_PHASES[4], duration_s=36.0, item="", fraction=None),
        replace(_PHASES[5], start_s=66.9, duration_s=8.8),
        replace(_PHASES[6], start_s=75.7, duration_s=0.9),
    ),
    total_s=77.0,
    eta_s=None,
    outcome=Outcome.READY,
)
FAILED = StartupView(
    phases=(*_PHASES[:4], replace(_PHASES[4], duration_s=10.3, item="", fraction=None)),
    total_s=41.2,
    outcome=Outcome.FAILED,
    failure=Failure(
        FailureKind.KV_CACHE_TOO_SMALL,
        214,
        "ValueError: 16.0 GiB KV cache is needed, larger than the available 9.2 GiB",
        "One request of 131,072 tokens needs 16.0 GiB of KV cache, and 9.2 GiB are left.",
        "Lower --max-model-len to 75,000 or raise --gpu-memory-utilization to 0.95.",
    ),
)
STARTUP = {
    "none": StartupView(),
    "first": replace(
        RUNNING,
        phases=tuple(replace(row, expected_s=None) for row in _PHASES[:5]),
        previous=None,
        eta_s=None,
        eta_reason="first start of this model",
    ),
    "running": RUNNING,
    "ready": DONE,
    "compact": replace(DONE, compact=True),
    "failed": FAILED,
}


def gpu_bar(index: int) -> GpuBar:
    """A GPU whose memory is held by every kind of holder."""
    parts = {
        "weights": 14.9,
        "kv_cache": 50.1,
        "cuda_graphs": 1.2,
        "ours": 1.9,
        "others": 3.1,
        "reserved": 0.6,
    }
    return GpuBar(
        index,
        "NVIDIA H100 80GB HBM3",
        int(79.6 * GIB),
        int(71.2 * GIB),
        tuple(MemoryPart(kind, int(size * GIB)) for kind, size in parts.items()),  # type: ignore[arg-type]
        busy_percent=97.0,
        power_w=651.0,
        temperature_c=61.0,
        source="nvml memory v2",
    )


_RISE = tuple((float(t), int(min(71.2, max(0.5, (t - 10) * 2)) * GIB)) for t in range(46))
VRAM = {
    "none": VramView(reason="NVML is not installed on this host"),
    "unknown": VramView((GpuBar(0, "NVIDIA GB10", reason="the driver gives no memory figures"),)),
    "one": VramView((gpu_bar(0),), "", _RISE, 0.0, 78.0, int(79.6 * GIB)),
    "eight": VramView(
        tuple(gpu_bar(index) for index in range(8)),
        "",
        tuple((t, 8 * used) for t, used in _RISE),
        0.0,
        78.0,
        int(8 * 79.6 * GIB),
    ),
}

_A_S = tuple(0.150 + 0.004 * ((7 * at) % 20) for at in range(20))
_B_S = tuple(0.240 + 0.008 * ((11 * at) % 20) for at in range(20))


def spread(values: tuple[float, ...]) -> Spread:
    """The quartiles by position, good enough for a picture."""
    row = sorted(values)
    at = len(row) // 4
    return Spread(row[2 * at], row[at], row[3 * at], row[0], row[-1])


_TEXT = (
    TextPiece("The user asks about caches; answer briefly.\n", reasoning=True),
    TextPiece(
        "A key-value cache keeps what was already read, so each new token costs one step. "
        "日本語のテキストも幅を守る。 It grows with [b]context[/b].\x1b[31m"
    ),
)
STREAMING = LaneView(
    lane="a",
    endpoint="gpt-oss",
    model="openai/gpt-oss-120b",
    state="streaming",
    text=_TEXT,
    ttft_s=0.182,
    tokens_per_s=88.2,
    tokens=412,
    run=7,
    runs=20,
    summary=LaneSummary(20, 0, spread(_A_S), Spread(88.0, 85.0, 91.0, 80.0, 95.0), None),
)
WAITING = LaneView(
    lane="b",
    endpoint="serverless",
    model="gpt-oss-120b",
    state="waiting",
    waited_s=0.21,
    run=7,
    runs=20,
    summary=LaneSummary(19, 1, spread(_B_S), Spread(61.0, 58.0, 64.0, 40.0, 70.0), None),
)
LANE = {
    "idle": LaneView(endpoint="gpt-oss"),
    "waiting": WAITING,
    "streaming": STREAMING,
    "done": replace(STREAMING, state="done", tokens=None),
    "error": replace(
        WAITING, state="error", error="429 Too Many Requests: limit of 10 a minute reached"
    ),
}

COMPARED = AbView(
    lanes=(STREAMING, WAITING),
    runs=(LaneRuns("a", _A_S, spread(_A_S)), LaneRuns("b", _B_S, spread(_B_S))),
    difference=Difference(0.128, (0.101, 0.152), 0.0001, "a_faster", 0.02),
    done=27,
    planned=40,
    eta_s=31.0,
    running=True,
)
AB = {
    "none": AbView(),
    "compared": COMPARED,
    "too-close": replace(
        COMPARED,
        difference=Difference(0.003, (-0.012, 0.018), 0.6, "too_close", 0.022),
        running=False,
        done=40,
    ),
    "not-comparable": replace(
        COMPARED, not_comparable=("the lanes serve different models", "lane b hit its prefix cache")
    ),
    "few-runs": replace(COMPARED, runs=(), difference=None, done=1),
    "four": replace(
        COMPARED,
        lanes=(
            STREAMING,
            WAITING,
            replace(STREAMING, lane="c", endpoint="other-gpu"),
            replace(LANE["error"], lane="d", endpoint="third"),
        ),
        runs=(
            *COMPARED.runs,
            LaneRuns("c", _A_S[:9], spread(_A_S[:9])),
            LaneRuns("d"),
        ),
    ),
}

METER = CostView(
    spent_usd=Decimal("12.34"),
    usd_per_hour=Decimal("1.88"),
    serving_usd=Decimal("8.00"),
    idle_usd=Decimal("3.94"),
    starting_usd=Decimal("0.40"),
    priced_on="2026-11-01",
    elsewhere=(
        EndpointCost("serverless", Decimal("3.21")),
        EndpointCost("second/gpt-oss-120b", Decimal("14.00")),
        EndpointCost("third", None, "no price set"),
    ),
    tokens="1.2M in, 340k out",
    crossover=CrossoverBar(2.1, 4.2, (3.6, 4.9), 12.5),
)
COST = {
    "unknown": CostView(reason="no price for this GPU: inferctl prices set"),
    "meter": METER,
    "near": replace(METER, budget="near", budget_usd=Decimal(15)),
    "over-stale": replace(
        METER, budget="over", budget_usd=Decimal(12), stale=True, stale_reason="120 days old"
    ),
    "no-capacity": replace(
        METER,
        crossover=CrossoverBar(2.1, 4.2, (3.6, 4.9), capacity_reason="not measured: inferctl load"),
    ),
    "impossible": replace(METER, crossover=CrossoverBar(2.1, 14.2, (13.6, 14.9), 12.5)),
}

_SENTENCE = "At 2.1 req/s the GPU costs $1.88/h and the endpoint $0.94/h."
VERDICT = {
    "none": VerdictView(sentence="no price for the endpoint"),
    "self-host": VerdictView(
        "self_host", "SELF-HOST CHEAPER", _SENTENCE, "API wins below 4.2 req/s"
    ),
    "api": VerdictView("api", "API CHEAPER", _SENTENCE, "GPU wins above 4.2 req/s"),
    "hybrid": VerdictView("hybrid", "HYBRID CHEAPER (2)", _SENTENCE, "third GPU above 54 req/s"),
    "too-close": VerdictView("too_close", "TOO CLOSE", _SENTENCE, "decided outside 3.6 to 4.9"),
    "impossible": VerdictView("impossible", "NO CROSSOVER", _SENTENCE, "capacity of 14.2 req/s"),
}

_COURSE = tuple(1000.0 + 40 * ((7 * at) % 17) for at in range(90))
SERVING = {
    "none": ServingView(reason="/metrics does not answer"),
    "busy": ServingView(
        Serving(
            5.0,
            12,
            3,
            4.2,
            8123.0,
            1204.4,
            0.62,
            0.41,
            Percentiles(0.182, 0.31, 1.24),
            Percentiles(0.0083, 0.0121, 0.031),
        ),
        "",
        (*_COURSE[:70], None, None, *_COURSE[72:]),
        tuple(7 * value for value in _COURSE),
    ),
    "first-scrape": ServingView(
        Serving(
            None,
            2,
            0,
            None,
            None,
            None,
            0.02,
            None,
            Percentiles(None, None, None),
            Percentiles(None, None, None),
        )
    ),
}

CHART = {
    "none": CostChartView(reason="no price for the endpoint"),
    "crossing": CostChartView(
        self_hosted=(
            (0.0, Decimal("1.88")),
            (12.5, Decimal("1.88")),
            (12.5, Decimal("3.76")),
            (20.0, Decimal("3.76")),
        ),
        serverless=((0.0, Decimal(0)), (20.0, Decimal("8.95"))),
        now_rps=2.1,
        break_even_rps=4.2,
        break_even_interval_rps=(3.6, 4.9),
        capacity_rps=12.5,
    ),
}
OPTIONS = {
    "none": OptionsView(),
    "ranked": OptionsView(
        (
            OptionBar("serverless", Decimal("320.10")),
            OptionBar("hybrid, 1 GPU", Decimal(900), 1),
            OptionBar("self-host on demand", Decimal("1372.40"), 1, current=True),
            OptionBar("reserved", None, 1),
            OptionBar(
                "scale to zero",
                Decimal(200),
                None,
                "p99 TTFT over the limit: 51 % of requests meet a cold start",
            ),
        )
    ),
}

WELCOME = {
    "looking": WelcomeView(looking=True),
    "found": WelcomeView(
        (
            WelcomeItem("server", "8000", "port 8000 openai/gpt-oss-120b", "pid 4242, foreign"),
            WelcomeItem("model", "openai/gpt-oss-120b", "openai/gpt-oss-120b", "60.8 GiB"),
            WelcomeItem("model", "org/tiny", "org/tiny", "0.1 GiB"),
            WelcomeItem("vllm", "/opt/vllm/bin/vllm", "/opt/vllm/bin/vllm", "0.32.0"),
            WelcomeItem("demo", "demo", "demo", "everything simulated"),
        ),
        (("gpu", "no GPU: NVML is not installed"),),
    ),
}

_H100 = "NVIDIA H100 80GB HBM3"
GPUS = {
    "none": GpuTableView(GpuSample((), "no GPU: NVML is not installed")),
    "two": GpuTableView(
        GpuSample(
            (
                Gpu(
                    0,
                    "GPU-1",
                    _H100,
                    "nvidia",
                    GpuMemory(
                        int(79.6 * GIB), int(71.2 * GIB), int(0.6 * GIB), False, "nvml memory v2"
                    ),
                    97.0,
                    651.0,
                    61.0,
                    (
                        GpuProcess(4242, "VLLM::EngineCore", 68 * GIB, "gpt-oss"),
                        GpuProcess(99, "python train.py", 3 * GIB, "other"),
                        GpuProcess(7, "Xorg", None),
                    ),
                ),
                Gpu(
                    1,
                    "GPU-2",
                    _H100,
                    "nvidia",
                    GpuMemory(None, None, None, False, "nvml", "GPU is lost"),
                    processes_reason="GPU is lost",
                ),
            )
        )
    ),
}
HISTORY = {
    "none": HistoryView(),
    "mixed": HistoryView(
        (
            StartRecord(
                "s1",
                "2026-11-21 09:14",
                "gpt-oss",
                "openai/gpt-oss-120b",
                "0.32.0",
                Outcome.READY,
                61.2,
                PhaseName.LOAD_WEIGHTS,
                21.4,
            ),
            StartRecord("s2", "2026-11-20 18:02", "gpt-oss", outcome=Outcome.FAILED),
        ),
        (
            SeriesRecord(
                "x1", "2026-11-21 09:20", ("gpt-oss", "serverless"), 40, "A FASTER", (0.182, 0.31)
            ),
        ),
    ),
}
LOG = (
    "(APIServer pid=1) INFO 11-21 09:00:00 [api_server.py:1] vLLM API server version 0.32.0",
    "(EngineCore pid=2) WARNING 11-21 09:00:01 [config.py:2] Using default sampling parameters",
    "Loading safetensors checkpoint shards: 60% 9/15 \x1b[31mred\x1b[0m [b]no markup[/b]",
    "(EngineCore pid=2) ERROR 11-21 09:00:02 [core.py:3] EngineCore failed to start."
    + " more" * 20,
)
