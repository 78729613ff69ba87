"""Views of the panels about one server and its A/B, one for every state worth a picture."""

from dataclasses import replace

from backends.domain.ab.live import TextPiece
from backends.domain.ab.run import Difference, Spread, TargetSummary
from backends.domain.server import Owner, ServerState
from backends.domain.serving import Bucket, Latency, Serving
from backends.domain.start import Failure, FailureKind, Outcome, PhaseName
from backends.domain.startup.lessons import Advice, Expected, Saving, Slower
from widgets.ab_panel import AbView, Comparison
from widgets.memory_bars import GpuBar, MemoryPart
from widgets.phase_bar import PhaseRow, RankRow
from widgets.phase_bars import MemoryTimeline
from widgets.run_dots import TargetRuns
from widgets.serving_panel import ServingView
from widgets.startup_panel import Eta, PreviousStarts, StartupView
from widgets.status_strip import StatusView
from widgets.target_pane import TargetView
from widgets.vram_panel import VramView

GIB = 1024**3

READY = StatusView(
    server="gpt-oss",
    model="openai/gpt-oss-120b",
    state=ServerState.READY,
    pid=4242,
    port=8000,
    uptime_s=3723.0,
    owner=Owner.MANAGED,
)
STATUS = {
    "none": StatusView(looked=True),
    "looking": StatusView(),
    "ready": READY,
    "starting-simulated": replace(READY, state=ServerState.STARTING, uptime_s=41.0, simulated=True),
    "failed": replace(READY, state=ServerState.FAILED, pid=None, uptime_s=None),
    "external": replace(READY, state=ServerState.READY, owner=Owner.EXTERNAL, server="port-8000"),
    "problems": replace(
        READY, simulated=True, problems=("NVML does not answer", "no price for serverless")
    ),
}

