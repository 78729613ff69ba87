"""What shortens a start: flags, variables and commands, the versions that have them, their price.

The levers and their versions are those of vLLM's own documentation and sources; what was published
about their effect is named with its source and never taken for this host's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from backends.domain.start import PhaseName
from backends.domain.startup.openings import (
    Settings,
    can_sleep,
    can_sleep_on_cuda,
    compiled_uncached,
    compiles,
    is_on_gpu,
    loads_plainly,
    loads_shards_in_turn,
    on_network_disk,
    on_one_nvidia_gpu,
    profiles_memory,
    unset,
)

Version = tuple[int, int, int]

ANY: Version = (0, 8, 0)
"""The oldest version whose log is read."""


@dataclass(frozen=True, slots=True)
class Published:
    """What somebody measured elsewhere.

    Attributes:
        least_share: of the phase that is saved at least, 0 to 1.
        most_share: of the phase that is saved at most.
        source: the figure as it was published, and where.
    """

    least_share: float
    most_share: float
    source: str


@dataclass(frozen=True, slots=True)
class Lever:
    """One way to shorten a phase.

    Attributes:
        phase: what it shortens most, under which it is told.
        since: the first version that has it.
        lever: the exact flag, variable or command; ``{model}`` and others are filled in.
        effect: what it does, one clause.
        price: what it costs, one clause.
        is_open: whether a start with these settings could use it and does not.
        before: the first version that no longer has it, None where all later ones do.
        spares: the phases that fall away with it, whose seconds it saves at most.
        mark: the setting and value of a start that uses it; empty where the log does not tell.
        largest_batch: the largest batch with a graph; the time is linear in their number.
        published: what is known of it from elsewhere, None where nothing is.
    """

    phase: PhaseName
    since: Version
    lever: str
    effect: str
    price: str
    is_open: Callable[[Settings], bool] = lambda _: True
    before: Version | None = None
    spares: tuple[PhaseName, ...] = ()
    mark: tuple[str, str] | None = None
    largest_batch: int | None = None
    published: Published | None = None

    def is_used_by(self, settings: Settings) -> bool:
        """Return whether a start with these settings is known to have used it."""
        return self.mark is not None and settings.get(self.mark[0]) == self.mark[1]

    def exists_in(self, version: Version) -> bool:
        """Return whether a version of vLLM has it."""
        return self.since <= version and (self.before is None or version < self.before)


_LARGEST_GRAPH = 64
_GRAPH_SIZES = ", ".join(str(size) for size in (1, 2, 4, *range(8, _LARGEST_GRAPH + 1, 8)))
_FEWER_GRAPHS = "captures fewer graphs"
_NO_LARGE_GRAPHS = f"batches above {_LARGEST_GRAPH} run without graphs"
_WITHOUT_GRAPHS = "compiles nothing and captures no graphs"
_SLOWER_TOKENS = "slower tokens, most of all at small batches"
_STREAMED = Published(
    0.79, 0.87, "loads 4.8 to 7.5 times as fast with fastsafetensors, arXiv 2505.23072"
)

_SLEEP = Lever(
    PhaseName.LOAD_WEIGHTS,
    ANY,
    "--enable-sleep-mode",
    "POST /sleep and /wake_up take the place of a stop and a start",
    "host memory for the weights, and development endpoints without a key",
    can_sleep_on_cuda,
    published=Published(
        0.94, 0.99, "waking is 18 to 200 times as fast as loading, blog.vllm.ai 2025-10-26"
    ),
)

LEVERS = (
    Lever(
        PhaseName.DOWNLOAD,
        ANY,
        "hf download {model}",
        "with HF_HOME on a disk that outlives the machine, the next start downloads nothing",
        "the disk space of the model",
        spares=(PhaseName.DOWNLOAD,),
    ),
    Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 20, 0),
        "--safetensors-load-strategy prefetch",
        "reads the files of a network disk ahead, many at once",
        "page cache as large as the checkpoint",
        on_network_disk,
        mark=("safetensors_load_strategy", "prefetch"),
    ),
    Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 8, 5),
        "--load-format fastsafetensors",
        "reads files whole and turns them into tensors on the GPU",
        "the package fastsafetensors, and GPU memory for one file",
        loads_plainly,
        published=_STREAMED,
        mark=("load_format", "fastsafetensors"),
    ),
    Lever(
        PhaseName.LOAD_WEIGHTS,
        ANY,
        "--load-format runai_streamer",
        "reads the weights with many threads instead of one",
        "the package vllm[runai], and host memory for its buffers",
        unset("load_format", "enable_multithread_load"),
        mark=("load_format", "runai_streamer"),
    ),
    Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 11, 0),
        "--model-loader-extra-config '{\"enable_multithread_load\": true}'",
        "reads eight shards at once instead of one after the other",
        "host memory for eight shards",
        loads_shards_in_turn,
        mark=("enable_multithread_load", "True"),
    ),
    Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 31, 0),
        "vllm preload --model {model}, then --load-format ipc_cache",
        "a daemon keeps the weights on the GPU, and a restart maps them",
        "the GPU memory of the weights for as long as the daemon runs",
        loads_plainly,
        mark=("load_format", "ipc_cache"),
    ),
    _SLEEP,
    replace(_SLEEP, since=(0, 17, 0), is_open=can_sleep),  # it came to ROCm later
    Lever(
        PhaseName.COMPILE,
        ANY,
        "VLLM_CACHE_ROOT",
        "pointed to a disk that outlives the machine, the next start finds its graphs compiled",
        "some hundred megabytes for each model, version and set of flags",
        compiled_uncached,
        published=Published(
            0.55, 0.75, "graphs in 4 to 7 s cached, 14 to 26 s compiled, arXiv 2606.07362"
        ),
        mark=("compile_cache", "hit"),
    ),
    Lever(
        PhaseName.COMPILE,
        (0, 12, 0),
        "-O0",
        _WITHOUT_GRAPHS,
        _SLOWER_TOKENS,
        compiles,
        spares=(PhaseName.COMPILE, PhaseName.CAPTURE_GRAPHS),
        mark=("enforce_eager", "True"),
    ),
    Lever(
        PhaseName.COMPILE,
        ANY,
        "--enforce-eager",
        _WITHOUT_GRAPHS,
        _SLOWER_TOKENS,
        compiles,
        before=(0, 12, 0),
        spares=(PhaseName.COMPILE, PhaseName.CAPTURE_GRAPHS),
        mark=("enforce_eager", "True"),
    ),
    Lever(
        PhaseName.PROFILE_MEMORY,
        (0, 26, 0),
        "VLLM_ENABLE_STARTUP_PLAN=1",
        "keeps the sizes that were found, so that the next start profiles nothing",
        "a file in vLLM's cache folder, which must outlive the machine",
        profiles_memory,
        spares=(PhaseName.PROFILE_MEMORY,),
    ),
    Lever(
        PhaseName.PROFILE_MEMORY,
        (0, 10, 2),
        "--kv-cache-memory-bytes {kv_cache_bytes}",
        "takes this start's KV cache as given, so that nothing is profiled",
        "the figure must be measured again when the model, the flags or the GPU change",
        profiles_memory,
        spares=(PhaseName.PROFILE_MEMORY,),
    ),
    Lever(
        PhaseName.CAPTURE_GRAPHS,
        (0, 12, 0),
        f"--max-cudagraph-capture-size {_LARGEST_GRAPH}",
        _FEWER_GRAPHS,
        _NO_LARGE_GRAPHS,
        unset("max_cudagraph_capture_size", "cudagraph_capture_sizes"),
        largest_batch=_LARGEST_GRAPH,
    ),
    Lever(
        PhaseName.CAPTURE_GRAPHS,
        ANY,
        f"--compilation-config '{{\"cudagraph_capture_sizes\": [{_GRAPH_SIZES}]}}'",
        _FEWER_GRAPHS,
        _NO_LARGE_GRAPHS,
        unset("max_cudagraph_capture_size", "cudagraph_capture_sizes"),
        before=(0, 12, 0),
        largest_batch=_LARGEST_GRAPH,
    ),
    Lever(
        PhaseName.CAPTURE_GRAPHS,
        (0, 12, 0),
        "-O1",
        "captures the piecewise graphs and leaves out the full ones",
        "slower tokens at small batches",
        compiles,
    ),
    Lever(
        PhaseName.WARM_UP_KERNELS,
        (0, 22, 0),
        "VLLM_CACHE_ROOT",
        "pointed to a disk that outlives the machine, the next start finds its kernels tuned",
        "some megabytes",
        lambda settings: "$VLLM_CACHE_ROOT" not in settings,
        before=(0, 33, 0),
    ),
    Lever(
        PhaseName.WARM_UP_KERNELS,
        (0, 32, 0),
        "--no-enable-flashinfer-autotune",
        "takes the kernels' defaults instead of trying out which is fastest",
        "slower tokens where a default is not the fastest",
        lambda settings: is_on_gpu(settings) and "enable_flashinfer_autotune" not in settings,
        spares=(PhaseName.WARM_UP_KERNELS,),
        mark=("enable_flashinfer_autotune", "False"),
    ),
    Lever(
        PhaseName.JIT_BUILD,
        ANY,
        "a container image with the folder aiter/jit of site-packages kept in it",
        "AITER finds its modules built",
        "an image bound to this kind of GPU",
        lambda settings: settings.get("platform") != "cuda",
        spares=(PhaseName.JIT_BUILD,),
    ),
    Lever(
        PhaseName.SPAWN_ENGINE,
        (0, 31, 0),
        "vllm snapshot create",
        "`vllm snapshot restore` brings back a process that is already up",
        "one NVIDIA GPU, x86-64, this host and a pinned revision of the model only",
        on_one_nvidia_gpu,
    ),
)
