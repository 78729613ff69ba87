"""Every way in which vLLM fails, as it shows: where in the start, in whose words, how it ends.

The wording is that of vLLM 0.32 and of the libraries under it; wrappers and traceback frames
around the root line are shortened. A configuration fails in the API server with a traceback and
exit code 1, an argument with argparse's 2. A failing engine tells its traceback as ERROR records,
after which the API server only says that the engine did not start.
"""

from dataclasses import dataclass
from enum import Enum

from backends.domain.start import FailureKind
from backends.simulated.player import Player
from backends.simulated.script import GIB

_MODULES = "/usr/local/lib/python3.12/dist-packages"
WRAPPER = (
    "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
)


class Frame(Enum):
    """How a failure is surrounded."""

    USAGE = "usage"
    TRACEBACK = "traceback"
    ENGINE = "engine"
    SILENT_KILL = "silent kill"
    INTERRUPT = "interrupt"
    HANGS = "hangs"


@dataclass(frozen=True, slots=True)
class Collapse:
    """One failure.

    Attributes:
        label: it happens before the first line that carries this text...
        share: ...or that far through the lines which carry it.
        error: the last lines of the traceback; placeholders as in a script.
        notice: a record just before it, as level, source and text.
    """

    frame: Frame
    label: str
    error: str = ""
    share: float = 0.0
    notice: tuple[str, str, str] | None = None
    after_ready: bool = False

    @property
    def in_engine(self) -> bool:
        """Return whether the engine fails, or the API server by itself."""
        return self.frame in (Frame.ENGINE, Frame.SILENT_KILL, Frame.HANGS)


def collapse_of(kind: FailureKind) -> Collapse:
    """Return how a kind of failure shows; those of the device read as on an AMD or CUDA host."""
    return _COLLAPSES[kind]


def out_of_free_memory(free: int, total: int, utilization: float) -> Collapse:
    """Return the failure of an engine whose GPU is held by somebody else, with true figures."""
    return Collapse(
        Frame.ENGINE,
        _DEVICES,
        "ValueError: Free memory on device cuda:0 "
        f"({free / GIB:.2f}/{total / GIB:.2f} GiB) on startup is less than desired GPU memory "
        f"utilization ({utilization:g}, {total * utilization / GIB:.2f} GiB). Decrease GPU memory "
        "utilization or reduce GPU memory used by other processes.",
    )


def collapse_here(collapse: Collapse, player: Player, *, in_worker: bool) -> None:
    """Print a failure of the engine: its traceback as records, then bare on stderr."""
    engine, worker = player.speakers["engine"][0], player.speakers["worker"][0]
    say = player.wording.record
    error = collapse.error.format_map(player.values)
    if collapse.notice:
        level, source, text = collapse.notice
        say(worker, text, level=level, source=source)
    if in_worker:
        say(worker, "WorkerProc failed to start.\n" + _traceback(_WORKER_FRAMES, error),
            level="ERROR", source="multiproc_executor.py:953")  # fmt: skip
        error = _WORKER_WRAPPER
    first = "encountered a fatal error." if collapse.after_ready else "failed to start."
    trace = _traceback(_ENGINE_FRAMES, error)
    say(engine, f"EngineCore {first}\n{trace}", level="ERROR", source="core.py:1510")
    player.wording.raw(engine, f"Process EngineCore:\n{trace}")


def collapse_api(collapse: Collapse, player: Player) -> None:
    """Print a failure of the API server by itself, bare on stderr."""
    api = player.speakers["api"][0]
    error = collapse.error.format_map(player.values)
    if collapse.frame is Frame.USAGE:
        print_usage(player, error)
    else:
        player.wording.raw(api, _traceback(_API_FRAMES, error))


def print_usage(player: Player, error: str) -> None:
    """Print what argparse says of wrong arguments; this early no line has a prefix."""
    bare = type(player.wording)((99, 0))
    bare.raw(
        player.speakers["api"][0],
        "usage: vllm [-h] [-v]\n"
        "            {chat,complete,serve,launch,bench,collect-env,run-batch}\n"
        f"            ...\nvllm: error: {error}",
    )


def _traceback(frames: tuple[tuple[str, int, str, str], ...], error: str) -> str:
    lines = ["Traceback (most recent call last):"]
    for path, line, function, code in frames:
        lines += [f'  File "{_MODULES}/{path}", line {line}, in {function}', f"    {code}"]
    return "\n".join([*lines, error])


