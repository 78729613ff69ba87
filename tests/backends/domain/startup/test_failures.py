# ruff: noqa: E501, ISC004  (lines of vLLM are quoted whole)

from itertools import permutations

import pytest

from backends.domain.facts import BecameReady, FailureSeen
from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import Failure, FailureKind
from backends.domain.startup.reader import StartReader
from tests.backends.domain.startup.logs import only_start
from tests.backends.domain.startup.test_families import CASES as BY_FAMILY

K = FailureKind
AT = Stamp(0.0, 0.0)

# kind, root line, what the cause must say, what the remedy must say
CASES = [
    (
        K.PORT_IN_USE,
        "OSError: [Errno 98] Address already in use",
        "port 8011",
        "choose another --port",
    ),
    (
        K.PORT_IN_USE,
        "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8123): in use",
        "port 8123",
        "sport = :8123",
    ),
    (
        K.BAD_ARGUMENT,
        "vllm: error: unrecognized arguments: --no-such-flag 3",
        "--no-such-flag 3",
        "--help=all",
    ),
    (
        K.BAD_ARGUMENT,
        "vllm serve: error: argument --dtype: invalid choice: 'int3' (choose from auto, half)",
        "argument --dtype was refused: invalid choice: 'int3'",
        "Correct --dtype",
    ),
    (
        K.BAD_ARGUMENT,
        "KeyError: 'invalid tool call parser: hermez (chose from { hermes,llama3_json })'",
        "no tool call parser called hermez",
        "hermes,llama3_json",
    ),
    (
        K.FREE_MEMORY_BELOW_TARGET,
        "ValueError: Free memory on device cuda:0 (16.01/93.0 GiB) on startup is less than desired "
        "GPU memory utilization (0.8, 74.4 GiB). Decrease GPU memory utilization or reduce GPU "
        "memory used by other processes.",
        "16.01 of 93.0 GiB were free on the GPU, and the server wanted 74.4 GiB",
        "--gpu-memory-utilization below 16.01/93.0 = 0.17",
    ),
    (
        K.KV_CACHE_TOO_SMALL,
        "ValueError: To serve at least one request with the model's max seq len (262144), (18.35 "
        "GiB KV cache is needed, which is larger than the available KV cache memory (8.72 GiB). "
        "Based on the available memory, the estimated maximum model length is 121840.",
        "262144 tokens needs 18.35 GiB of KV cache, and 8.72 GiB were left",
        "Set --max-model-len 121840",
    ),
    (
        K.KV_CACHE_TOO_SMALL,
        "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens "
        "that can be stored in KV cache (19200). Try increasing `gpu_memory_utilization`",
        "32768 tokens, and the KV cache holds 19200",
        "Set --max-model-len 19200",
    ),
    (
        K.NO_KV_CACHE_MEMORY,
        "ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine.",
        "no memory was left for the KV cache",
        "Raise --gpu-memory-utilization (it was 0.3)",
    ),
    (
        K.GPU_OUT_OF_MEMORY,
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.02 GiB. GPU 0 has a total "
        "capacity of 14.56 GiB of which 111.81 MiB is free. Process 1 has 14.44 GiB memory in use.",
        "could not give 1.02 GiB more: 111.81 MiB of 14.56 GiB were free",
        "--tensor-parallel-size",
    ),
    (
        K.GPU_OUT_OF_MEMORY,
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests."
        " Please try lowering `max_num_seqs` or `gpu_memory_utilization`",
        "1024 requests",
        "Set --max-num-seqs below 1024",
    ),
    (
        K.GPU_OUT_OF_MEMORY,
        "torch.AcceleratorError: CUDA error: out of memory",
        "ran out of memory during load_weights",
        "--enforce-eager",
    ),
    (K.HOST_OUT_OF_MEMORY, "MemoryError", "ran out of memory", "free -g"),
    (
        K.HOST_OUT_OF_MEMORY,
        "OSError: [Errno 12] Cannot allocate memory",
        "container's memory limit",
        "--load-format runai_streamer",
    ),
    (
        K.GATED_MODEL,
        "OSError: You are trying to access a gated repo.",
        "did not let this account",
        "HF_TOKEN",
    ),
    (
        K.MODEL_NOT_FOUND,
        "OSError: org/tpyo is not a local folder and is not a valid model identifier listed on "
        "'https://huggingface.co/models'",
        "no model org/tpyo",
        "org/tpyo",
    ),
    (
        K.MODEL_NOT_FOUND,
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or "
        "'namespace/repo_name': '/models/none'. Use `repo_type` argument if needed.",
        "no model /models/none",
        "ls /models/none",
    ),
    (
        K.DOWNLOAD_FAILED,
        "requests.exceptions.ChunkedEncodingError: ('Connection broken: IncompleteRead', 12)",
        "broke off",
        "hf download org/model",
    ),
    (
        K.NO_NETWORK,
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't "
        "find them in the cached files.",
        "could not be reached",
        "hf download org/model",
    ),
    (
        K.NO_NETWORK,
        "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot "
        "folder for the specified revision",
        "not in the local cache",
        "HF_HUB_OFFLINE",
    ),
    (
        K.UNSUPPORTED_ARCHITECTURE,
        "ValueError: Model architectures ['FooForCausalLM'] are not supported for now. Supported",
        "'FooForCausalLM'",
        "--model-impl transformers",
    ),
    (
        K.UNSUPPORTED_ARCHITECTURE,
        "  Value error, The checkpoint you are trying to load has model type `foobar` but "
        "Transformers does not recognize this architecture.",
        "model type foobar",
        "Upgrade vLLM and Transformers",
    ),
    (
        K.MAX_MODEL_LEN_TOO_LARGE,
        "  Value error, User-specified max_model_len (999999) is greater than the derived "
        "max_model_len (max_position_embeddings=2048.0 or model_max_length=None in config.json).",
        "999999 is more than the model's own 2048",
        "Set --max-model-len 2048",
    ),
    (
        K.INVALID_BATCH_LIMITS,
        "  Value error, max_num_batched_tokens (512) is smaller than max_model_len (4096).",
        "512 is less than --max-model-len 4096",
        "--max-num-batched-tokens 4096",
    ),
    (
        K.INVALID_BATCH_LIMITS,
        "ValueError: max_num_batched_tokens (64) must be greater than or equal to max_num_seqs (256)",
        "64 is less than --max-num-seqs 256",
        "--max-num-seqs 64",
    ),
    (
        K.NO_DEVICE,
        "RuntimeError: No CUDA GPUs are available",
        "No GPU",
        "--gpus all",
    ),
    (
        K.NO_DEVICE,
        "ImportError: libcudart.so.12: cannot open shared object file: No such file or directory",
        "libcudart.so.12 is not there",
        "the ROCm build on AMD",
    ),
    (
        K.DRIVER_MISMATCH,
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12080).",
        "supports CUDA 12.8 at most",
        "CUDA 12.8 or older",
    ),
    (
        K.DRIVER_MISMATCH,
        "RuntimeError: HIP error: invalid device function",
        "does not fit the kernels",
        "rocminfo",
    ),
    (
        K.INVALID_PARALLELISM,
        "  Value error, World size (8) is larger than the number of available GPUs (4) in this node.",
        "8 GPUs, and this host has 4",
        "--tensor-parallel-size 4",
    ),
    (
        K.INVALID_PARALLELISM,
        "  Value error, Total number of attention heads (6) must be divisible by tensor parallel "
        "size (4).",
        "6 attention heads cannot be split over 4",
        "1, 2, 3, 6",
    ),
    (
        K.UNSUPPORTED_DTYPE,
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. "
        "Your Tesla T4 GPU has compute capability 7.5.",
        "needs compute capability 8.0",
        "--dtype half",
    ),
    (
        K.UNSUPPORTED_DTYPE,
        "ValueError: The quantization method awq_marlin is not supported for the current GPU. "
        "Minimum capability: 80. Current capability: 75.",
        "awq_marlin needs compute capability 80, and this GPU has 75",
        "another quantization",
    ),
    (
        K.BAD_CHECKPOINT,
        "RuntimeError: Cannot find any model weights with `/models/tiny`",
        "no weight files in /models/tiny",
        "*.safetensors",
    ),
    (
        K.BAD_CHECKPOINT,
        "safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, "
        "file not fully covered",
        "incomplete",
        "hf download --force-download org/model",
    ),
    (
        K.STARTUP_TIMEOUT,
        "TimeoutError: Timed out waiting for engine core processes to start. This is often caused "
        "by slow weight loading; see VLLM_ENGINE_READY_TIMEOUT_S",
        "not up within the time",
        "VLLM_ENGINE_READY_TIMEOUT_S",
    ),
    (
        K.DISK_FULL,
        "OSError: [Errno 28] No space left on device: '/home/user/.cache/huggingface/x'",
        "full",
        "df -h",
    ),
    (
        K.DEPENDENCY_ERROR,
        "ImportError: cannot import name 'foo' from 'bar' (/opt/bar.py)",
        "cannot import name 'foo'",
        "uv pip install vllm",
    ),
    (
        K.UNKNOWN,
        "RuntimeError: the moon is full",
        "not known here",
        "traceback above",
    ),
    (K.KILLED, "Killed", "SIGKILL", "journalctl -k"),
    (
        K.KV_CACHE_TOO_SMALL,
        "ValueError: To serve at least one request with the models's max seq len (8192), (1.50 GiB "
        "KV cache is needed, which is larger than the available KV cache memory (0.50 GiB).",
        "8192 tokens needs 1.50 GiB of KV cache, and 0.50 GiB were left",
        "Set --max-model-len below 8192",
    ),
    (
        K.GPU_OUT_OF_MEMORY,
        "Failed to load model - not enough GPU memory. Try lowering --gpu-memory-utilization",
        "weights do not fit",
        "--tensor-parallel-size",
    ),
    (
        K.BAD_ARGUMENT,
        "vllm serve: error: ambiguous option: --max could match --max-model-len, --max-num-seqs",
        "refused: ambiguous option: --max could match --max-model-len, --max-num-seqs",
        "vllm serve --help=all",
    ),
    (
        K.RANK_MISSING,
        "ValueError: Current node has no GPU available. current_node_resource={'CPU': 8.0}.",
        "Ray did not give the GPUs",
        "ray status",
    ),
    (
        K.UNSUPPORTED_DTYPE,
        "  Value error, Unknown quantization method: int3. Must be one of ['awq', 'fp8'].",
        "cannot serve the model's quantization",
        "vllm serve --help=quantization",
    ),
]

