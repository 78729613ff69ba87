"""After a start: its largest phases, and the flag that would shorten each, with its price.

The levers and the versions that have them are those of vLLM's own documentation and sources.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backends.domain.start import Outcome, PhaseName, Start

LEAST_SHARE = 0.05
LEAST_S = 2.0
"""A phase that took less than these is not worth a flag."""

Settings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Advice:
    """One lever for one phase.

    Attributes:
        share: of the whole start, 0 to 1.
        lever: the exact flag, variable or command.
        effect: what it shortens, one clause.
        price: what it costs, one clause.
    """

    phase: PhaseName
    duration_s: float
    share: float
    lever: str
    effect: str
    price: str


@dataclass(frozen=True, slots=True)
class _Lever:
    phase: PhaseName
    since: tuple[int, int, int]
    lever: str
    effect: str
    price: str
    is_open: Callable[[Settings], bool]


def _unset(*names: str) -> Callable[[Settings], bool]:
    return lambda settings: all(settings.get(name) in {None, "auto", "False"} for name in names)


def _compiles_anew(settings: Settings) -> bool:
    return settings.get("compile_cache") == "miss"


def _compiles(settings: Settings) -> bool:
    return settings.get("enforce_eager") != "True" and "optimization_level" not in settings


def _on_one_nvidia_gpu(settings: Settings) -> bool:
    return (
        settings.get("device_config") == "cuda"
        and settings.get("tensor_parallel_size", "1")
        == settings.get("pipeline_parallel_size", "1")
        == "1"
    )


def _on_network_disk(settings: Settings) -> bool:
    remote = settings.get("filesystem", "").upper() in {"NFS", "NFS4", "LUSTRE", "FUSE", "CEPH"}
    return remote and "safetensors_load_strategy" not in settings


_LEVERS = (
    _Lever(
        PhaseName.DOWNLOAD,
        (0, 8, 0),
        "hf download {model}",
        "with HF_HOME on a disk that outlives the machine, the next start downloads nothing",
        "the disk space of the model",
        lambda _: True,
    ),
    _Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 20, 0),
        "--safetensors-load-strategy prefetch",
        "reads the files of a network disk ahead, many at once",
        "page cache as large as the checkpoint",
        _on_network_disk,
    ),
    _Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 8, 0),
        "--load-format runai_streamer",
        "reads the weights with many threads instead of one",
        "the package vllm[runai], and host memory for its buffers",
        _unset("load_format"),
    ),
    _Lever(
        PhaseName.LOAD_WEIGHTS,
        (0, 8, 0),
        "--enable-sleep-mode",
        "POST /sleep and /wake_up take the place of a stop and a start",
        "host memory for the weights, and development endpoints without a key",
        _unset("enable_sleep_mode"),
    ),
    _Lever(
        PhaseName.COMPILE,
        (0, 8, 0),
        "VLLM_CACHE_ROOT",
        "pointed to a disk that outlives the machine, the next start finds its graphs compiled",
        "some hundred megabytes for each model, version and set of flags",
        _compiles_anew,
    ),
    _Lever(
        PhaseName.COMPILE,
        (0, 12, 0),
        "-O0",
        "compiles nothing and captures no graphs",
        "slower tokens, most of all at small batches",
        _compiles,
    ),
    _Lever(
        PhaseName.COMPILE,
        (0, 8, 0),
        "--enforce-eager",
        "compiles nothing and captures no graphs",
        "slower tokens, most of all at small batches",
        _compiles,
    ),
    _Lever(
        PhaseName.PROFILE_MEMORY,
        (0, 10, 2),
        "--kv-cache-memory-bytes {kv_cache_bytes}",
        "takes this start's KV cache as given, so that nothing is profiled",
        "the figure must be found anew when the model, the flags or the GPU change",
        _unset("kv_cache_memory_bytes"),
    ),
    _Lever(
        PhaseName.CAPTURE_GRAPHS,
        (0, 12, 0),
        "--max-cudagraph-capture-size 64",
        "captures fewer graphs; the time is linear in their number",
        "batches above 64 run without graphs",
        _unset("max_cudagraph_capture_size", "cudagraph_capture_sizes"),
    ),
    _Lever(
        PhaseName.CAPTURE_GRAPHS,
        (0, 8, 0),
        "--compilation-config '{\"cudagraph_capture_sizes\": [1, 2, 4, 8, 16, 32, 64]}'",
        "captures fewer graphs; the time is linear in their number",
        "batches above 64 run without graphs",
        _unset("max_cudagraph_capture_size", "cudagraph_capture_sizes"),
    ),
    _Lever(
        PhaseName.WARM_UP_KERNELS,
        (0, 22, 0),
        "VLLM_CACHE_ROOT",
        "pointed to a disk that outlives the machine, the next start finds its kernels tuned",
        "some megabytes",
        lambda _: True,
    ),
    _Lever(
        PhaseName.JIT_BUILD,
        (0, 8, 0),
        "a container image with the folder aiter/jit of site-packages kept in it",
        "AITER finds its modules built",
        "an image bound to this kind of GPU",
        lambda _: True,
    ),
    _Lever(
        PhaseName.SPAWN_ENGINE,
        (0, 31, 0),
        "vllm snapshot create",
        "`vllm snapshot restore` brings back a process that is already up",
        "one NVIDIA GPU, x86-64, this host and a pinned revision of the model only",
        _on_one_nvidia_gpu,
    ),
)


def advise(start: Start) -> tuple[Advice, ...]:
    """Return the levers for the phases that took most, the largest first, one for each.

    Only levers that this version of vLLM has and that this start did not already use; none for a
    start that did not become ready, whose version is unknown, or whose phases are all short.
    """
    version = _version(start.vllm_version)
    if start.outcome is not Outcome.READY or version is None or not start.ready_s:
        return ()
    settings = dict(start.settings)
    advice: list[Advice] = []
    for phase in sorted(start.phases, key=lambda phase: -(phase.duration_s or 0.0)):
        took_s = phase.duration_s or 0.0
        share = took_s / start.ready_s
        open_levers = [
            lever
            for lever in _LEVERS
            if lever.phase is phase.name and lever.since <= version and lever.is_open(settings)
        ]
        if open_levers and took_s >= LEAST_S and share >= LEAST_SHARE:
            text = _filled(open_levers[0].lever, start)
            if text is not None:
                first = open_levers[0]
                advice.append(Advice(phase.name, took_s, share, text, first.effect, first.price))
    return tuple(advice)


def _filled(lever: str, start: Start) -> str | None:
    if "{model}" in lever:
        return lever.format(model=start.model) if start.model else None
    if "{kv_cache_bytes}" in lever:
        per_rank = [rank.kv_cache_gib for rank in start.memory.ranks]
        gib = min((gib for gib in per_rank if gib is not None), default=0.0)
        return lever.format(kv_cache_bytes=int(gib * 2**30)) if gib > 0 else None
    return lever


def _version(text: str | None) -> tuple[int, int, int] | None:
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text or "")
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))
