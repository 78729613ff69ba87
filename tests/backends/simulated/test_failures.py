"""Every kind of failure: its wording, its exit status, and that nothing is left of it."""

import signal
from collections.abc import Callable

import pytest

from backends.domain.start import FailureKind
from tests.backends.simulated.conftest import Failed, Server, is_alive, until

WRAPPER = "RuntimeError: Engine core initialization failed. See root cause above."
API, ENGINE = 1, -1
"""Exit code 1 with a bare traceback of the API server; the same after the engine's own."""

SHOWN: dict[FailureKind, tuple[int, str]] = {
    FailureKind.PORT_IN_USE: (API, "OSError: [Errno 98] Address already in use"),
    FailureKind.FREE_MEMORY_BELOW_TARGET: (ENGINE, "is less than desired GPU memory utilization"),
    FailureKind.KV_CACHE_TOO_SMALL: (ENGINE, "larger than the available KV cache memory (4.21 GiB"),
    FailureKind.NO_KV_CACHE_MEMORY: (ENGINE, "No available memory for the cache blocks."),
    FailureKind.GPU_OUT_OF_MEMORY: (ENGINE, "torch.OutOfMemoryError: HIP out of memory."),
    FailureKind.GATED_MODEL: (API, "OSError: You are trying to access a gated repo."),
    FailureKind.MODEL_NOT_FOUND: (API, "is not a local folder and is not a valid model identifier"),
    FailureKind.DOWNLOAD_FAILED: (ENGINE, "ChunkedEncodingError: ('Connection broken"),
    FailureKind.NO_NETWORK: (API, "OSError: We couldn't connect to 'https://huggingface.co'"),
    FailureKind.UNSUPPORTED_ARCHITECTURE: (
        API,
        "Model architectures ['GptOssForCausalLM'] are not",
    ),
    FailureKind.MAX_MODEL_LEN_TOO_LARGE: (API, "User-specified max_model_len (999999) is greater"),
    FailureKind.INVALID_BATCH_LIMITS: (API, "max_num_batched_tokens (512) is smaller than"),
    FailureKind.NO_DEVICE: (API, "RuntimeError: Failed to infer device type"),
    FailureKind.DRIVER_MISMATCH: (ENGINE, "The NVIDIA driver on your system is too old"),
    FailureKind.INVALID_PARALLELISM: (API, "World size (8) is larger than the number of available"),
    FailureKind.UNSUPPORTED_DTYPE: (ENGINE, "Bfloat16 is only supported on GPUs with compute"),
    FailureKind.BAD_CHECKPOINT: (ENGINE, "SafetensorError: Error while deserializing header"),
    FailureKind.DISK_FULL: (ENGINE, "OSError: [Errno 28] No space left on device"),
    FailureKind.DEPENDENCY_ERROR: (ENGINE, "ImportError: cannot import name"),
    FailureKind.NO_KERNEL: (ENGINE, "ValueError: Failed to find a kernel that can implement the S"),
    FailureKind.COMMUNICATION_FAILED: (
        ENGINE,
        "RuntimeError: NCCL error: unhandled system error (run with N",
    ),
    FailureKind.RANK_MISSING: (
        ENGINE,
        "torch.distributed.DistStoreError: wait timeout after 1800000",
    ),
    FailureKind.GPU_FAULT: (ENGINE, "torch.AcceleratorError: HIP error: unspecified launch failur"),
    FailureKind.BUILD_TOOLS: (
        ENGINE,
        "RuntimeError: Could not find nvcc and default cuda_home='/us",
    ),
    FailureKind.CHECKPOINT_MISMATCH: (
        ENGINE,
        "ValueError: There is no module or parameter named 'visual' i",
    ),
    FailureKind.SHARED_MEMORY_FULL: (
        ENGINE,
        "RuntimeError: unable to write to file </torch_41_1_0>: No sp",
    ),
    FailureKind.NATIVE_CRASH: (ENGINE, "Fatal Python error: Segmentation fault"),
    FailureKind.HOST_LIMIT: (ENGINE, "OSError: [Errno 24] Too many open files"),
    FailureKind.PERMISSION_DENIED: (
        ENGINE,
        "PermissionError: [Errno 13] Permission denied: '/.cache/vllm",
    ),
    FailureKind.DEVICE_BUSY: (
        ENGINE,
        "torch.AcceleratorError: CUDA error: CUDA-capable device(s) i",
    ),
    FailureKind.ENGINE_HUNG: (
        ENGINE,
        "TimeoutError: RPC call to compile_or_warm_up_model timed out",
    ),
    FailureKind.INTERNAL_ERROR: (ENGINE, "AssertionError"),
    FailureKind.UNKNOWN: (ENGINE, "SimulatedError: the engine stopped for a reason"),
}
SHOWN_APART = {
    FailureKind.BAD_ARGUMENT,
    FailureKind.HOST_OUT_OF_MEMORY,
    FailureKind.STARTUP_TIMEOUT,
    FailureKind.ENGINE_DIED,
    FailureKind.KILLED,
}