BEFORE = (
    "(APIServer pid=1) INFO 11-21 08:00:00 [utils.py:253] non-default args: {'model': 'org/model', "
    "'port': 8011, 'gpu_memory_utilization': 0.3}\n"
    "(EngineCore pid=2) INFO 11-21 08:00:09 [gpu_model_runner.py:1] Starting to load model org/model..."
)
AFTER = (
    "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
)


@pytest.mark.parametrize(("kind", "line", "cause", "remedy"), CASES)
def test_cause_and_remedy(kind: FailureKind, line: str, cause: str, remedy: str) -> None:
    failure = only_start(f"{BEFORE}\nTraceback (most recent call last):\n{line}\n{AFTER}\n").failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (kind, 4)
    assert failure.line == line.strip()
    assert cause in failure.cause
    assert remedy in failure.remedy
    for sentence in (failure.cause, failure.remedy):
        assert "{" not in sentence.replace("{'", "")
        assert "  " not in sentence


def test_every_kind_is_known_here_or_comes_from_the_exit() -> None:
    told = {case[0] for case in CASES} | {case[0] for case in BY_FAMILY}
    assert told | {K.ENGINE_DIED} == set(FailureKind)


WORKER = [
    "(Worker_TP1 pid=3) ERROR 11-21 08:00:20 [multiproc_executor.py:949] "
    "torch.AcceleratorError: CUDA error: out of memory",
]
ENGINE = [
    "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:1] EngineCore failed to start.",
    "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:1] Exception: WorkerProc initialization "
    "failed due to an exception in a background process. See stack trace for root cause.",
    "(EngineCore pid=2) ERROR 11-21 08:00:20 [core.py:1] AttributeError: 'NoneType' object has no "
    "attribute 'shutdown'",
]
API = ["(APIServer pid=1) Traceback (most recent call last):", f"(APIServer pid=1) {AFTER}"]


