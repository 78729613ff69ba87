"""Which starts could use a lever and do not, by what their log and environment tell."""

from collections.abc import Callable, Mapping

Settings = Mapping[str, str]
"""What the log told of the configuration; variables of the environment with a ``$`` in front."""

VARIABLES = ("VLLM_CACHE_ROOT", "VLLM_ENABLE_STARTUP_PLAN")
"""The variables that conditions ask for; no other is needed, so that no secret is passed on."""

_NETWORK_DISKS = frozenset({"NFS", "NFS4", "LUSTRE", "FUSE", "CEPH"})


def unset(*names: str) -> Callable[[Settings], bool]:
    """Return the condition that none of these settings is given."""
    return lambda settings: all(settings.get(name) in {None, "auto", "False"} for name in names)


def compiled_uncached(settings: Settings) -> bool:
    """Return whether the start compiled, and its cache is where vLLM puts it by itself."""
    return settings.get("compile_cache") == "miss" and "$VLLM_CACHE_ROOT" not in settings


def compiles(settings: Settings) -> bool:
    """Return whether the start compiles with the default level."""
    return settings.get("enforce_eager") != "True" and "optimization_level" not in settings


def is_on_gpu(settings: Settings) -> bool:
    """Return whether the devices are GPUs; ROCm calls them cuda too."""
    return settings.get("device_config") == "cuda"


def loads_plainly(settings: Settings) -> bool:
    """Return whether the weights go to GPUs by vLLM's own loader."""
    return is_on_gpu(settings) and unset("load_format", "enable_multithread_load")(settings)


def loads_shards_in_turn(settings: Settings) -> bool:
    """Return whether vLLM's own loader reads one shard after the other."""
    plain = unset("load_format", "enable_multithread_load")(settings)
    return plain and "safetensors_load_strategy" not in settings


def can_sleep(settings: Settings) -> bool:
    """Return whether sleep mode is off and there are GPUs to free."""
    return is_on_gpu(settings) and unset("enable_sleep_mode")(settings)


def can_sleep_on_cuda(settings: Settings) -> bool:
    """Return whether sleep mode is off and the GPUs are NVIDIA's."""
    return can_sleep(settings) and settings.get("platform") != "rocm"


def on_one_nvidia_gpu(settings: Settings) -> bool:
    """Return whether one NVIDIA GPU holds the whole model."""
    sizes = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
    alone = all(settings.get(name, "1") == "1" for name in sizes)
    return alone and is_on_gpu(settings) and settings.get("platform") != "rocm"


def on_network_disk(settings: Settings) -> bool:
    """Return whether the files lie on a network disk and nothing is said of reading them."""
    remote = settings.get("filesystem", "").upper() in _NETWORK_DISKS
    return remote and "safetensors_load_strategy" not in settings


def profiles_memory(settings: Settings) -> bool:
    """Return whether memory is profiled in each start."""
    return unset("kv_cache_memory_bytes")(settings) and "$VLLM_ENABLE_STARTUP_PLAN" not in settings