_PHASES = (
    PhaseRow(PhaseName.LAUNCH, 0.0, 3.1, expected_s=3.3),
    PhaseRow(PhaseName.CONFIGURE, 3.1, 4.2, expected_s=4.0),
    PhaseRow(PhaseName.SPAWN_ENGINE, 7.3, 2.2, expected_s=2.0),
    PhaseRow(
        PhaseName.LOAD_WEIGHTS, 9.5, 21.4, 20.9, expected_s=18.0, expected_between_s=(16.5, 23.0)
    ),
    PhaseRow(PhaseName.COMPILE, 30.9, None, None, 38.0, "graph 20/51", 20 / 51),
    PhaseRow(PhaseName.CAPTURE_GRAPHS, expected_s=9.0),
    PhaseRow(PhaseName.START_API, expected_s=1.0),
)
RUNNING = StartupView(
    phases=_PHASES,
    total_s=45.2,
    eta=Eta(23.2, 19.1, 27.4, 7),
    unlogged_s=0.4,
    previous=PreviousStarts(7, 61.2, 58.0, 75.0),
    memory=MemoryTimeline(
        tuple((float(t), int(min(71.2, max(0.5, (t - 10) * 2)) * GIB)) for t in range(46)),
        int(79.6 * GIB),
    ),
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
    ready_s=76.1,
    first_token_s=77.0,
    eta=None,
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
TAUGHT = replace(
    DONE,
    slower=(Slower(PhaseName.COMPILE, 36.0, Expected(12.0, 9.0, 14.0, 8)),),
    levers=(
        Advice(
            PhaseName.COMPILE,
            36.0,
            0.47,
            "-O0",
            "compiles nothing and captures no graphs",
            "slower tokens, most of all at small batches",
            Saving(0.0, 44.8, "what it took in this start"),
        ),
        Advice(
            PhaseName.LOAD_WEIGHTS,
            21.4,
            0.28,
            "--load-format fastsafetensors",
            "reads files whole and turns them into tensors on the GPU",
            "the package fastsafetensors, and GPU memory for one file",
            Saving(16.9, 18.6, "published: loads 4.8 to 7.5 times as fast", published=True),
        ),
        Advice(
            PhaseName.LOAD_WEIGHTS,
            21.4,
            0.28,
            "--enable-sleep-mode",
            "POST /sleep and /wake_up take the place of a stop and a start",
            "host memory for the weights, and development endpoints without a key",
        ),
    ),
)
RANKS = replace(
    RUNNING,
    phases=(
        *_PHASES[:3],
        replace(
            _PHASES[3],
            ranks=tuple(
                RankRow(rank, took_s, 9.5) for rank, took_s in enumerate((14.2, 15.0, 14.1, 21.4))
            ),
        ),
        *_PHASES[4:],
    ),
)
DOWNLOADING = replace(
    RUNNING,
    phases=(
        *_PHASES[:3],
        PhaseRow(
            PhaseName.DOWNLOAD, 9.5, item="12.4/68.0 GB 0.41 GB/s 2:15 left", fraction=12.4 / 68.0
        ),
    ),
    eta=None,
    eta_reason="first start of this model on this host",
    previous=None,
)
STARTUP = {
    "none": StartupView(),
    "first": replace(
        RUNNING,
        phases=tuple(replace(row, expected_s=None) for row in _PHASES[:5]),
        previous=None,
        eta=None,
        eta_reason="first start of this model on this host",
    ),
    "running": RUNNING,
    "ready": DONE,
    "compact": replace(DONE, compact=True),
    "one-before": replace(
        RUNNING, eta=Eta(23.2, 23.2, 23.2, 1), previous=PreviousStarts(1, 61.2, 61.2, 61.2)
    ),
    "overdue": replace(RUNNING, eta=Eta(9.0, 8.0, 11.0, 3, "compile")),
    "lessons": TAUGHT,
    "compact-lessons": replace(TAUGHT, compact=True),
    "ranks": RANKS,
    "downloading": DOWNLOADING,
    "failed": FAILED,
}


def gpu_bar(index: int) -> GpuBar:
    """A GPU whose memory is held by every kind of holder."""
    parts = {
        "weights": 14.9,
        "kv_cache": 50.1,
        "cuda_graphs": 1.2,
        "other_ours": 1.9,
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
STREAMING = TargetView(
    target="a",
    endpoint="gpt-oss",
    model="openai/gpt-oss-120b",
    state="streaming",
    text=_TEXT,
    ttft_s=0.182,
    tokens_per_s=88.2,
    tokens=412,
    run=7,
    runs=20,
    summary=TargetSummary(20, 0, spread(_A_S), Spread(88.0, 85.0, 91.0, 80.0, 95.0), None),
)
WAITING = TargetView(
    target="b",
    endpoint="serverless",
    model="gpt-oss-120b",
    state="waiting",
    waited_s=0.21,
    run=7,
    runs=20,
    summary=TargetSummary(19, 1, spread(_B_S), Spread(61.0, 58.0, 64.0, 40.0, 70.0), None),
)
TARGET = {
    "idle": TargetView(endpoint="gpt-oss"),
    "waiting": WAITING,
    "streaming": STREAMING,
    "done": replace(STREAMING, state="done", tokens=None),
    "error": replace(
        WAITING, state="error", error="429 Too Many Requests: limit of 10 a minute reached"
    ),
}

COMPARED = AbView(
    targets=(STREAMING, WAITING),
    runs=(TargetRuns("a", _A_S, spread(_A_S)), TargetRuns("b", _B_S, spread(_B_S))),
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
        COMPARED,
        not_comparable=("the targets serve different models", "target b hit its prefix cache"),
    ),
    "few-runs": replace(COMPARED, runs=(), difference=None, done=1),
    "four": replace(
        COMPARED,
        targets=(
            STREAMING,
            WAITING,
            replace(STREAMING, target="c", endpoint="other-gpu"),
            replace(TARGET["error"], target="d", endpoint="third"),
        ),
        runs=(
            *COMPARED.runs,
            TargetRuns("c", _A_S[:9], spread(_A_S[:9])),
            TargetRuns("d"),
        ),
    ),
}

_PAST = tuple(
    replace(
        target,
        when="2026-11-20 14:02",
        spent=spent,
        state="done",
        run=None,
        input_tokens=812,
        tokens=220,
    )
    for target, spent in ((STREAMING, ""), (WAITING, "$0.0042"))
)
_PAST_RUNS = (
    TargetRuns("a", _B_S, spread(_B_S), past=True),
    TargetRuns("b", _A_S, spread(_A_S), past=True),
)
AB |= {
    "impossible": AbView(reason="needs two targets: start the server, or add [endpoint.NAME]"),
    "priced": replace(
        COMPARED,
        targets=(
            replace(STREAMING, spent="by the hour", state="done", input_tokens=812),
            replace(WAITING, spent="UNPRICED"),
        ),
    ),
    "beside": replace(
        COMPARED,
        past=_PAST,
        runs=(*COMPARED.runs, *_PAST_RUNS),
        comparisons=(
            Comparison(
                "A",
                "A′ of 2026-11-20 14:02",
                Difference(-0.128, (-0.152, -0.101), 0.0001, "b_faster", 0.02),
            ),
            Comparison("B", "B′ of 2026-11-20 14:02", why_not="the prompt differed then"),
        ),
    ),
    "recorded": AbView(
        past=_PAST,
        runs=_PAST_RUNS,
        comparisons=(
            Comparison("B′", "A′", Difference(0.128, (0.101, 0.152), 0.0001, "a_faster", 0.02)),
        ),
        notes=("asked in random order within each round: the same prompt, max_tokens 220",) * 2,
    ),
}

_COURSE = tuple(1000.0 + 40 * ((7 * at) % 17) for at in range(90))
SERVING = {
    "none": ServingView(reason="/metrics does not answer"),
    "busy": ServingView(
        Serving(
            60.0,
            12,
            3,
            4.2,
            8123.0,
            1204.4,
            0.62,
            0.41,
            Latency(252, 0.282, Bucket(0.1, 0.25), Bucket(0.25, 0.5), Bucket(0.75, 1.0)),
            Latency(72_264, 0.0083, Bucket(0.0, 0.01), Bucket(0.01, 0.025), Bucket(80.0, None)),
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
            Latency(),
            Latency(),
        )
    ),
}


def idle_for(window_s: float) -> ServingView:
    """Return the rates of a server that nobody sent anything to, over a window of this length."""
    still = Serving(window_s, 0, 0, 0.0, 0.0, 0.0, 0.0, None, Latency(0), Latency(0))
    return ServingView(still)
