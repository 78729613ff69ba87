# ruff: noqa: E501  (lines of vLLM are quoted whole)

"""One failed start in every shape in which a log reaches a reader."""

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest

from backends.domain.start import FailureKind
from backends.domain.startup.lines import numbered_lines
from tests.backends.domain.startup.logs import only_start

LINES = (
    "(APIServer pid=1) INFO 09-14 07:07:01 [utils.py:273] non-default args: {'model': 'org/model'}",
    (
        "(EngineCore pid=9) INFO 09-14 07:07:06 [core.py:116] Initializing a V1 LLM engine (v0.26.0) "
        "with config: model='org/model', tensor_parallel_size=2"
    ),
    (
        "(EngineCore pid=9) (RayWorkerProc pid=4, ip=10.0.0.2) (Worker_TP1 pid=4) INFO 09-14 07:07:32 "
        "[gpu_model_runner.py:5405] Model loading took 33.40 GiB memory and 17.6 seconds"
    ),
    "Traceback (most recent call last):",
    '  File "/x/vllm/v1/engine/core.py", line 3, in step',
    "ValueError: LoRA rank 128 is greater than max_lora_rank 32.",
)
LOG = "\n".join(LINES) + "\n"


def prefixed(prefix: str) -> bytes:
    return "".join(
        prefix.replace("NN", str(n)) + line + "\n" for n, line in enumerate(LINES, 1)
    ).encode()


SHAPES: dict[str, Callable[[], bytes]] = {
    "plain": LOG.encode,
    "docker compose": lambda: prefixed("vllm-1  | "),
    "docker with times": lambda: prefixed("2026-09-14T07:07:40.123456789Z "),
    "kubernetes": lambda: prefixed("[pod/vllm-0/vllm] "),
    "stern": lambda: prefixed("vllm-6d9f vllm "),
    "journald": lambda: prefixed("Sep 14 07:07:40 host vllm[77]: "),
    "slurm": lambda: prefixed("0: "),
    "grep": lambda: prefixed("server.log:NN:"),
    "logfmt": lambda: "".join(
        'time="2026-09-14T07:07:40Z" level=info msg="{}" component=vllm\n'.format(
            line.replace("\\", "\\\\").replace('"', '\\"')
        )
        for line in LINES
    ).encode(),
    "quoted in a reply": lambda: prefixed("> "),
    "indented": lambda: prefixed("    "),
    "colour": lambda: (
        LOG.replace("(Engine", "\x1b[1;36m(Engine").replace("9) ", "9)\x1b[0;0m ").encode()
    ),
    "colour without escape": lambda: (
        LOG.replace("(Engine", "[1;36m(Engine").replace("9) ", "9)[0;0m ").encode()
    ),
    "rsyslog": lambda: (
        LOG.replace("(Engine", "#033[1;36m(Engine")
        .replace("9) ", "9)#033[0;0m ")
        .replace("\n", "#015\n")
        .encode()
    ),
    "carriage returns": lambda: LOG.replace("\n", "\r\n").encode(),
    "UTF-16": lambda: LOG.encode("utf-16"),
    "UTF-16 big-endian": lambda: b"\xfe\xff" + LOG.encode("utf-16-be"),
    "UTF-16 without a mark": lambda: LOG.encode("utf-16-le"),
    "UTF-16 big-endian without a mark": lambda: LOG.encode("utf-16-be"),
    "byte order mark": lambda: LOG.encode("utf-8-sig"),
    "gzip": lambda: gzip.compress(LOG.encode()),
    "gzip in members": lambda: b"".join(gzip.compress(f"{x}\n".encode()) for x in LINES),
    "xz": lambda: lzma.compress(LOG.encode()),
    "bzip2": lambda: bz2.compress(LOG.encode()),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape(shape: str) -> None:
    start = only_start(SHAPES[shape]())
    assert (start.model, start.vllm_version) == ("org/model", "0.26.0")
    assert start.memory.weights_gib == 33.4
    assert start.failure is not None
    assert (start.failure.kind, start.failure.line_number) == (FailureKind.BAD_ARGUMENT, 6)
    assert start.failure.line == LINES[-1]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("shape", ["UTF-16", "gzip in members", "xz", "bzip2"])
def test_pieces_of_any_size(shape: str, size: int) -> None:
    log = SHAPES[shape]()
    pieces = [log[at : at + size] for at in range(0, len(log), size)]
    assert [line for _, line in numbered_lines(pieces)] == list(LINES)


def test_a_packed_log_that_was_cut_off_gives_what_stands_before() -> None:
    packed = gzip.compress(LOG.encode() * 50)
    (_, first), *_ = numbered_lines([packed[: len(packed) // 2]])
    assert first == LINES[0]


def test_a_json_record_that_is_nested_too_deep_to_read_does_not_end_the_reading() -> None:
    record = '{"asctime": "2026-09-14 07:07:02,100", "message": "Traceback", "exc_info": '
    deep = record + "[" * 50_000 + "]" * 50_000 + "}\n"
    start = only_start((LINES[0] + "\n" + deep + LOG.partition("\n")[2]).encode())
    assert start.failure is not None
    assert start.failure.kind is FailureKind.BAD_ARGUMENT
