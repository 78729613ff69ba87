# ruff: noqa: E501  (lines of vLLM are quoted whole)
"""Logs as collectors keep them: fields of JSON, and many lines on one."""

import json
from collections.abc import Callable

import pytest

from backends.domain.start import FailureKind
from backends.domain.startup.collected import is_one, lines_in
from tests.backends.domain.startup.logs import only_start, starts_in

ERROR = "(EngineCore pid=9) ERROR 09-14 07:07:33 [core.py:1108] "
LINES = (
    "(APIServer pid=1) INFO 09-14 07:07:01 [utils.py:273] non-default args: {'model': 'org/model'}",
    (
        "(EngineCore pid=9) INFO 09-14 07:07:06 [core.py:116] Initializing a V1 LLM engine (v0.26.0) "
        "with config: model='org/model', tensor_parallel_size=2"
    ),
    f"{ERROR}Traceback (most recent call last):",
    f'{ERROR}  File "/x/vllm/lora/peft_helper.py", line 3, in validate_legal',
    f"{ERROR}    raise ValueError(",
    f"{ERROR}ValueError: LoRA rank 128 is greater than max_lora_rank 32.",
)
PLAIN = (
    *LINES[:2],
    "Traceback (most recent call last):",
    '  File "/x/vllm/lora/peft_helper.py", line 3, in validate_legal',
    "    raise ValueError(",
    "    ^^^^^^^^^^^^^^^^^",
    "ValueError: LoRA rank 128 is greater than max_lora_rank 32.",
)


def _time(n: int) -> str:
    return f"2026-09-14T07:07:{n:02}.000000001Z"


FIELDS: dict[str, Callable[[int, str], dict[str, object]]] = {
    "docker's json-file": lambda n, line: {
        "log": line + "\n",
        "stream": "stderr",
        "time": _time(n),
    },
    "fluent-bit": lambda n, line: {"date": n, "log": line, "kubernetes": {"pod_name": "vllm-0"}},
    "google cloud, text": lambda n, line: {"textPayload": line, "timestamp": _time(n)},
    "google cloud, json": lambda n, line: {"jsonPayload": {"message": line}, "timestamp": _time(n)},
    "cloudwatch": lambda n, line: {"timestamp": 1732176000000 + n, "message": line},
    "journald": lambda n, line: {"_PID": "7", "MESSAGE": line, "_COMM": "vllm"},
    "loki": lambda n, line: {"labels": {"app": "v"}, "line": line, "timestamp": _time(n)},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("lines", [LINES, PLAIN])
@pytest.mark.parametrize("collector", FIELDS)
def test_a_collector_that_keeps_each_line_in_a_field(
    collector: str, lines: tuple[str, ...], indent: int | None
) -> None:
    entries = [FIELDS[collector](n, line) for n, line in enumerate(lines)]
    written = [json.dumps(entry) for entry in entries]
    start = only_start(json.dumps(entries, indent=2) if indent else "\n".join(written))
    assert (start.model, start.vllm_version) == ("org/model", "0.26.0")
    assert start.failure is not None
    assert start.failure.kind is FailureKind.BAD_ARGUMENT
    assert start.failure.line == "ValueError: LoRA rank 128 is greater than max_lora_rank 32."
    assert indent or start.failure.line_number == len(lines)


ONES: dict[str, Callable[[tuple[str, ...]], str]] = {
    "blanks for ends of lines": " ".join,
    "one blank between all words": lambda lines: " ".join(" ".join(lines).split()),
    "ends of lines spelt out": r"\n".join,
    "one event": lambda lines: json.dumps({"message": "\n".join(lines)}),
    "one event, ends spelt out": lambda lines: json.dumps({"message": r"\n".join(lines)}),
}


@pytest.mark.parametrize("lines", [LINES, PLAIN])
@pytest.mark.parametrize("shape", ONES)
def test_a_log_on_one_line(shape: str, lines: tuple[str, ...]) -> None:
    start = only_start(ONES[shape](lines))
    assert (start.model, start.vllm_version) == ("org/model", "0.26.0")
    assert start.failure is not None
    assert (start.failure.kind, start.failure.line_number) == (FailureKind.BAD_ARGUMENT, 1)
    assert start.failure.line == "ValueError: LoRA rank 128 is greater than max_lora_rank 32."


@pytest.mark.parametrize(
    "crash",
    [
        "Memory access fault by GPU node-2 (Agent handle: 0x26ff9f00) on address 0x7edb. Reason: Unknown.",
        "Fatal Python error: Segmentation fault",
    ],
)
def test_a_crash_behind_another_line(crash: str) -> None:
    lines = (*LINES[:2], "Capturing CUDA graphs:   0%|          | 0/51 [00:00<?, ?it/s]", crash)
    died = "(EngineCore pid=9) ERROR 09-14 07:09:20 [multiproc_executor.py:284] Worker proc VllmWorker-0 died unexpectedly"
    (start,) = starts_in(" ".join((*lines, died)))
    assert start.failure is not None
    assert start.failure.line == crash


def test_frames_without_their_indentation_and_headers_without_a_time() -> None:
    frame = 'File "/x/vllm/model_executor/layers/quantization/fancy.py", line 3, in __init__'
    error = "ValueError: FANCY requires symmetric scales, got asymmetric"
    for head in ("[multiproc_executor.py:932] ", "ERROR [core.py:1136] "):
        stripped = f"{LINES[0]}\n{head}{frame}\n{head}self.scheme = scheme(\n{head}{error}"
        start = only_start(stripped)
        assert start.failure is not None
        assert (start.failure.kind, start.failure.line) == (FailureKind.NO_KERNEL, error)


@pytest.mark.parametrize(
    "line",
    [
        "(EngineCore pid=9) (RayWorkerProc pid=4, ip=10.0.0.2) (Worker_TP1 pid=4) INFO 09-14 07:07:32 [gpu_model_runner.py:5405] Model loading took 33.40 GiB memory and 17.6 seconds and nothing more of it",
        '{"asctime": "2026-09-14 07:07:02,100", "levelname": "ERROR", "message": "Traceback", "exc_info": "  File \\"x.py\\", line 1, in f"}',
        "(EngineCore pid=9) ERROR 09-14 07:07:33 [core.py:1108] RuntimeError: Worker failed with error 'TypeError: odd\\n\\nfrom user code:\\n  File \"/x/vllm/y.py\", line 3, in f', please check the stack trace above for the root cause",
        "INFO 09-14 07:07:33 [logger.py:43] Received request chatcmpl-1: prompt: 'why does x.py say ValueError: odd', params: SamplingParams(n=1, temperature=0.7, top_p=0.95, seed=None)",
        "{",
        "  ",
        "F",
    ],
)
def test_a_line_that_is_one_stays_as_it_is(line: str) -> None:
    assert ([line] if is_one(line) else list(lines_in(line))) == [line]
