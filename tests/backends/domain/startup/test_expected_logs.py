"""Real logs of vLLM 0.8 to 0.32 against what a reader of their raw lines finds in them."""

import json
from pathlib import Path

import pytest

from backends.domain.start import Start
from tests.backends.domain.startup.logs import DATA, durations, starts_in

EXPECTED = json.loads((DATA / "expected_logs.json").read_text())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_real_log(shared: Path, name: str) -> None:
    starts = starts_in((shared / "logs" / name).read_bytes())
    assert [found(start) for start in starts] == [
        entry | {"phases": pytest.approx(entry["phases"], abs=0.011)} for entry in EXPECTED[name]
    ]


def test_every_real_log_is_expected(shared: Path) -> None:
    assert {path.name for path in (shared / "logs").glob("*.log")} == set(EXPECTED)


def found(start: Start) -> dict[str, object]:
    failure = start.failure
    return {
        "outcome": start.outcome.value,
        "version": start.vllm_version,
        "model": start.model and start.model.rpartition("/")[2],
        "total_s": rounded(start.total_s),
        "phases": durations(start),
        "reported": {
            phase.name.value: rounded(phase.reported_s)
            for phase in start.phases
            if phase.reported_s is not None
        },
        "slowest": {
            phase.name.value: phase.rank for phase in start.phases if phase.rank is not None
        },
        "unlogged_s": round(start.unlogged_s, 2),
        "weights_gib": start.memory.weights_gib,
        "kv_cache_gib": start.memory.kv_cache_gib,
        "kv_cache_tokens": start.memory.kv_cache_tokens,
        "max_concurrency": start.memory.max_concurrency,
        "activation_peak_gib": start.memory.activation_peak_gib,
        "ranks": len(start.memory.ranks),
        "cuda_graphs_gib": start.memory.cuda_graphs_gib,
        "weights_load_s": rounded(start.weights_load_s),
        "compile_s": rounded(start.compile_s),
        "cuda_graph_s": start.cuda_graph_s,
        "engine_init_s": start.engine_init_s,
        "failure": failure and [failure.kind.value, failure.line_number],
    }


def rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
