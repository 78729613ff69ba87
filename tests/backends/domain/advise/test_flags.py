"""The one flag to try for each cause, from what is set."""

import pytest

from backends.domain.advise.binding import Binding, Evidence, Resource
from backends.domain.advise.flags import Flag, flag_for

KV, QUEUE, PREFILL, COMPUTE = (
    Resource.KV_CACHE,
    Resource.QUEUE,
    Resource.PREFILL,
    Resource.COMPUTE,
)
GPU = {"device_config": "cuda"}


def found(
    resource: Resource, settings: dict[str, str], running: float | None = None
) -> Flag | None:
    return flag_for(Binding(resource, "", Evidence(60.0, 9, running_most=running)), settings)


@pytest.mark.parametrize(
    ("resource", "settings", "flag"),
    [
        (KV, {"num_gpu_blocks_override": "10"}, "--num-gpu-blocks-override 20"),
        (KV, {"kv_cache_memory_bytes": "1000"}, "--kv-cache-memory-bytes 1500"),
        (
            KV,
            {"device_config": "cpu"},
            "VLLM_CPU_KVCACHE_SPACE, twice the GiB of now (a variable)",
        ),
        (KV, {}, "--gpu-memory-utilization 0.95"),
        (KV, {"gpu_memory_utilization": "0.5"}, "--gpu-memory-utilization 0.53"),
        (KV, {"gpu_memory_utilization": "0.93"}, "--gpu-memory-utilization 0.95"),
        (KV, {"gpu_memory_utilization": "0.94"}, "--kv-cache-dtype fp8"),
        (KV, {"gpu_memory_utilization": "much"}, "--kv-cache-dtype fp8"),
        (KV, {"gpu_memory_utilization": "0.94", "kv_cache_dtype": "auto"}, "--kv-cache-dtype fp8"),
        (KV, {"gpu_memory_utilization": "0.94", "kv_cache_dtype": "fp8"}, None),
        (QUEUE, {"max_num_seqs": "8"}, "--max-num-seqs 16"),
        (QUEUE, {}, "--max-num-seqs 2"),
        (PREFILL, {"enable_prefix_caching": "False"}, "--enable-prefix-caching"),
        (PREFILL, {}, "--max-num-batched-tokens 4096"),
        (PREFILL, {"max_num_batched_tokens": "8192"}, "--max-num-batched-tokens 16384"),
        (COMPUTE, {"enforce_eager": "True"}, "without --enforce-eager"),
        (COMPUTE, GPU, "--quantization fp8"),
        (COMPUTE, {"device_config": "cpu"}, None),
        (COMPUTE, {**GPU, "quantization": "fp8"}, "--tensor-parallel-size 2"),
        (
            COMPUTE,
            {**GPU, "quantization": "fp8", "tensor_parallel_size": "4"},
            "--tensor-parallel-size 8",
        ),
        (Resource.CLIENT, {}, None),
        (Resource.NONE, {}, None),
    ],
)
def test_which_flag_to_try_first(
    resource: Resource, settings: dict[str, str], flag: str | None
) -> None:
    told = found(resource, settings)
    assert (None if told is None else told.flag) == flag


def test_without_a_setting_twice_as_many_seats_as_ever_ran_are_tried() -> None:
    told = found(QUEUE, {}, running=7.0)
    assert told is not None
    assert told.flag == "--max-num-seqs 14"


def test_a_flag_says_what_it_gives_and_costs() -> None:
    share = found(KV, {"gpu_memory_utilization": "0.5"})
    assert share is not None
    assert share.effect == "gives 3% of each GPU more to the KV cache"
    size = found(KV, {"kv_cache_memory_bytes": str(2 * 2**30)})
    assert size is not None
    assert size.price == "1 GiB more of each GPU; the start fails where there is no room"
