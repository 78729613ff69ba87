"""The one flag to try for what binds a server, and its price.

Flags and what they do are those of vLLM's own documentation ("Optimization and Tuning", "Engine
Arguments", "Quantized KV Cache").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backends.domain.advise.binding import Binding, Resource
from backends.domain.startup.openings import Settings, is_on_gpu, unset
from backends.domain.values import whole

MOST_MEMORY = 0.95
"""Of the GPU; with more, vLLM leaves no room for what the driver and other processes hold."""

MEMORY_STEP = 0.03
DEFAULT_MEMORY = 0.92
"""Of the GPU, since vLLM 0.20.2; 0.9 before."""

DEFAULT_BATCHED_TOKENS = 2048
"""Of vLLM's chunked prefill on most GPUs; larger ones have 8192."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One change to try.

    Attributes:
        flag: as it stands on the command line.
        effect: what it does, one clause.
        price: what it costs, one clause.
    """

    flag: str
    effect: str
    price: str


def flag_for(binding: Binding, settings: Settings) -> Flag | None:
    """Return the one change to try first; None where no flag of vLLM's would help.

    Args:
        binding: what binds.
        settings: of the server, by the names of vLLM's arguments with underscores.
    """
    made = (make(binding, settings) for make in _CHOICES.get(binding.resource, ()))
    return next((flag for flag in made if flag is not None), None)


def _more_blocks(_: Binding, settings: Settings) -> Flag | None:
    blocks = whole(settings.get("num_gpu_blocks_override"))
    if blocks is None:
        return None
    return Flag(
        f"--num-gpu-blocks-override {2 * blocks}",
        "doubles the KV cache, which this argument limits below what memory allows",
        "the memory of as many blocks again; the start fails where there is none",
    )


def _more_cache_bytes(_: Binding, settings: Settings) -> Flag | None:
    size = whole(settings.get("kv_cache_memory_bytes"))
    if size is None:
        return None
    return Flag(
        f"--kv-cache-memory-bytes {size * 3 // 2}",
        "makes the KV cache half as large again",
        f"{size // 2 / 2**30:.2g} GiB more of each GPU; the start fails where there is no room",
    )


def _more_host_memory(_: Binding, settings: Settings) -> Flag | None:
    if settings.get("device_config") != "cpu":
        return None
    return Flag(
        "VLLM_CPU_KVCACHE_SPACE, twice the GiB of now (a variable)",
        "doubles the KV cache, which a server on the CPU keeps in host memory",
        "as many GiB of host memory again",
    )


def _more_gpu_memory(_: Binding, settings: Settings) -> Flag | None:
    try:
        share = float(settings.get("gpu_memory_utilization", DEFAULT_MEMORY))
    except ValueError:
        return None
    more = min(MOST_MEMORY, share + MEMORY_STEP)
    if more - share < MEMORY_STEP / 2:
        return None
    return Flag(
        f"--gpu-memory-utilization {more:.2f}",
        f"gives {more - share:.0%} of each GPU more to the KV cache",
        "less room for peaks and for other processes of the GPU: a start may run out of memory",
    )


def _smaller_cache_entries(_: Binding, settings: Settings) -> Flag | None:
    if not unset("kv_cache_dtype")(settings):
        return None
    return Flag(
        "--kv-cache-dtype fp8",
        "holds twice the tokens in the same memory",
        "some accuracy, most in long contexts; compare answers before it is kept",
    )


def _more_seats(binding: Binding, settings: Settings) -> Flag | None:
    seats = whole(settings.get("max_num_seqs"))
    now = int(binding.evidence.running_most or 1) if seats is None else seats
    return Flag(
        f"--max-num-seqs {2 * now}",
        "runs twice as many requests at once",
        "each gets its tokens more slowly, the KV cache fills sooner, and more graphs are captured",
    )


def _cached_prefixes(_: Binding, settings: Settings) -> Flag | None:
    if settings.get("enable_prefix_caching") != "False":
        return None
    return Flag(
        "--enable-prefix-caching",
        "computes the beginning that prompts share once",
        "nothing where prompts share nothing; blocks are kept in otherwise free KV cache",
    )


def _larger_steps(_: Binding, settings: Settings) -> Flag | None:
    tokens = whole(settings.get("max_num_batched_tokens")) or DEFAULT_BATCHED_TOKENS
    return Flag(
        f"--max-num-batched-tokens {2 * tokens}",
        "computes twice as many prompt tokens in each step",
        "longer gaps between the tokens of others meanwhile, and memory that the KV cache loses",
    )


def _compiled(_: Binding, settings: Settings) -> Flag | None:
    if settings.get("enforce_eager") != "True":
        return None
    return Flag(
        "without --enforce-eager",
        "compiles the model and replays its steps as graphs",
        "a longer start, and the memory of the graphs",
    )


def _more_gpus(_: Binding, settings: Settings) -> Flag | None:
    ranks = whole(settings.get("tensor_parallel_size")) or 1
    if not is_on_gpu(settings) or settings.get("quantization") in {None, "None"}:
        return None
    return Flag(
        f"--tensor-parallel-size {2 * ranks}",
        "shares each step among twice the GPUs",
        "twice the GPUs an hour",
    )


def _smaller_weights(_: Binding, settings: Settings) -> Flag | None:
    if not is_on_gpu(settings) or not unset("quantization")(settings):
        return None
    return Flag(
        "--quantization fp8",
        "halves the bytes of the weights that each step reads and multiplies",
        "some accuracy; compare answers before it is kept",
    )


_Choice = Callable[[Binding, Settings], Flag | None]
_CHOICES: Mapping[Resource, tuple[_Choice, ...]] = {
    Resource.KV_CACHE: (
        _more_blocks,
        _more_cache_bytes,
        _more_host_memory,
        _more_gpu_memory,
        _smaller_cache_entries,
    ),
    Resource.QUEUE: (_more_seats,),
    Resource.PREFILL: (_cached_prefixes, _larger_steps),
    Resource.COMPUTE: (_compiled, _smaller_weights, _more_gpus),
}

WITHOUT_A_FLAG = {
    Resource.CLIENT: (
        "no flag of the server helps: let clients send more at once, as inferctl load does; each"
        " reply then takes longer"
    ),
    Resource.COMPUTE: ("no flag would help: add a second replica or a larger GPU"),
    Resource.KV_CACHE: "no flag would help: a GPU with more memory holds a larger KV cache",
}
"""What helps where `flag_for` knows no flag."""
