r"""What vLLM 0.8 to 0.33 says while it starts: one table, a new wording is one row.

The wordings are those of the logger calls in vLLM's own sources and of real logs of these versions.
A row is found by the first word of the message, so a line that is none of them costs one look-up.
Named groups of a pattern carry what the line tells:
    ``took``                                          seconds, by vLLM's own clock
    ``weights``, ``kv_cache``, ``cuda_graphs``, ``activation_peak``   GiB of this rank
    ``tokens``, ``concurrency``, ``blocks``, ``per_request``          the KV cache's size
    ``done``, ``total``                               items of `item`
    ``version``, ``model``, ``args``, ``config``      what is started, and how
    ``mode``, ``module``, ``clock``, ``servers``, ``compilation``   of bars, builds, see `Event`
Any other named group becomes a setting of that name.
"""

import re

from backends.domain.start import PhaseName
from backends.domain.startup.wording import Event, Wording, begins, ends, tells

CONFIGURE, INIT_DEVICES = PhaseName.CONFIGURE, PhaseName.INIT_DEVICES
DOWNLOAD, LOAD_WEIGHTS = PhaseName.DOWNLOAD, PhaseName.LOAD_WEIGHTS
COMPILE, PROFILE = PhaseName.COMPILE, PhaseName.PROFILE_MEMORY
ALLOCATE = PhaseName.ALLOCATE_KV_CACHE
WARM_UP = PhaseName.WARM_UP_KERNELS
CAPTURE = PhaseName.CAPTURE_GRAPHS
START_API = PhaseName.START_API
UNLOGGED = PhaseName.UNLOGGED

_NUMBER = r"\d{1,12}(?:\.\d{1,9})?"
_SECONDS = rf"(?P<took>{_NUMBER})"
_BAR = r".*?(?P<done>\d{1,9})/(?P<total>\d{1,9}) \["
_KV_TOKENS = (
    r"(?P<tokens>\d[\d,]{0,18}) tokens"
    rf"(?:, Maximum concurrency for [\d,]+ tokens per request: (?P<concurrency>{_NUMBER})x)?"
)
_HIT = ("compile_cache", "hit")
_MISS = ("compile_cache", "miss")

