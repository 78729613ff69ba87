"""The values of one start: its phases, its memory and why it failed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from backends.domain.serving import RequestErrors


class PhaseName(StrEnum):
    """The stretches of a start, in the order in which vLLM goes through them."""

    LAUNCH = "launch"
    CONFIGURE = "configure"
    SPAWN_ENGINE = "spawn_engine"
    INIT_DEVICES = "init_devices"
    DOWNLOAD = "download"
    LOAD_WEIGHTS = "load_weights"
    COMPILE = "compile"
    PROFILE_MEMORY = "profile_memory"
    ALLOCATE_KV_CACHE = "allocate_kv_cache"
    WARM_UP_KERNELS = "warm_up_kernels"
    CAPTURE_GRAPHS = "capture_graphs"
    START_API = "start_api"
    FIRST_TOKEN = "first_token"
    JIT_BUILD = "jit_build"
    UNLOGGED = "unlogged"


PHASE_TITLES = {
    PhaseName.LAUNCH: "launch",
    PhaseName.CONFIGURE: "configure",
    PhaseName.SPAWN_ENGINE: "spawn engine",
    PhaseName.INIT_DEVICES: "init devices",
    PhaseName.DOWNLOAD: "download",
    PhaseName.LOAD_WEIGHTS: "load weights",
    PhaseName.COMPILE: "compile",
    PhaseName.PROFILE_MEMORY: "profile memory",
    PhaseName.ALLOCATE_KV_CACHE: "allocate KV cache",
    PhaseName.WARM_UP_KERNELS: "warm up kernels",
    PhaseName.CAPTURE_GRAPHS: "capture graphs",
    PhaseName.START_API: "start API",
    PhaseName.FIRST_TOKEN: "first token",
    PhaseName.JIT_BUILD: "JIT build",
    PhaseName.UNLOGGED: "unlogged",
}
"""What people read for each."""


class FailureKind(StrEnum):
    """Why a start failed or a server died."""

    PORT_IN_USE = "port_in_use"
    BAD_ARGUMENT = "bad_argument"
    FREE_MEMORY_BELOW_TARGET = "free_memory_below_target"
    KV_CACHE_TOO_SMALL = "kv_cache_too_small"
    NO_KV_CACHE_MEMORY = "no_kv_cache_memory"
    GPU_OUT_OF_MEMORY = "gpu_out_of_memory"
    HOST_OUT_OF_MEMORY = "host_out_of_memory"
    GATED_MODEL = "gated_model"
    MODEL_NOT_FOUND = "model_not_found"
    DOWNLOAD_FAILED = "download_failed"
    NO_NETWORK = "no_network"
    UNSUPPORTED_ARCHITECTURE = "unsupported_architecture"
    MAX_MODEL_LEN_TOO_LARGE = "max_model_len_too_large"
    INVALID_BATCH_LIMITS = "invalid_batch_limits"
    NO_DEVICE = "no_device"
    DRIVER_MISMATCH = "driver_mismatch"
    INVALID_PARALLELISM = "invalid_parallelism"
    UNSUPPORTED_DTYPE = "unsupported_dtype"
    BAD_CHECKPOINT = "bad_checkpoint"
    STARTUP_TIMEOUT = "startup_timeout"
    DISK_FULL = "disk_full"
    DEPENDENCY_ERROR = "dependency_error"
    NO_KERNEL = "no_kernel"
    COMMUNICATION_FAILED = "communication_failed"
    RANK_MISSING = "rank_missing"
    GPU_FAULT = "gpu_fault"
    BUILD_TOOLS = "build_tools"
    CHECKPOINT_MISMATCH = "checkpoint_mismatch"
    SHARED_MEMORY_FULL = "shared_memory_full"
    NATIVE_CRASH = "native_crash"
    HOST_LIMIT = "host_limit"
    PERMISSION_DENIED = "permission_denied"
    DEVICE_BUSY = "device_busy"
    ENGINE_HUNG = "engine_hung"
    INTERNAL_ERROR = "internal_error"
    ENGINE_DIED = "engine_died"
    KILLED = "killed"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a start ended, or that it has not."""

    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a start failed: the root line, where it stands, and what to do about it.

    Attributes:
        line_number: 1-based place of `line` in the log, None when no line tells it.
        line: the root line as vLLM wrote it, without prefix and colour.
        cause: one sentence in plain words, with the figures of the line.
        remedy: one sentence that names the exact flag, command or file.
    """

    kind: FailureKind
    line_number: int | None
    line: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class RankPhase:
    """One rank's share of a phase of a server that has several.

    Attributes:
        start_s: seconds from launch to its beginning on this rank, None where unknown.
        duration_s: our own measurement on this rank, None while it runs or where unknown.
        reported_s: what this rank itself says it took, None when it says nothing.
    """

    rank: int
    start_s: float | None = None
    duration_s: float | None = None
    reported_s: float | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """One named stretch of a start.

    Attributes:
        start_s: seconds from launch to its beginning.
        duration_s: our own measurement, of the whole server; None while it runs.
        reported_s: what vLLM itself says it took (the slowest rank), None when it says nothing.
        rank: the slowest of several ranks, None where there are no several.
        detail: what else was seen, as name and value: ``("shard", "15")``; of a download
            ``bytes``, ``total_bytes`` where it is known, and ``bytes_per_s`` over the whole of it;
            of kernel builds ``builds``, ``modules`` and ``waits``.
        ranks: each rank's share, by rank; empty where there is one rank only.
    """

    name: PhaseName
    start_s: float
    duration_s: float | None
    reported_s: float | None = None
    rank: int | None = None
    detail: tuple[tuple[str, str], ...] = ()
    ranks: tuple[RankPhase, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the running phase is: ``shard 9/15``, ``graph 20/51``, or ``bytes`` fetched.

    Attributes:
        per_s: items or bytes a second over the last seconds, None where unknown.
    """

    phase: PhaseName
    item: str
    done: int
    total: int | None
    per_s: float | None = None


