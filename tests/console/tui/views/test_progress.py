"""What the row of the running phase says, from the very lines and facts that a start has."""

from collections.abc import Sequence

import pytest

from backends.domain.facts import DownloadSeen, PhaseBegan, ServerFact
from backends.domain.stamp import Stamp
from backends.domain.start import PhaseName
from backends.domain.startup.fold import apply, as_start, running_phase
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.domain.startup.state import begin
from console.tui.views.progress import item

LOADING = "(EngineCore pid=7) INFO 11-21 08:00:00 [a.py:1] Starting to load model m..."
SHARDS = "Loading safetensors checkpoint shards:  {share}% Completed | {n}/4 [00:01<00:03,  1s/it]"
GRAPHS = "Capturing CUDA graphs ({mode}):  50%|█████     | {n}/{total} [00:03<00:03,  2.31it/s]"
TUNING = "[AutoTuner]: Tuning fp4_gemm:  12%|█▏        | 2/17 [00:00<00:03,  4.82profile/s]"
BUILD = "(Worker_TP{rank} pid={rank}) [aiter] {message}"
BATON = "waiting for baton release at /cache/aiter/jit/build/lock_module_quant"
AITER_BAR = (
    "[Aiter Triton] Pre-compiling gemm_a8w8:  33%|███       | 12/36 [00:05<00:10,  2.40it/s]"
)


def at(seconds: float) -> Stamp:
    return Stamp(100.0 + seconds, 1e9 + seconds)


def said(facts: Sequence[ServerFact], at_s: float) -> str:
    """Return what the running phase's row says once these facts are known."""
    state = begin("s", at(0))
    for fact in facts:
        state = apply(state, fact)
    start = as_start(state, at(at_s))
    assert start.progress is not None
    assert running_phase(state) is start.progress.phase
    (phase,) = (each for each in start.phases if each.name is start.progress.phase)
    return item(phase, start.progress)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((LOADING, SHARDS.format(share=25, n=1)), "shard 1/4"),
        ((LOADING, SHARDS.format(share=25, n=1), SHARDS.format(share=75, n=3)), "shard 3/4"),
        ((LOADING, GRAPHS.format(mode="decode, FULL", n=18, total=35)), "FULL graph 18/35"),
        (
            (LOADING, GRAPHS.format(mode="mixed prefill-decode, PIECEWISE", n=34, total=67)),
            "PIECEWISE graph 34/67",
        ),
        ((LOADING, TUNING), "fp4_gemm profile 2/17"),
        (
            (
                LOADING,
                BUILD.format(rank=0, message="start build [module_quant] under /cache"),
                BUILD.format(rank=1, message=BATON),
            ),
            "1 waited for another rank",
        ),
        (
            (
                LOADING,
                BUILD.format(rank=0, message="start build [module_quant] under /cache"),
                BUILD.format(rank=1, message="start build [module_gemm] under /cache"),
                BUILD.format(rank=0, message="finish build [module_quant], cost 2.0s "),
            ),
            "1 built, last module_quant",
        ),
        ((LOADING, AITER_BAR), "gemm_a8w8 12/36"),
    ],
)
def test_lines_of_a_log(lines: tuple[str, ...], expected: str) -> None:
    reader, splitter = StartReader(), LineSplitter()
    split = [
        line for text in lines for line in splitter.feed(text.encode() + b"\r")
    ] + splitter.rest()
    facts = [fact for place, line in enumerate(split) for fact in reader.feed(at(place + 1), line)]
    assert said(facts, 20) == expected


@pytest.mark.parametrize(
    ("total", "per_s", "expected"),
    [
        (68_000_000_000, 410e6, "12.4/68.0 GB 0.41 GB/s 2:16 left"),
        (68_000_000_000, None, "12.4/68.0 GB"),
        (None, 410e6, "12.4 GB 0.41 GB/s"),
        (None, None, "12.4 GB of an unknown total"),
    ],
)
def test_a_download_in_the_cache(total: int | None, per_s: float | None, expected: str) -> None:
    facts: list[ServerFact] = [
        PhaseBegan(at(1), PhaseName.LOAD_WEIGHTS),
        DownloadSeen(at(10), at(1), 12_400_000_000, total, per_s),
    ]
    assert said(facts, 12) == expected
