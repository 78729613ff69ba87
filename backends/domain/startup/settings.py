"""What the banner and the engine's first line say of how a server is configured."""

import re

DECISIVE = frozenset(
    {
        "dtype",
        "quantization",
        "load_format",
        "enable_multithread_load",
        "enforce_eager",
        "optimization_level",
        "max_model_len",
        "max_num_seqs",
        "max_num_batched_tokens",
        "gpu_memory_utilization",
        "kv_cache_dtype",
        "kv_cache_memory_bytes",
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
        "cudagraph_capture_sizes",
        "max_cudagraph_capture_size",
    }
)
"""What makes one start comparable to another."""

KEPT = DECISIVE | {
    "device_config",
    "enable_flashinfer_autotune",
    "enable_sleep_mode",
    "max_seq_len",
    "model",
    "port",
    "safetensors_load_strategy",
}
"""The settings that explain a start; no other is kept, so no key and no path of a user is."""

_DICT_ITEM = re.compile(r"'(\w+)': ('[^']*'|\[[^\]]*\]|[^,{}\[\]()]+)")
_CALL_ITEM = re.compile(r"\b(\w+)=('[^']*'|\[[^\]]*\]|[^,()\[\]{}\s]+)")
_EARLY_WORKER = re.compile(r"VllmWorker-(\d{1,6})")
_PARALLEL = re.compile(r"(DP|PP|TP)(\d{1,6})")


def settings_of(args: str, config: str) -> dict[str, str]:
    """Return the kept settings of the ``args`` banner and of the engine's ``config`` line.

    The first mention of a name counts, so that of nested settings do not; unset ones are left out.
    """
    found: dict[str, str] = {}
    items = _CALL_ITEM if args.startswith("Namespace(") else _DICT_ITEM
    for text, pattern in ((args, items), (config, _CALL_ITEM)):
        for name, value in pattern.findall(text):
            if name in KEPT and name not in found and value not in {"None", "''", "[]"}:
                found[name] = value.strip().strip("'").removeprefix("torch.")
    return found


def global_rank(process: str, settings: dict[str, str]) -> int | None:
    """Return the rank over all of a server's GPUs that a process name such as ``Worker_TP3`` means.

    None for processes that are no worker of their own: ``APIServer``, ``EngineCore``, ``Worker``.
    """
    places = {name: int(place) for name, place in _PARALLEL.findall(process)}
    replicas = _size(settings, "data_parallel_size")
    if not places:
        # From 0.31 on a worker has this name until it knows its place.
        early = _EARLY_WORKER.fullmatch(process) if replicas == 1 else None
        return int(early[1]) if early else None
    tensor = _size(settings, "tensor_parallel_size")
    pipeline = _size(settings, "pipeline_parallel_size")
    replica = places.get("DP", 0) * pipeline * tensor
    rank = replica + places.get("PP", 0) * tensor + places.get("TP", 0)
    # Up to 0.17 the only engine is called EngineCore_DP0.
    return None if process == "EngineCore_DP0" and replicas == 1 else rank


def _size(settings: dict[str, str], name: str) -> int:
    text = settings.get(name, "1")
    return int(text) if text.isdecimal() and len(text) < 7 else 1
