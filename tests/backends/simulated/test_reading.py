"""What the reader of starts makes of the simulation: phases, memory, and every failure."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from backends.domain.server import Exit
from backends.domain.stamp import Stamp
from backends.domain.start import FailureKind, Outcome, PhaseName, Start
from backends.domain.startup.fold import apply, as_start
from backends.domain.startup.lines import LineSplitter
from backends.domain.startup.reader import StartReader
from backends.domain.startup.state import begin
from tests.backends.simulated.conftest import Failed, Server

Serve = Callable[..., Server]
SPEED = 25.0


def read(began_s: float, arrivals: list[tuple[float, bytes]], code: int) -> Start:
    """Read all that an ended server said, at the times at which it came."""
    state = begin("start", Stamp(began_s, time.time()))
    splitter, reader = LineSplitter(), StartReader()
    at = Stamp(began_s, time.time())
    for mono_s, data in arrivals:
        at = Stamp(mono_s, time.time())
        for line in splitter.feed(data):
            for fact in reader.feed(at, line):
                state = apply(state, fact)
    for line in splitter.rest():
        for fact in reader.feed(at, line):
            state = apply(state, fact)
    ended = Exit(code, None) if code >= 0 else Exit(None, -code)
    for fact in reader.close(at, ended):
        state = apply(state, fact)
    return as_start(state, at)


def started(serve: Serve, **controls: object) -> Start:
    began_s = time.monotonic()
    server = serve(**controls).until_ready()
    server.process.terminate()
    code = server.exit_code()
    server.all_output()
    return read(began_s, server.arrivals, code)


def recorded_s(start: Start, name: PhaseName) -> float:
    (phase,) = [phase for phase in start.phases if phase.name == name]
    assert phase.duration_s is not None
    return phase.duration_s * SPEED


@pytest.mark.slow
def test_the_published_start_is_read_as_published(serve: Serve) -> None:
    start = started(serve, speed=SPEED)
    assert start.outcome is Outcome.READY
    assert start.ready_s is not None
    assert start.ready_s * SPEED + 0.32 == pytest.approx(61.0, rel=0.05)
    weights_s, compile_s, graphs_s = (
        recorded_s(start, name)
        for name in (PhaseName.LOAD_WEIGHTS, PhaseName.COMPILE, PhaseName.CAPTURE_GRAPHS)
    )
    assert weights_s == pytest.approx(24.0, abs=1.0)
    assert compile_s == pytest.approx(4.0, abs=1.0)
    assert graphs_s == pytest.approx(11.0, abs=1.0)
    rest_s = start.ready_s * SPEED - weights_s - compile_s - graphs_s
    assert rest_s == pytest.approx(21.0 + 0.68, abs=2.0)
    assert start.engine_init_s == pytest.approx(21.0 / SPEED, abs=0.01)
    assert start.memory.weights_gib == 68.02
    assert start.memory.kv_cache_gib == 100.24
    assert start.memory.kv_cache_tokens == 1_459_872
    assert start.memory.cuda_graphs_gib == 0.94


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("h100-llama-8b", "0.13.0"),
        ("tp2", "0.22.1"),
        ("eager-old-0.11", "0.11.0"),
        ("cpu-tiny", "0.32.0"),
    ],
)
def test_every_shipped_start_is_read_to_the_end(serve: Serve, name: str, version: str) -> None:
    start = started(serve, start=name, speed=100)
    assert (start.outcome, start.vllm_version) == (Outcome.READY, version)
    assert start.model == "openai/gpt-oss-120b"
    assert PhaseName.LOAD_WEIGHTS in [phase.name for phase in start.phases]
    assert start.memory.kv_cache_tokens is not None
    assert len(start.memory.ranks) == (2 if name == "tp2" else 1)
    for earlier, later in pairwise(start.phases):
        assert earlier.start_s <= later.start_s or later.name is PhaseName.PROFILE_MEMORY


@pytest.mark.parametrize("kind", FailureKind, ids=str)
def test_every_failure_is_recognised(
    failed: Callable[[FailureKind], Failed], kind: FailureKind
) -> None:
    end = failed(kind)
    failure = read(end.began_s, end.arrivals, end.exit_code).failure
    assert failure is not None
    silent = kind is FailureKind.HOST_OUT_OF_MEMORY
    assert failure.kind == (FailureKind.KILLED if silent else kind)
    assert "memory" in failure.cause or not silent
