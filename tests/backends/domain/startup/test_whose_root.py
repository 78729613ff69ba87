# ruff: noqa: E501  (lines of vLLM and of the libraries under it are quoted whole)
"""Roots that stand beside the line that looks like one: native lines, deaths, announcements."""

import pytest

from backends.domain.start import FailureKind
from tests.backends.domain.startup.logs import only_start
from tests.backends.domain.startup.test_families import failure_of


def test_a_worker_that_its_own_kernels_end_is_told_by_their_line() -> None:
    start = only_start(
        b"(EngineCore pid=2) INFO 11-21 08:00:05 [core.py:116] Initializing a V1 LLM engine (v0.26.0) with config: model='org/model'\n"
        b"(Worker_TP0 pid=3) INFO 11-21 08:00:12 [gpu_model_runner.py:4130] Model loading took 9.1 GiB memory and 8.0 seconds\n"
        b"Failed: Cuda error /w/csrc/custom_all_reduce.cuh:455 'invalid argument'\n"
        b"(EngineCore pid=2) ERROR 11-21 08:00:20 [multiproc_executor.py:250] Worker proc VllmWorker-1 died unexpectedly, shutting down executor.\n"
        b"(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] EngineCore failed to start.\n"
        b"(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] Traceback (most recent call last):\n"
        b'(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946]   File "/x/vllm/v1/executor/multiproc_executor.py", line 370, in get_response\n'
        b'(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946]     raise RuntimeError("cancelled")\n'
        b"(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] RuntimeError: cancelled\n"
    )
    assert start.failure is not None
    assert start.failure.kind is FailureKind.COMMUNICATION_FAILED
    assert start.failure.line_number == 3
    assert "--disable-custom-all-reduce" in start.failure.remedy


def test_frames_of_a_copied_page_count_with_its_typographic_quotes() -> None:
    start = only_start(
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] EngineCore failed to start.\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] Traceback (most recent call last):\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] File “/x/vllm/v1/attention/backends/fancy.py”, line 3, in init\n"
        "(EngineCore pid=2) ERROR 11-21 08:00:21 [core.py:946] NotImplementedError: sliding windows are not supported\n".encode()
    )
    assert start.failure is not None
    assert start.failure.kind is FailureKind.NO_KERNEL


@pytest.mark.parametrize(
    ("signal", "kind", "cause", "remedy"),
    [
        (11, FailureKind.NATIVE_CRASH, "crashed (SIGSEGV)", "PYTHONFAULTHANDLER=1"),
        (9, FailureKind.ENGINE_DIED, "was ended by SIGKILL", "oom"),
        (15, FailureKind.ENGINE_DIED, "was ended by SIGTERM", "who sent it"),
    ],
)
def test_the_signal_in_a_line_of_a_death_counts_even_without_the_start_before_it(
    signal: int, kind: FailureKind, cause: str, remedy: str
) -> None:
    start = only_start(
        f"ERROR 11-21 08:00:20 [multiproc_worker_utils.py:120] Worker VllmWorkerProcess pid 21 died, exit code: -{signal}\n"
    )
    assert start.failure is not None
    assert start.failure.kind is kind
    assert cause in start.failure.cause
    assert remedy in start.failure.remedy


def test_what_a_compiler_announces_is_told_by_the_line_below_it() -> None:
    failure = failure_of(
        "x/vllm/compilation/compiler_interface.py compile",
        "torch._dynamo.exc.BackendCompilerFailed: backend='x' raised:\nAssertionError: failed to get the hash",
    )
    assert "raised. It says: AssertionError: failed to get the hash" in failure.cause


def test_an_engines_traceback_without_a_prefix_is_no_requests() -> None:
    start = only_start(
        "INFO 11-21 08:00:05 [core.py:116] Initializing a V1 LLM engine (v0.15.1) with config: model='org/model'\n"
        "INFO:     Application startup complete.\n"
        "Traceback (most recent call last):\n"
        '  File "/x/vllm/v1/engine/core.py", line 939, in run_engine_core\n'
        "    engine_core.run_busy_loop()\n"
        '  File "/x/vllm/v1/spec_decode/fancy.py", line 300, in propose\n'
        "    self.places[:n] = places\n"
        "AttributeError: 'FancyProposer' object has no attribute 'places'\n"
        "ERROR 11-21 08:10:00 [async_llm.py:700] vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.\n"
    )
    assert start.failure is not None
    assert start.failure.line == "AttributeError: 'FancyProposer' object has no attribute 'places'"


