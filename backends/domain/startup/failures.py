"""Why vLLM fails: one table, from the line that tells the cause to what it means and what to do.

The wordings are those of the exceptions that vLLM 0.8 to 0.33, PyTorch, Transformers and the
Hugging Face client raise. A row's `cause` and `remedy` may name the groups of its pattern.
"""

import re
from collections.abc import Sequence

from backends.domain.start import FailureKind as Kind
from backends.domain.start import PhaseName
from backends.domain.startup.cluster_failures import CLUSTER
from backends.domain.startup.failure_row import Row
from backends.domain.startup.failure_row import row as _row
from backends.domain.startup.host_failures import GPU_FAULTS, HOST
from backends.domain.startup.kernel_failures import KERNELS
from backends.domain.startup.model_failures import MODELS

_OTHER_SIZE = (
    "lower --gpu-memory-utilization, spread the model with --tensor-parallel-size, or serve a "
    "quantized one"
)
_SEE_MEMORY = "free memory on the GPU (`inferctl gpus` names who holds it), "

MEMORY = (
    _row(
        Kind.FREE_MEMORY_BELOW_TARGET,
        r"Free memory on device (?:\S+ )?\((?P<free>\d{1,9}\.?\d{0,9})/"
        r"(?P<total>\d{1,9}\.?\d{0,9}) GiB\) on startup is less than (?:desired GPU "
        r"memory utilization|the engine's budget[^(]{0,80}) \((?P<share>[\d.]+), "
        r"(?P<wanted>[\d.]+) GiB\)",
        "Only {free} of {total} GiB were free on the GPU, and the server wanted {wanted} GiB "
        "({share} of it).",
        "End what holds the rest (`inferctl gpus` names it), or set --gpu-memory-utilization below "
        "{free}/{total} = {free_share}.",
    ),
    _row(
        Kind.FREE_MEMORY_BELOW_TARGET,
        r"Available memory on node \S+ \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\).{1,60}? is less "
        r"than (?:desired|requested).{1,60}?(?P<wanted>[\d.]+) GiB",
        "Only {free} of {total} GiB of the host's memory were available on the node, and the "
        "server wanted {wanted} GiB.",
        "End what holds the rest (`free -g`), or lower --gpu-memory-utilization, which on a CPU is "
        "the share of its memory, --kv-cache-memory-bytes or VLLM_CPU_KVCACHE_SPACE.",
    ),
    _row(
        Kind.KV_CACHE_TOO_SMALL,
        r"max seq len \((?P<length>\d+)\).*?\(?(?P<needed>[\d.]+) GiB KV cache is needed.*?"
        r"available KV cache memory \((?P<available>-?[\d.]+) GiB\)"
        r".*?estimated maximum model length is (?P<estimate>\d+)",
        "One request of {length} tokens needs {needed} GiB of KV cache, and {available} GiB were "
        "left for it.",
        "Set --max-model-len {estimate}, or raise --gpu-memory-utilization.",
    ),
    _row(
        Kind.KV_CACHE_TOO_SMALL,
        r"max seq len \((?P<length>\d+)\).*?(?P<needed>[\d.]+) GiB KV cache is needed.*?"
        r"available KV cache memory \((?P<available>-?[\d.]+) GiB\)",
        "One request of {length} tokens needs {needed} GiB of KV cache, and {available} GiB were "
        "left for it.",
        "Set --max-model-len below {length}, or raise --gpu-memory-utilization.",
    ),
    _row(
        Kind.KV_CACHE_TOO_SMALL,
        r"max seq len \((?P<length>\d+)\) is larger than the maximum number of tokens that can be "
        r"stored in KV cache \((?P<tokens>\d+)\)",
        "A request may have {length} tokens, and the KV cache holds {tokens}.",
        "Set --max-model-len {tokens}, or raise --gpu-memory-utilization.",
    ),
    _row(
        Kind.NO_KV_CACHE_MEMORY,
        r"No available memory for the cache blocks|not enough GPU memory available to serve|"
        r"only \S+ GiB is available for the KV cache",
        "After weights and activations no memory was left for the KV cache{kv_note}.",
        "Raise --gpu-memory-utilization{utilization_note}, lower --max-num-batched-tokens, or "
        "serve a smaller or quantized model.",
    ),
    _row(
        Kind.GPU_OUT_OF_MEMORY,
        r"out of memory occurred when warming up sampler with (?P<requests>\d+) dummy requests",
        "The GPU ran out of memory while warming up the sampler with {requests} requests.",
        "Set --max-num-seqs below {requests}, or lower --gpu-memory-utilization.",
    ),
    _row(
        Kind.GPU_OUT_OF_MEMORY,
        r"out of memory(?:\. Tried to allocate (?P<wanted>[\d.]+ [KMG]iB))?",
        "The GPU ran out of memory while profiling the multimodal encoder{wanted_note}.",
        "Set --skip-mm-profiling, or fewer or smaller items with --limit-mm-per-prompt.",
        frames=r"embed_multimodal|get_multimodal_embeddings|profile_(?:mm|encoder|multimodal)|"
        r"_execute_mm_encoder|encoder_profil",
        phases=(PhaseName.PROFILE_MEMORY, PhaseName.UNLOGGED, PhaseName.LOAD_WEIGHTS),
    ),
    _row(
        Kind.HOST_OUT_OF_MEMORY,
        r"(?:CUDA|HIP)(?: driver)? error: out of memory|hipErrorOutOfMemory|cudaHost\w+",
        "The host could not give the memory that is pinned for the GPUs{in_frame}.",
        "Give the offloaded KV cache or weights less (--kv-offloading-size, --cpu-offload-gb), or "
        "raise the container's memory limit and `ulimit -l`.",
        frames=r"kv_offload|offload\w*\.py|pin_memory|uva",
    ),
    _row(
        Kind.GPU_OUT_OF_MEMORY,
        r"(?:CUDA|HIP|[A-Z]PU|MPS \w*) out of memory\. "
        r"Tried to allocate (?P<wanted>[\d.]+ [KMG]iB)\.?"
        r"(?:.*?total capacity of (?P<total>[\d.]+ [KMG]iB) of which "
        r"(?P<free>[\d.]+ \w+) is free)?",
        "The GPU could not give {wanted} more{of_total}.",
        f"First {_SEE_MEMORY}then {_OTHER_SIZE}.",
    ),
    _row(
        Kind.GPU_OUT_OF_MEMORY,
        r"Failed to load model - not enough GPU memory",
        "The weights do not fit into the GPU's memory.",
        f"First {_SEE_MEMORY}then {_OTHER_SIZE}.",
    ),
    _row(
        Kind.GPU_OUT_OF_MEMORY,
        r"(?:CUDA|HIP)(?: driver)? error: out of memory|(?:CUDA|HIP|[A-Z]PU) out of memory|"
        r"Triton Error \[\w+\]: out of memory|MPS backend out of memory|OUT_OF_DEVICE_MEMORY|"
        r"RESOURCE_EXHAUSTED|MODULE:PT_DEVMEM Allocation failed|"
        r"greater than the maximum allowed buffer size|CU(?:BLAS|DNN)_STATUS_ALLOC_FAILED|"
        r"torch\.(?:cuda\.)?OutOfMemoryError|hipErrorOutOfMemory|CUDA_ERROR_OUT_OF_MEMORY",
        "The GPU ran out of memory{during}.",
        "Lower --gpu-memory-utilization{utilization_note} so that room is left outside vLLM's "
        "budget, capture fewer CUDA graphs with --max-cudagraph-capture-size, or use "
        "--enforce-eager.",
    ),
    _row(
        Kind.GPU_OUT_OF_MEMORY,
        r"(?:CU|HIP)(?:BLAS|DNN)_STATUS_NOT_INITIALIZED",
        "A library of the GPU's kernels could not be set up{during}, most likely because no memory "
        "was left for it: {line}",
        "Lower --gpu-memory-utilization{utilization_note}, so that room is left outside vLLM's "
        "budget; where memory is free, look for a second CUDA or ROCm in LD_LIBRARY_PATH.",
    ),
    _row(
        Kind.HOST_OUT_OF_MEMORY,
        r"^MemoryError|killed due to memory pressure|running low on memory|"
        r"Cannot allocate memory|can't allocate memory|std::bad_alloc|"
        r"Out of memory: Killed process|oom[_-]kill|OOMKilled|"
        r"killed by the OOM killer|Unable to allocate .* for an array",
        "The host, or the container's memory limit, ran out of memory.",
        "Give the host or container more memory, free what `free -g` shows as used, or load with "
        "--load-format runai_streamer.",
    ),
    _row(
        Kind.KILLED,
        r"^Killed$",
        "The server was killed (SIGKILL): mostly by the kernel, because the host or container ran "
        "out of memory.",
        "Look into the kernel log: `journalctl -k | grep -i 'killed process'`.",
    ),
    _row(
        Kind.DISK_FULL,
        r"No space left on device|Not enough free disk space|Disk quota exceeded",
        "A disk is full.",
        "Free space where HF_HOME and VLLM_CACHE_ROOT lie (`df -h ~/.cache`), or point them to a "
        "larger disk.",
    ),
)