Serve = Callable[..., Server]
Fail = Callable[[FailureKind], Failed]


def test_no_kind_is_left_out() -> None:
    assert set(SHOWN) | SHOWN_APART == set(FailureKind)


@pytest.mark.parametrize("kind", SHOWN, ids=str)
def test_a_failed_start_shows_its_cause(failed: Fail, kind: FailureKind) -> None:
    who, line = SHOWN[kind]
    assert failed(kind).exit_code == 1
    output = failed(kind).output
    assert line in output
    assert "Application startup complete" not in output
    assert (WRAPPER in output) == (who == ENGINE)
    if who == ENGINE:
        assert output.index(line) < output.index(WRAPPER)
        assert "EngineCore failed to start." in output
        assert "ERROR" in output


def test_with_ranks_the_worker_tells_the_cause_and_the_engine_a_wrapper(serve: Serve) -> None:
    server = serve(failure=FailureKind.GPU_OUT_OF_MEMORY, start="tp2", speed=400)
    assert server.exit_code() == 1
    lines = server.all_output().splitlines()
    (cause,) = [i for i, line in enumerate(lines) if "torch.OutOfMemoryError" in line]
    assert "(Worker_TP0 pid=" in lines[cause]
    wrappers = [i for i, line in enumerate(lines) if "WorkerProc initialization failed" in line]
    assert min(wrappers) > cause
    assert all("(EngineCore pid=" in lines[i] for i in wrappers)


def test_an_unknown_argument_exits_2(failed: Fail) -> None:
    assert failed(FailureKind.BAD_ARGUMENT).exit_code == 2
    last = failed(FailureKind.BAD_ARGUMENT).output.splitlines()[-1]
    assert last == "vllm: error: unrecognized arguments: --no-such-flag 3"


def test_a_host_out_of_memory_says_nothing(serve: Serve) -> None:
    server = serve(failure=FailureKind.HOST_OUT_OF_MEMORY, start="tp2")
    assert server.exit_code() == -signal.SIGKILL
    output = server.all_output()
    assert output.splitlines()[-1].split()[-1].endswith("it/s]")
    assert "rror" not in output


def test_a_start_that_hangs_times_out(serve: Serve) -> None:
    server = serve(failure=FailureKind.STARTUP_TIMEOUT, speed=600)
    server.until_said("shards")
    engine = server.engine
    assert server.exit_code() == 1
    assert "TimeoutError: Timed out waiting for engine core processes" in server.all_output()
    assert not is_alive(engine)


def test_an_engine_that_dies_when_ready_leaves_exit_code_0(failed: Fail) -> None:
    assert failed(FailureKind.ENGINE_DIED).exit_code == 0
    output = failed(FailureKind.ENGINE_DIED).output
    ready, cause, death = (
        output.index(text)
        for text in (
            "startup complete",
            "SimulatedError: the engine stopped while it served",
            "EngineDeadError",
        )
    )
    assert ready < cause < death


def test_a_dead_engine_makes_the_server_unhealthy_first(serve: Serve) -> None:
    server = serve(failure=FailureKind.ENGINE_DIED, start="eager-old-0.11", speed=20).until_ready()
    until(lambda: server.ask("GET", "/health")[0] == 503, "an unhealthy server")
    assert server.ask("POST", "/v1/completions", {"prompt": "Why?"})[0] == 500


def test_killed_while_it_imports_it_says_nothing(failed: Fail) -> None:
    assert failed(FailureKind.KILLED).exit_code == -signal.SIGTERM
    assert failed(FailureKind.KILLED).output == ""