WRAPPER = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"


@pytest.mark.parametrize("prefix", ["", "(APIServer pid=9) ", "vllm-1  | "])
def test_a_file_of_only_the_line_that_reports_an_error_says_that_the_error_is_missing(
    prefix: str,
) -> None:
    failure = only_start(prefix + WRAPPER).failure
    assert failure is not None
    assert failure.kind is FailureKind.UNKNOWN
    assert failure.line_number == 1
    assert "its own error is not in it" in failure.cause
    assert "standard error" in failure.remedy


def test_a_path_in_a_checkout_of_vllm_begins_where_it_does_in_its_repository() -> None:
    failure = failure_of(
        "home/jane/vllm-source/vllm/models/fancy.py forward",
        "RuntimeError: shape '[2, 2]' is invalid for input of size 16",
    )
    assert "(raised in vllm/models/fancy.py:7 in forward)" in failure.cause


def test_the_frames_of_a_notebook_count() -> None:
    start = only_start(
        "KeyError                                  Traceback (most recent call last)\n"
        "Cell In[4], line 1\n"
        '----> 1 llm = LLM(model="org/model")\n'
        "\n"
        "File ~/x/vllm/model_executor/models/fancy.py:374, in FancyModel.load_weights(self, weights)\n"
        "--> 374     param = params_dict[name]\n"
        "\n"
        "KeyError: 'layers.5.fancy.weight'\n"
    )
    assert start.failure is not None
    assert start.failure.kind is FailureKind.CHECKPOINT_MISMATCH


def test_an_engine_of_before_v1_that_is_dead_while_it_serves_is_no_ready_server() -> None:
    start = only_start(
        "INFO 06-09 12:00:00 [api_server.py:1043] vLLM API server version 0.9.0\n"
        "INFO:     Application startup complete.\n"
        "ERROR 06-09 12:03:57 [engine.py:164] Traceback (most recent call last):\n"
        'ERROR 06-09 12:03:57 [engine.py:164]   File "/x/vllm/engine/multiprocessing/engine.py", line 225, in engine_step\n'
        'ERROR 06-09 12:03:57 [engine.py:164]   File "/x/vllm/worker/fancy_runner.py", line 180, in execute_model\n'
        "ERROR 06-09 12:03:57 [engine.py:164] AttributeError: 'FancyModel' object has no attribute 'poolest'\n"
        "CRITICAL 06-09 12:03:57 [launcher.py:116] MQLLMEngine is already dead, terminating server process\n"
    )
    assert start.failure is not None
    assert start.failure.line == "AttributeError: 'FancyModel' object has no attribute 'poolest'"


def test_what_a_process_meets_while_it_ends_is_not_the_root() -> None:
    head = "(EngineCore pid=2) "
    log = (
        f"{head}INFO 11-21 08:00:05 [core.py:116] Initializing a V1 LLM engine (v0.26.0) with config: model='m'\n"
        f"{head}ERROR 11-21 08:00:06 [core.py:9] Traceback (most recent call last):\n"
        f'{head}ERROR 11-21 08:00:06 [core.py:9]   File "/x/vllm/v1/executor/multiproc_executor.py", line 9, in shutdown\n'
        f"{head}ERROR 11-21 08:00:06 [core.py:9] AttributeError: 'MultiprocExecutor' object has no attribute 'workers'\n"
        f"{head}Traceback (most recent call last):\n"
        f'{head}  File "/x/vllm/v1/executor/multiproc_executor.py", line 3, in wait_for_ready\n'
        f"{head}ValueError: the moon is full\n"
    )
    failure = only_start(log).failure
    assert failure is not None
    assert failure.line == "ValueError: the moon is full"