_BEFORE_THE_ENGINE = (
    tells(
        "Automatically", r"Automatically detected platform (?P<platform>\w+)", event=Event.PLATFORM
    ),
    begins(CONFIGURE, "vLLM", r"vLLM API server version (?P<version>\S+)", event=Event.BANNER),
    begins(
        CONFIGURE,
        "vLLM",
        r"vLLM server version (?P<version>[^\s,]+), serving model (?P<model>\S+)",
        event=Event.BANNER,
    ),
    begins(CONFIGURE, "version", r"[ ▀▄█]+version (?P<version>\S+)", event=Event.BANNER),
    begins(CONFIGURE, "model", r"[ ▀▄█]+model +(?P<model>\S.*)"),
    begins(CONFIGURE, "non-default", r"non-default args: (?P<args>\{.*)"),
    begins(CONFIGURE, "args:", r"args: (?P<args>Namespace\(.*)"),
    begins(CONFIGURE, "Resolved", r"Resolved architecture: (?P<architecture>\S+)"),
    begins(CONFIGURE, "This", r"This model supports multiple tasks"),
    begins(CONFIGURE, "Using", r"Using max model len (?P<model_len>\d+)", event=Event.CONFIGURED),
    tells("Chunked", r"Chunked prefill is enabled", event=Event.CONFIGURED),
    tells("Asynchronous", r"Asynchronous scheduling is enabled", event=Event.CONFIGURED),
    tells("Enforce", r"Enforce eager set", setting=("enforce_eager", "True")),
    tells("We", r"We must use the `spawn`", event=Event.SPAWNING),
)
_ENGINE = (
    begins(INIT_DEVICES, "Waiting", r"Waiting for init message from front-end"),
    begins(
        INIT_DEVICES,
        "Initializing",
        r"Initializing a V\d LLM engine \(v(?P<version>[^)]+)\) with config: (?P<config>.*)",
        event=Event.ENGINE_UP,
    ),
    tells(
        "DP",
        r"DP group leader: .*?world_size=(?P<world_size>\d{1,6}), "
        r"local_world_size=(?P<local_world_size>\d{1,6})",
    ),
    begins(INIT_DEVICES, "rank", r"rank \d+ in world size (?P<world_size>\d+) is assigned as"),
)
_WAITS = (
    tells(
        "Waiting",
        rf"Waiting for creating a placement group of specs for (?P<placement_s>{_NUMBER}) seconds"
        r"\. specs=(?P<specs>\[.*?\])",
        event=Event.WAITING,
    ),
    tells(
        "No",
        rf"No available shared memory broadcast block found in (?P<silent_s>{_NUMBER}) seconds",
        event=Event.WAITING,
    ),
    # Each rank says so as it begins to wait for the others.
    tells(
        "world_size=",
        r"world_size=\d{1,6} rank=\d{1,6} local_rank=\d{1,6} distributed_init_method=",
        event=Event.JOINING,
    ),
)
_WEIGHTS = (
    begins(LOAD_WEIGHTS, "Starting", r"Starting to load model (?P<model>.+?)\.\.\."),
    begins(LOAD_WEIGHTS, "Loading", r"Loading model from scratch"),
    ends(
        DOWNLOAD,
        LOAD_WEIGHTS,
        "Time",
        rf"Time spent downloading weights for \S+: {_SECONDS} seconds",
    ),
    tells(
        "Filesystem",
        r"Filesystem type for checkpoints: (?P<filesystem>.+?)\. "
        r"Checkpoint size: (?P<checkpoint_gib>[\d.]+) GiB\. "
        r"Available RAM: (?P<available_ram_gib>[\d.]+) GiB",
    ),
    tells(
        "Prefetching",
        r"Prefetching checkpoint files: .*\((?P<done>\d{1,9})/(?P<total>\d{1,9})\)",
        item="file",
    ),
    begins(
        LOAD_WEIGHTS,
        "Loading Multi-thread",
        rf"(?:Multi-thread loading|Loading \S+ checkpoint) shards{_BAR}",
        item="shard",
    ),
    begins(LOAD_WEIGHTS, "Loading", rf"Loading \S+ using {_BAR}", item="file"),
    ends(
        LOAD_WEIGHTS,
        LOAD_WEIGHTS,
        "Loading",
        rf"Loading weights took {_SECONDS} seconds",
        measure="weights_load_s",
    ),
    ends(
        LOAD_WEIGHTS,
        PROFILE,
        "Model Loading",
        rf"(?:Model loading|Loading model weights) took (?P<weights>-?{_NUMBER}) Gi?B"
        rf"(?: memory)?(?: and {_SECONDS} seconds)?",
    ),
)
_COMPILE = (
    begins(COMPILE, "Starting", r"Starting torch\.compile"),
    begins(COMPILE, "Warming", r"Warming up model for the compilation"),
    begins(UNLOGGED, "Warming", r"Warming up done"),
    ends(COMPILE, COMPILE, "Dynamo", rf"Dynamo bytecode transform time: {_SECONDS} s"),
    ends(COMPILE, PROFILE, "Directly", r"Directly load (?:the compiled graph|AOT)", setting=_HIT),
    tells("Cache", r"Cache the graph (?:of|for) ", setting=_MISS),
    ends(COMPILE, PROFILE, "Compiling", r"Compiling a graph for .* takes [\d.]+ s", setting=_MISS),
    ends(COMPILE, PROFILE, "saved", r"saved AOT compiled function", setting=_MISS),
    ends(
        COMPILE,
        PROFILE,
        "torch.compile",
        rf"torch\.compile took {_SECONDS} s in total",
        measure="compile_s",
    ),
    # Up to 0.17 this line comes after the profile run, so it bounds nothing.
    tells(
        "torch.compile",
        rf"torch\.compile takes {_SECONDS} s in total",
        reports=COMPILE,
        measure="compile_s",
    ),
)
_KV_CACHE = (
    ends(PROFILE, PROFILE, "Initial", rf"Initial profiling/warmup run took {_SECONDS} s"),
    ends(PROFILE, ALLOCATE, "Memory", rf"Memory profiling takes {_SECONDS} seconds"),
    tells(
        "model",
        r"model weights take [\d.]+GiB; .*activation peak memory takes "
        rf"(?P<activation_peak>{_NUMBER})GiB; the rest of the memory reserved for KV Cache is "
        rf"(?P<kv_cache>-?{_NUMBER})GiB",
    ),
    ends(
        PROFILE, ALLOCATE, "Available", rf"Available KV cache memory: (?P<kv_cache>-?{_NUMBER}) GiB"
    ),
    ends(
        PROFILE,
        ALLOCATE,
        "Initial",
        rf"Initial free memory .* reserved (?P<kv_cache>{_NUMBER}) GiB memory for KV Cache",
    ),
    begins(
        ALLOCATE,
        "Explicitly",
        rf"Explicitly set \((?P<kv_cache>{_NUMBER})/[\d.]+\) GiB for KV cache",
    ),
    # On a CPU nothing is left to warm up: what follows is the allocation itself.
    begins(ALLOCATE, "CPU", rf"CPU KV cache size: {_KV_TOKENS}"),
    ends(
        ALLOCATE,
        UNLOGGED,
        "GPU CUDA ROCM XPU TPU HPU NPU",
        rf"\S+ KV cache size: {_KV_TOKENS}",
    ),
    ends(
        ALLOCATE,
        UNLOGGED,
        "Maximum",
        r"Maximum concurrency for (?P<per_request>\d[\d,]{0,18}) tokens per request: "
        rf"(?P<concurrency>{_NUMBER})x",
    ),
    ends(ALLOCATE, UNLOGGED, "#", r"# \w+ blocks: (?P<blocks>\d{1,12})"),
    tells(
        "Free",
        r"Free memory on device.* Actual usage is .*?"
        rf"(?P<activation_peak>{_NUMBER}) GiB for peak activation",
    ),
)
_WARM_UP = (
    begins(WARM_UP, "JIT", r"JIT kernel warmup starting"),
    ends(WARM_UP, UNLOGGED, "JIT", rf"JIT kernel warmup finished in {_SECONDS}s"),
    begins(WARM_UP, "Running", r"Running FlashInfer autotune"),
    begins(WARM_UP, "Using", r"Using FlashInfer autotune cache file"),
    begins(WARM_UP, "Warming", r"Warming up FlashInfer attention"),
    begins(WARM_UP, "Compile", r"Compile and warming up model for size"),
    begins(WARM_UP, "DeepGEMM", rf"DeepGEMM warmup{_BAR}", item="kernel"),
    begins(
        WARM_UP,
        "[AutoTuner]:",
        rf"\[AutoTuner\]: Tuning (?P<mode>[^:]+(?:::[^:]+)*):{_BAR}",
        item="profile",
    ),
    begins(WARM_UP, "-", r"- .*Autotuning process starts"),
    ends(WARM_UP, UNLOGGED, "-", r"- .*Autotuning process ends"),
    ends(WARM_UP, UNLOGGED, "FlashInfer", r"FlashInfer autotune cache loaded"),
    # vLLM's workers say this when their warm-up is over, whatever it was.
    ends(WARM_UP, UNLOGGED, "Kernel", r"Kernel JIT monitor activated"),
    begins(
        CAPTURE, "Capturing", r"Capturing (?:cudagraphs for decoding|the model for CUDA graphs)"
    ),
    begins(
        CAPTURE,
        "Capturing",
        rf"Capturing \S+ ?graphs?(?: \((?:.*, )?(?P<mode>\w+)\))?{_BAR}",
        item="graph",
    ),
    ends(
        CAPTURE,
        UNLOGGED,
        "Graph",
        rf"Graph capturing finished in {_SECONDS} secs?, took (?P<cuda_graphs>-?{_NUMBER}) GiB",
        measure="cuda_graph_s",
    ),
    tells("CUDA", rf"CUDA graph pool memory: (?P<cuda_graphs>-?{_NUMBER}) GiB \(actual\)"),
    begins(
        START_API,
        "init",
        rf"init engine \(profile, create kv cache, warmup model\) took {_SECONDS} s(?:econds)?"
        rf"(?: \(compilation: (?P<compilation>{_NUMBER}) s)?",
        measure="engine_init_s",
        event=Event.ENGINE_READY,
    ),
)
_API_SERVER = (
    begins(
        START_API,
        "Starting",
        r"Starting vLLM (?:API )?server(?: \d+)? on (?P<address>\S+)",
        event=Event.SERVING_ADDRESS,
    ),
    begins(START_API, "Available", r"Available routes are", event=Event.ROUTES),
    tells("Multi-modal", rf"Multi-modal warmup completed in {_SECONDS}s", reports=START_API),
    tells("Started", r"Started (?P<servers>\d{1,4}) API server processes", event=Event.SERVERS),
    tells("Application", r"Application startup complete", event=Event.READY),
    tells("000:", r"Engine 000: Avg prompt throughput", event=Event.SERVING),
    tells("API", r"API server: shutdown triggered", event=Event.SHUTDOWN, tag="shutdown"),
    tells("Shutting", r"Shutting down(?: FastAPI HTTP server\.?)?$", event=Event.SHUTDOWN),
    tells("Cancellation", r"Cancellation requested; stopping", event=Event.SHUTDOWN),
    tells("slurmstepd:", r"slurmstepd: .* CANCELLED ", event=Event.SHUTDOWN),
    tells(
        "EngineCore", r"EngineCore (?:encountered a fatal error|failed to start)", event=Event.DIED
    ),
    tells("Engine", r"Engine core proc \S+ died unexpectedly", event=Event.DIED),
    tells("Worker", r"Worker (?:proc \S+ died unexpectedly|\S+ pid \d+ died)", event=Event.DIED),
    tells("WorkerProc", r"WorkerProc (?:failed to start|hit an exception)", event=Event.DIED),
    tells("MQLLMEngine", r"MQLLMEngine is already dead", event=Event.DIED),
    tells("MPClient:", r"MPClient: engine core exited unexpectedly", event=Event.DIED),
)
_KERNEL_BUILDS = (
    tells("start", r"start build \[(?P<module>[^\]]+)\]", event=Event.BUILD_BEGAN, tag="aiter"),
    tells(
        "finish",
        rf"finish build \[(?P<module>[^\]]+)\], cost {_SECONDS}s",
        event=Event.BUILD_ENDED,
        tag="aiter",
    ),
    tells("import", r"import \[(?P<module>[^\]]+)\]", event=Event.BUILD_ENDED, tag="aiter"),
    tells(
        "waiting",
        r"waiting for baton release at \S*/lock_(?P<module>\w+)",
        event=Event.BUILD_AWAITED,
        tag="aiter",
    ),
    tells(
        "[Aiter",
        r"\[Aiter Triton\] Pre-compiling (?P<module>[^:]+):"
        rf"{_BAR}(?P<clock>\d{{1,3}}(?::\d\d){{1,2}})",
        event=Event.BUILD_BAR,
        item="kernel",
    ),
)

TABLE: tuple[Wording, ...] = (
    *_BEFORE_THE_ENGINE,
    *_ENGINE,
    *_WAITS,
    *_WEIGHTS,
    *_COMPILE,
    *_KV_CACHE,
    *_WARM_UP,
    *_API_SERVER,
    *_KERNEL_BUILDS,
)

_ROWS: dict[str, tuple[Wording, ...]] = {}
for _row in TABLE:
    for _word in _row.words.split():
        _ROWS[_word] = (*_ROWS.get(_word, ()), _row)

WORDS = frozenset(_ROWS)
"""The first words of all lines of the table."""


def named_figure(word: str) -> str:
    """Return of a first word such as ``world_size=16`` what does not change."""
    return word[: word.find("=") + 1]


def find(word: str, tag: str, message: str) -> tuple[Wording, re.Match[str]] | None:
    """Return the row whose wording this message is, with its figures."""
    rows = _ROWS.get(word) or _ROWS.get(word.rpartition(" ")[2]) or _ROWS.get(named_figure(word))
    for row in rows or ():
        if (row.tag is None or row.tag == tag) and (found := row.pattern.match(message)):
            return row, found
    return None