_API_FRAMES = (
    ("vllm/entrypoints/cli/main.py", 120, "main", "args.dispatch_function(args)"),
    ("vllm/entrypoints/cli/serve.py", 156, "cmd", "uvloop.run(run_server(args))"),
    ("vllm/engine/arg_utils.py", 2240, "create_engine_config", "model_config = self.create_model_config()"),
)  # fmt: skip
_ENGINE_FRAMES = (
    ("vllm/v1/engine/core.py", 1482, "run_engine_core", "engine_core = EngineCoreProc(*args, engine_index=dp_rank, **kwargs)"),
    ("vllm/v1/engine/core.py", 144, "__init__", "self.model_executor = executor_class(vllm_config)"),
)  # fmt: skip
_WORKER_FRAMES = (
    ("vllm/v1/executor/multiproc_executor.py", 920, "worker_main", "worker = WorkerProc(*args, **kwargs)"),
    ("vllm/v1/worker/gpu_worker.py", 594, "load_model", "self.model_runner.load_model(load_dummy_weights=load_dummy_weights)"),
)  # fmt: skip
_WORKER_WRAPPER = (
    "Exception: WorkerProc initialization failed due to an exception in a background process. "
    "See stack trace for root cause."
)

# Where in a start things go wrong, by the text of the line that then never comes.
_IMPORTS = ""
_BOUND = "Resolved architecture"
_CONFIGURED = "Using max model len"
_SPAWNED = "Initializing a V1"
_DEVICES = "Starting to load model"
_LOADING = "shards"
_KV_MEMORY = "Available KV cache memory"
_KV_SIZE = "KV cache size"
_CAPTURE = "Capturing CUDA graphs"
_END = "\0"


def _configuration(error: str, label: str = _CONFIGURED) -> Collapse:
    return Collapse(Frame.TRACEBACK, label, error)


def _validation(config: str, error: str, label: str = _CONFIGURED) -> Collapse:
    return _configuration(
        f"pydantic_core._pydantic_core.ValidationError: 1 validation error for {config}\n"
        f"  Value error, {error} [type=value_error, input_value=ArgsKwargs((), {{{{}}}}), "
        "input_type=ArgsKwargs]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/value_error",
        label,
    )