@pytest.mark.parametrize("order", list(permutations([WORKER, ENGINE, API])))
def test_the_worker_is_the_root_in_whatever_order_processes_write(order: list[list[str]]) -> None:
    lines = [line for block in order for line in block]
    failure = only_start("\n".join([BEFORE, *lines])).failure
    assert failure is not None
    assert failure.kind is K.GPU_OUT_OF_MEMORY
    assert failure.line == "torch.AcceleratorError: CUDA error: out of memory"


def test_of_chained_exceptions_the_last_one_counts() -> None:
    failure = only_start(
        f"{BEFORE}\nTraceback (most recent call last):\n"
        "huggingface_hub.errors.GatedRepoError: 401 Client Error.\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        "OSError: You are trying to access a gated repo.\n"
    ).failure
    assert failure is not None
    assert (failure.kind, failure.line_number) == (K.GATED_MODEL, 9)


def closed(lines: list[str], exit_: Exit | None) -> Failure | None:
    reader = StartReader()
    for line in lines:
        reader.feed(AT, line)
    facts = reader.close(AT, exit_)
    return next((fact.failure for fact in facts if isinstance(fact, FailureSeen)), None)


@pytest.mark.parametrize(
    ("exit_", "kind", "remedy"),
    [
        (Exit(None, 9), K.KILLED, "journalctl -k"),
        (Exit(137, None), K.KILLED, "journalctl -k"),
        (Exit(None, 15), K.KILLED, "Find out who"),
        (Exit(None, 1), K.KILLED, "a terminal that was closed"),
        (Exit(1, None), K.UNKNOWN, "VLLM_LOGGING_LEVEL=DEBUG"),
        (Exit(None, 11), K.NATIVE_CRASH, "PYTHONFAULTHANDLER=1"),
    ],
)
def test_a_silent_end_is_told_by_its_exit(exit_: Exit, kind: FailureKind, remedy: str) -> None:
    failure = closed([*BEFORE.split("\n")], exit_)
    assert failure is not None
    assert (failure.kind, failure.line_number) == (kind, None)
    assert remedy in failure.remedy


