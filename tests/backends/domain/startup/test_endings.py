"""What stands behind a log says how the server ended, where the log itself says nothing."""

from typing import Any

import pytest

from backends.domain.start import FailureKind, Outcome
from backends.domain.startup.endings import ending_in
from backends.domain.startup.explain import explain

STARTED = """\
(APIServer pid=1) INFO 09-14 07:07:01 [api_utils.py:345]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.26.0
(EngineCore pid=90) INFO 09-14 07:07:06 [core.py:116] Initializing a V1 LLM engine (v0.26.0) with \
config: model='org/model-a', tensor_parallel_size=1, device_config=cuda
(EngineCore pid=90) INFO 09-14 07:07:16 [gpu_model_runner.py:4000] Starting to load model \
org/model-a...
"""
SERVED = """\
(EngineCore pid=90) INFO 09-14 07:08:16 [core.py:250] init engine (profile, create kv cache, \
warmup model) took 20.00 seconds
(APIServer pid=1) INFO 09-14 07:08:20 [api_server.py:1] Starting vLLM server on http://0.0.0.0:8000
(APIServer pid=1) INFO:     Started server process [1]
(APIServer pid=1) INFO:     Application startup complete.
(APIServer pid=1) INFO 09-14 07:09:20 [loggers.py:1] Engine 000: Avg prompt throughput: 1.0
"""
K = FailureKind
SAID = {
    "bash": ("run.sh: line 12:  1234 Killed                  vllm serve org/model-a", K.KILLED),
    "a job of bash": ("[1]+  1234 Killed                  vllm serve org/model-a", K.KILLED),
    "dash": ("Killed", K.KILLED),
    "zsh": ("zsh: killed     vllm serve org/model-a", K.KILLED),
    "a crash in bash": ("1234 Segmentation fault      (core dumped) vllm serve x", K.NATIVE_CRASH),
    "a bus error": ("run.sh: line 3: 77 Bus error (core dumped) vllm serve x", K.NATIVE_CRASH),
    "systemd": (
        "vllm.service: Main process exited, code=killed, status=9/KILL",
        K.KILLED,
    ),
    "a crash under systemd": (
        "vllm.service: Main process exited, code=dumped, status=11/SEGV",
        K.NATIVE_CRASH,
    ),
    "systemd's memory": (
        "vllm.service: A process of this unit has been killed by the OOM killer.",
        K.HOST_OUT_OF_MEMORY,
    ),
    "Slurm's memory": (
        "slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch.",
        K.HOST_OUT_OF_MEMORY,
    ),
    "the kubelet": ("    Reason:       OOMKilled", K.HOST_OUT_OF_MEMORY),
    "docker ps": ("Exited (137) 2 minutes ago", K.KILLED),
    "compose": ("vllm-1 exited with code 137", K.KILLED),
    "kubectl": ("    Exit Code:    139", K.NATIVE_CRASH),
}


def last_start(log: str) -> Any:
    return explain(list(enumerate(log.splitlines(), 1)))[-1]


@pytest.mark.parametrize(("line", "kind"), SAID.values(), ids=SAID)
def test_a_start_that_was_ended(line: str, kind: FailureKind) -> None:
    start = last_start(f"{STARTED}{line}\n")
    assert start.outcome is Outcome.FAILED
    assert (start.failure.kind, start.failure.line_number) == (kind, 4)
    assert start.failure.line in line


@pytest.mark.parametrize(("line", "kind"), SAID.values(), ids=SAID)
def test_a_server_that_was_ended_while_it_served(line: str, kind: FailureKind) -> None:
    start = last_start(f"{STARTED}{SERVED}{line}\n")
    assert start.outcome is Outcome.READY
    assert start.failure.kind is kind


def test_the_root_of_a_failure_wins_over_how_it_ended() -> None:
    root = "(EngineCore pid=90) ERROR 09-14 07:07:35 [core.py:1] RuntimeError: Could not find nvcc"
    start = last_start(f"{STARTED}{root}\nvllm-1 exited with code 1\n")
    assert start.failure.kind is K.BUILD_TOOLS


@pytest.mark.parametrize(
    "line",
    [
        "vllm-1 exited with code 0",
        "    OOMKilled: false",
        '"OOMKilled": false,',
        "INFO 09-14 07:07:35 [x.py:1] Killed all stale workers, going on",
        "the run was aborted by its user",
    ],
)
def test_what_is_no_ending(line: str) -> None:
    assert ending_in([(1, line)]) is None


def test_a_stop_that_was_ordered_is_no_failure() -> None:
    ordered = "(APIServer pid=1) INFO:     Shutting down\n"
    start = last_start(f"{STARTED}{SERVED}{ordered}vllm-1 exited with code 137\n")
    assert start.failure is None


def test_an_ending_far_behind_belongs_to_another() -> None:
    quiet = "nothing of vLLM\n" * 20
    assert last_start(f"{STARTED}{SAID['bash'][0]}\n{quiet}").failure is None