ARGUMENTS = (
    _row(
        Kind.BAD_ARGUMENT,
        r"error: unrecognized arguments: (?P<arguments>.+)",
        "This vLLM has no such argument: {arguments}.",
        "Remove or correct {arguments}; `vllm serve --help=all` lists all that this version has.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"error: argument (?P<argument>\S+): (?P<problem>.+)",
        "The argument {argument} was refused: {problem}.",
        "Correct {argument}; `vllm serve --help=all` says what it takes.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"^(?:vllm(?: [\w-]+)*|[\w./-]+\.py): error: (?P<problem>.+)",
        "The command line was refused: {problem}.",
        "Correct the arguments; `vllm serve --help=all` lists them.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"exec: \"(?P<program>[^\"]+)\": executable file not found",
        "The image has no program called {program} on its PATH.",
        "Correct the container's command, or name the program with its whole path.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"VLLM_PORT\b.{0,200}appears to be a URI",
        "VLLM_PORT is not a port: Kubernetes sets it to an address for a service named vllm.",
        "Give the service another name than vllm, or set `enableServiceLinks: false` in the pod.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"contains custom code which must be executed|trust_remote_code=True",
        "The model brings code of its own, and running it was not allowed.",
        "Read that code on the model's page, then start with --trust-remote-code.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"new process before the\s+current process has finished its bootstrapping",
        "A script starts vLLM while it is being imported, so that each of its processes does too.",
        'Put the start behind `if __name__ == "__main__":` in the script.',
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"At most (?P<most>\d+) (?P<items>\w+)(?:\(s\))?s? may be provided",
        "A prompt may have {most} {items} here, and one has more.",
        "Raise --limit-mm-per-prompt for {items}.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"(?P<which>tool|reasoning) parser '(?P<name>[^']+)' not found\. Available parsers: "
        r"(?P<choice>[^\"]+)",
        "There is no {which} parser called {name}.",
        "Set {parser_flag} to one of: {choice}.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"invalid (?P<which>tool call|reasoning) parser: (?P<name>\S+)(?: \(chose from "
        r"\{ *(?P<choice>.*?) *\}\))?",
        "There is no {which} parser called {name}.",
        "Set {parser_flag} to one of: {choice}.",
    ),
    _row(
        Kind.MAX_MODEL_LEN_TOO_LARGE,
        r"User-specified max_model_len \((?P<asked>\d+)\) is greater than the derived "
        r"max_model_len \((?:\w+=)?(?P<limit>\d+)",
        "--max-model-len {asked} is more than the model's own {limit} tokens.",
        "Set --max-model-len {limit} or less; VLLM_ALLOW_LONG_MAX_MODEL_LEN=1 lifts the check at "
        "the risk of wrong output.",
    ),
    _row(
        Kind.INVALID_BATCH_LIMITS,
        r"max_tokens_per_mm_item \((?P<item>\d+)\) is larger than max_num_batched_tokens "
        r"\((?P<tokens>\d+)\)",
        "One multimodal item takes {item} tokens, and --max-num-batched-tokens is {tokens}.",
        "Set --max-num-batched-tokens {item} or more.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"LoRA rank (?P<rank>\d+) is greater than max_lora_rank (?P<limit>\d+)",
        "The adapter has rank {rank}, and --max-lora-rank is {limit}.",
        "Set --max-lora-rank {rank}.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"Hybrid KV cache manager is disabled but",
        "The model mixes kinds of attention and needs the hybrid KV cache manager, which an option "
        "or a KV connector that does not know it has switched off.",
        "Leave out --disable-hybrid-kv-cache-manager, or --kv-transfer-config; where the connector "
        "supports it, pass --no-disable-hybrid-kv-cache-manager.",
    ),
    _row(
        Kind.INVALID_BATCH_LIMITS,
        r"max_num_seqs \((?P<seqs>\d+)\) exceeds available Mamba cache blocks \((?P<blocks>\d+)\)",
        "--max-num-seqs {seqs} needs more Mamba cache blocks than the {blocks} that fit.",
        "Set --max-num-seqs {blocks} or less, or raise --gpu-memory-utilization.",
    ),
    _row(
        Kind.INVALID_BATCH_LIMITS,
        r"max_num_batched_tokens \((?P<tokens>\d+)\) is smaller than max_model_len "
        r"\((?P<length>\d+)\)",
        "--max-num-batched-tokens {tokens} is less than --max-model-len {length}.",
        "Set --max-num-batched-tokens {length} or more, or --max-model-len {tokens} or less, or "
        "allow --enable-chunked-prefill.",
    ),
    _row(
        Kind.INVALID_BATCH_LIMITS,
        r"max_num_batched_tokens \((?P<tokens>\d+)\) must be greater than or equal to max_num_seqs "
        r"\((?P<seqs>\d+)\)",
        "--max-num-batched-tokens {tokens} is less than --max-num-seqs {seqs}.",
        "Set --max-num-batched-tokens {seqs} or more, or --max-num-seqs {tokens} or less.",
    ),
    _row(
        Kind.INVALID_PARALLELISM,
        r"World size \((?P<world>\d+)\) is larger than the number of available GPUs "
        r"\((?P<gpus>\d+)\)",
        "The parallel sizes ask for {world} GPUs, and this host has {gpus}.",
        "Set --tensor-parallel-size {gpus} or less.",
    ),
    _row(
        Kind.INVALID_PARALLELISM,
        r"Total number of attention heads \((?P<heads>\d{1,5})\) must be divisible by tensor "
        r"parallel size \((?P<size>\d+)\)",
        "{heads} attention heads cannot be split over {size} GPUs.",
        "Set --tensor-parallel-size to a divisor of {heads}: {divisors}.",
    ),
    _row(
        Kind.INVALID_PARALLELISM,
        r"(?:not divisible by|must be divisible by) .*(?:tensor|pipeline|parallel|tp_size)",
        "The model cannot be split as asked: {line}",
        "Change {parallel_flag}{divisors_note}.",
    ),
    _row(
        Kind.BAD_ARGUMENT,
        r"annot assign requested address",
        "The server was to listen on an address that this host does not have: {line}",
        "Set --host to an address of this host (`ip -br addr`), or to 0.0.0.0 for all of them.",
    ),
    _row(
        Kind.PORT_IN_USE,
        r"Address already in use",
        "A port that the server's processes use among one another is held by another process.",
        "See `ss -ltnp` for who listens, end it, or set VLLM_PORT in the server's environment to "
        "where free ports begin.",
        frames=r"/zmq/|vllm/distributed|torch/distributed|core_client|kv_transfer|/ray/",
    ),
    _row(
        Kind.PORT_IN_USE,
        r"Address already in use|error while attempting to bind on address.*\('[^']*', "
        r"(?P<port>\d+)",
        "Another process already listens on port {port}.",
        "End it (`ss -ltnp 'sport = :{port}'` names it), or choose another --port.",
    ),
)