def test_an_engine_that_a_signal_ended_is_named_with_it() -> None:
    wrapper = (
        "RuntimeError: Engine core initialization failed. See root cause above. "
        "Failed core proc(s): {'EngineCore': -9}"
    )
    failure = closed([*BEFORE.split("\n"), wrapper], Exit(1, None))
    assert failure is not None
    assert (failure.kind, failure.line) == (K.KILLED, wrapper)
    assert "EngineCore was ended by SIGKILL" in failure.cause


READY = [*BEFORE.split("\n"), "INFO:     Application startup complete."]
DIED = (
    "(APIServer pid=1) ERROR 11-21 09:00:00 [core_client.py:600] Engine core proc EngineCore_DP0 "
    "died unexpectedly, shutting down client."
)


def test_an_engine_that_dies_later_is_a_failure_of_a_start_that_was_ready() -> None:
    start = only_start("\n".join([*READY, DIED, "INFO:     Shutting down"]))
    assert start.outcome.value == "ready"
    assert start.failure is not None
    assert (start.failure.kind, start.failure.line_number) == (K.ENGINE_DIED, 4)


def test_a_ready_server_that_ends_in_peace_has_no_failure() -> None:
    shutdown = "(APIServer pid=1) INFO 11-21 09:00:00 [launcher.py:1] [shutdown] API server: shutdown triggered"
    dead = "(APIServer pid=1) ERROR 11-21 09:00:01 [async_llm.py:9] vllm.EngineDeadError: no more"
    request = "(APIServer pid=1) ERROR 11-21 08:30:01 [serving.py:9] ValueError: too many tokens"
    assert closed([*READY, request, shutdown, dead], Exit(0, None)) is None
    assert closed([*READY, request], Exit(0, None)) is None
    assert closed([*READY, request], None) is None


def test_a_ready_server_that_is_killed_was_killed() -> None:
    failure = closed(READY, Exit(None, 9))
    assert failure is not None
    assert failure.kind is K.KILLED


def test_errors_survived_on_the_way_to_ready_are_no_failure() -> None:
    warned = "(EngineCore pid=2) ERROR 11-21 08:00:18 [fa.py:57] ValueError: FA2 is not supported"
    reader = StartReader()
    for line in [*BEFORE.split("\n"), warned]:
        reader.feed(AT, line)
    assert reader.feed(AT, READY[-1]) == [BecameReady(AT)]
    assert reader.close(AT, Exit(0, None)) == []


@pytest.mark.parametrize("word", ["KeyboardInterrupt: terminated", "KeyboardInterrupt"])
def test_an_interrupt_before_ready_is_an_ordered_stop(word: str) -> None:
    start = only_start(f"{BEFORE}\nTraceback (most recent call last):\n{word}\n")
    assert start.outcome.value == "stopped"
    assert start.failure is None