_COLLAPSES: dict[FailureKind, Collapse] = {
    FailureKind.PORT_IN_USE: _configuration(
        "OSError: [Errno 98] Address already in use", _BOUND),
    FailureKind.BAD_ARGUMENT: Collapse(
        Frame.USAGE, _IMPORTS, "unrecognized arguments: {last_argument}"),
    FailureKind.FREE_MEMORY_BELOW_TARGET: Collapse(
        Frame.ENGINE, _DEVICES,
        "ValueError: Free memory on device cuda:0 (18.40/191.98 GiB) on startup is less than "
        "desired GPU memory utilization (0.92, 176.62 GiB). Decrease GPU memory utilization or "
        "reduce GPU memory used by other processes."),
    FailureKind.KV_CACHE_TOO_SMALL: Collapse(
        Frame.ENGINE, _KV_SIZE,
        "ValueError: To serve at least one request with the model's max seq len ({max_model_len}), "
        "(9.00 GiB KV cache is needed, which is larger than the available KV cache memory "
        "(4.21 GiB). Based on the available memory, the estimated maximum model length is 61312. "
        "Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing "
        "the engine."),
    FailureKind.NO_KV_CACHE_MEMORY: Collapse(
        Frame.ENGINE, _KV_MEMORY,
        "ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine.",
        notice=("INFO", "gpu_worker.py:760", "Available KV cache memory: -3.18 GiB")),
    FailureKind.GPU_OUT_OF_MEMORY: Collapse(
        Frame.ENGINE, _LOADING,
        "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 1.98 GiB. GPU 0 has a total "
        "capacity of 191.98 GiB of which 1.12 GiB is free. Of the allocated memory 187.40 GiB is "
        "allocated by PyTorch, and 412.55 MiB is reserved by PyTorch but unallocated.",
        share=0.7,
        notice=("ERROR", "gpu_model_runner.py:5259",
                "Failed to load model - not enough GPU memory. Try lowering "
                "--gpu-memory-utilization to free memory for weights, increasing "
                "--tensor-parallel-size, or using --quantization.")),
    FailureKind.HOST_OUT_OF_MEMORY: Collapse(Frame.SILENT_KILL, _LOADING, share=0.5),
    FailureKind.GATED_MODEL: _configuration(
        "OSError: You are trying to access a gated repo.\n"
        "Make sure to have access to it at https://huggingface.co/{model}.\n"
        "401 Client Error. (Request ID: Root=1-simulated)\n"
        "Cannot access gated repo for url https://huggingface.co/{model}/resolve/main/config.json.\n"
        "Access to model {model} is restricted. You must have access to it and be authenticated "
        "to access it. Please log in.", _BOUND),
    FailureKind.MODEL_NOT_FOUND: _configuration(
        "OSError: {model} is not a local folder and is not a valid model identifier listed on "
        "'https://huggingface.co/models'\n"
        "If this is a private repository, make sure to pass a token having permission to this "
        "repo either by logging in with `hf auth login` or by passing `token=<your_token>`", _BOUND),
    FailureKind.DOWNLOAD_FAILED: Collapse(
        Frame.ENGINE, _LOADING,
        "requests.exceptions.ChunkedEncodingError: ('Connection broken: IncompleteRead(1610612736 "
        "bytes read, 3015443200 more expected)', IncompleteRead(1610612736 bytes read, 3015443200 "
        "more expected))"),
    FailureKind.NO_NETWORK: _configuration(
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't "
        "find them in the cached files.\n"
        "Check your internet connection or see how to run the library in offline mode at "
        "'https://huggingface.co/docs/transformers/installation#offline-mode'.", _BOUND),
    FailureKind.UNSUPPORTED_ARCHITECTURE: _validation(
        "ModelConfig",
        "Model architectures ['{architecture}'] are not supported for now. Supported "
        "architectures: dict_keys(['GptOssForCausalLM', 'LlamaForCausalLM', 'Qwen3ForCausalLM'])",
        _BOUND),
    FailureKind.MAX_MODEL_LEN_TOO_LARGE: _validation(
        "ModelConfig",
        "User-specified max_model_len (999999) is greater than the derived max_model_len "
        "(max_position_embeddings={max_model_len}.0 or model_max_length=None in model's "
        "config.json). To allow overriding this maximum, set the env var "
        "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1."),
    FailureKind.INVALID_BATCH_LIMITS: _validation(
        "SchedulerConfig",
        "max_num_batched_tokens (512) is smaller than max_model_len ({max_model_len}). This "
        "effectively limits the maximum sequence length to max_num_batched_tokens and makes vLLM "
        "reject longer sequences. Please increase max_num_batched_tokens or decrease "
        "max_model_len.", "Chunked prefill"),
    FailureKind.NO_DEVICE: _configuration(
        "RuntimeError: Failed to infer device type, please set the environment variable "
        "`VLLM_LOGGING_LEVEL=DEBUG` to turn on verbose logging to help debug the issue.", _BOUND),
    FailureKind.DRIVER_MISMATCH: Collapse(
        Frame.ENGINE, _DEVICES,
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12080). Please "
        "update your GPU driver by downloading and installing a new version from the URL: "
        "http://www.nvidia.com/Download/index.aspx"),
    FailureKind.INVALID_PARALLELISM: _validation(
        "ParallelConfig",
        "World size (8) is larger than the number of available GPUs (1) in this node. If this is "
        "intentional and you are using several nodes, set `distributed_executor_backend` to "
        "'ray'.", "Chunked prefill"),
    FailureKind.UNSUPPORTED_DTYPE: Collapse(
        Frame.ENGINE, _DEVICES,
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. "
        "Your Tesla T4 GPU has compute capability 7.5. You can use float16 instead by explicitly "
        "setting the `dtype` flag in CLI, for example: --dtype=half."),
    FailureKind.BAD_CHECKPOINT: Collapse(
        Frame.ENGINE, _LOADING,
        "safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, "
        "file not fully covered", share=0.6),
    FailureKind.STARTUP_TIMEOUT: Collapse(
        Frame.HANGS, _LOADING, share=0.4),
    FailureKind.DISK_FULL: Collapse(
        Frame.ENGINE, _LOADING,
        "OSError: [Errno 28] No space left on device: "
        "'/data/huggingface/hub/models--simulated/blobs/5f1c.incomplete'"),
    FailureKind.DEPENDENCY_ERROR: Collapse(
        Frame.ENGINE, _DEVICES,
        "ImportError: cannot import name 'GptOssConfig' from 'transformers' "
        f"({_MODULES}/transformers/__init__.py)"),
    FailureKind.ENGINE_DIED: Collapse(
        Frame.ENGINE, _END,
        "torch.AcceleratorError: HIP error: unspecified launch failure", after_ready=True),
    FailureKind.KILLED: Collapse(
        Frame.INTERRUPT, _SPAWNED, "KeyboardInterrupt: terminated"),
    FailureKind.UNKNOWN: Collapse(
        Frame.ENGINE, _CAPTURE,
        "SimulatedError: the engine stopped for a reason that nobody has written down"),
}  # fmt: skip