TABLE: tuple[Row, ...] = (*KERNELS, *GPU_FAULTS, *CLUSTER, *MEMORY, *ARGUMENTS, *MODELS, *HOST)

_ENDS_A_START = (
    r"Engine core initialization failed|Engine process failed to start|"
    r"WorkerProc initialization failed|Worker failed with error"
)
ENDS_A_START = re.compile(_ENDS_A_START)
"""What reports a failure after which the server can only end."""
WRAPPERS = re.compile(
    rf"{_ENDS_A_START}|EngineDeadError|EngineCore encountered an issue|EngineGenerateError|"
    r"See root cause above|CancelledError|SystemExit|resource_tracker"
)
"""What only reports that something else failed: never the cause, unless it quotes it."""

QUOTED = re.compile(
    r"failed with error (?:%s[^']{0,80}', )?(?P<mark>['\"])(?P<quote>.*?)"
    r"(?:(?P=mark)(?=, please|\.?\)?$)|$)"
)
"""How a wrapper quotes the failure that it reports."""

FOLLOW_ONS = re.compile(
    r"^(?:[\w.]*\.)?(?:RuntimeError: cancelled|BrokenPipeError|ConnectionResetError|EOFError|"
    r"ConnectionAbortedError|_?queue\.Empty|Empty$|ActorDiedError|RayActorError|"
    r"OwnerDiedError|ProcessExitedException|ChildFailedError|StopIteration$)|"
    r"has no attribute '?\w*(?:shutdown|close|terminate)|Connection closed by (?:peer|remote)|"
    r"remote process exited|cannot schedule new futures"
)
"""What a process meets because another one, or its own start, has already failed."""


def classify(
    text: str, phase: str = "", frames: Sequence[str] = ()
) -> tuple[Row, re.Match[str]] | None:
    """Return the first row that knows this message, raised in these frames in this phase."""
    for row in TABLE:
        if found := row.find(text, phase, frames):
            return row, found
    return None