@dataclass(frozen=True, slots=True)
class RankMemory:
    """The parts of memory that one rank reported, in GiB; None where it said nothing."""

    rank: int
    weights_gib: float | None = None
    kv_cache_gib: float | None = None
    cuda_graphs_gib: float | None = None
    activation_peak_gib: float | None = None


@dataclass(frozen=True, slots=True)
class StartMemory:
    """The parts of memory of one GPU as vLLM's log gives them (the largest rank), in GiB."""

    weights_gib: float | None = None
    kv_cache_gib: float | None = None
    kv_cache_tokens: int | None = None
    max_concurrency: float | None = None
    cuda_graphs_gib: float | None = None
    activation_peak_gib: float | None = None
    ranks: tuple[RankMemory, ...] = ()


MemoryPart = Literal["weights", "kv_cache", "cuda_graphs", "activation_peak"]


@dataclass(frozen=True, slots=True)
class Start:
    """One launch of a server, from spawn to first token.

    Attributes:
        total_s: launch to first token; to ready where no first token was seen; to the end of what
            was seen for a start that failed or is incomplete. None before anything was seen.
        ready_s: launch to the server answering, None if it never did.
        phases: in order; they and `unlogged_s` tile `total_s`.
        settings: what the banner said of the engine, for example ``("tensor_parallel_size", "8")``.
        standing: how far a start got that its log leaves unfinished, and what it waits for.
        served_s: ready to the failure that ended the server; None where none did.
        request_errors: what went wrong with requests, as counted last; None where nobody counted.
    """

    start_id: str
    vllm_version: str | None = None
    model: str | None = None
    outcome: Outcome = Outcome.INCOMPLETE
    total_s: float | None = None
    ready_s: float | None = None
    first_token_s: float | None = None
    phases: tuple[Phase, ...] = ()
    unlogged_s: float = 0.0
    progress: Progress | None = None
    weights_load_s: float | None = None
    compile_s: float | None = None
    cuda_graph_s: float | None = None
    engine_init_s: float | None = None
    memory: StartMemory = StartMemory()
    failure: Failure | None = None
    settings: tuple[tuple[str, str], ...] = ()
    standing: str | None = None
    served_s: float | None = None
    request_errors: RequestErrors | None = None
