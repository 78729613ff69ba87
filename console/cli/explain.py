"""``inferctl explain``: phases, memory and failure of any vLLM log file."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from backends.domain.format import plain_s
from backends.domain.start import Phase, Start
from backends.domain.startup.document import start_document
from backends.domain.startup.explain import explain
from backends.domain.startup.lines import numbered_lines
from backends.domain.startup.log_bytes import ZSTD_MAGIC
from backends.problem import NotFound, Problem
from console.cli.output import document, show, table

CHUNK_BYTES = 1 << 20
LONGEST_LINE = 300
"""Characters of a root line that the text shows; the JSON has it whole."""

LAUNCH_UNLOGGED = "counted from the log's first line; what the launch took before it is in no log"


def run(arguments: argparse.Namespace) -> int:
    """Explain each log; 1 where no start was found in any of them.

    Raises:
        Problem: a file cannot be read.
    """
    found = {name: explain(numbered(name)) for name in arguments.log}
    if arguments.json:
        files = [
            {"log": name, "starts": [start_document(start) for start in starts]}
            for name, starts in found.items()
        ]
        one = {"starts": files[0]["starts"]}
        document(one if len(files) == 1 else {"logs": files})
    else:
        for name, starts in found.items():
            if len(found) > 1:
                show(f"== {name}")
            _tell(starts)
        if any(found.values()):
            show(LAUNCH_UNLOGGED)
    return 0 if any(found.values()) else 1


def numbered(name: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file, or of stdin for ``-``, with their numbers from 1 on.

    Raises:
        NotFound: there is no such file.
        Problem: it cannot be read.
    """
    try:
        if name == "-":
            yield from numbered_lines(_chunks(sys.stdin.buffer))
            return
        with Path(name).open("rb") as file:
            if file.peek(4)[:4] == ZSTD_MAGIC:
                raise Problem(f"{name}: zstd; use `zstd -dc {name} | inferctl explain -`")
            yield from numbered_lines(_chunks(file))
    except FileNotFoundError as error:
        raise NotFound(f"{name}: there is no such file") from error
    except OSError as error:
        raise Problem(f"{name}: {error.strerror}") from error


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _tell(starts: list[Start]) -> None:
    if not starts:
        show("no vLLM start in this file")
    for start in starts:
        version = f"vLLM {start.vllm_version}" if start.vllm_version else "vLLM of unknown version"
        show(f"{start.model or 'unknown model'} on {version}: {start.outcome}")
        table([_phase(phase) for phase in start.phases])
        show(f"unlogged {plain_s(start.unlogged_s)}, total {plain_s(start.total_s)}")
        _tell_memory(start)
        if start.standing is not None:
            show(f"unfinished: {start.standing}")
        if start.failure is not None:
            failure = start.failure
            show(
                f"failure: {failure.kind}, line {failure.line_number or 'unknown'}: "
                f"{failure.line[:LONGEST_LINE]}"
            )
            show(f"cause: {failure.cause}")
            show(f"remedy: {failure.remedy}")
        show()


def _phase(phase: Phase) -> tuple[str, ...]:
    reported = "" if phase.reported_s is None else f"vLLM says {phase.reported_s:.2f} s"
    rank = "" if phase.rank is None else f"rank {phase.rank}"
    return (
        f"  {phase.name}",
        f"{phase.start_s:9.1f} s",
        f"{plain_s(phase.duration_s):>10}",
        reported,
        rank,
    )


def _tell_memory(start: Start) -> None:
    memory = start.memory
    told = [
        f"{words} {value:.2f} GiB"
        for words, value in (
            ("weights", memory.weights_gib),
            ("KV cache", memory.kv_cache_gib),
            ("CUDA graphs", memory.cuda_graphs_gib),
            ("activation peak", memory.activation_peak_gib),
        )
        if value is not None
    ]
    if memory.kv_cache_tokens is not None:
        told.append(f"{memory.kv_cache_tokens:,} tokens of KV cache")
    show("memory: " + (", ".join(told) or "not in this log"))
