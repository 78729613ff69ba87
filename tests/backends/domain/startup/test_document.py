import json

from backends.domain.startup.document import start_document
from tests.backends.domain.startup.logs import only_start, recorded

KEYS = [
    "vllm_version",
    "model",
    "outcome",
    "total_s",
    "phases",
    "unlogged_s",
    "weights_load_s",
    "compile_s",
    "cuda_graph_s",
    "engine_init_s",
    "reason",
    "standing",
    "memory",
    "failure",
    "served_s",
    "request_errors",
]
MEMORY = [
    "weights_gib",
    "kv_cache_gib",
    "kv_cache_tokens",
    "max_concurrency",
    "cuda_graphs_gib",
    "activation_peak_gib",
    "ranks",
    "reason",
]


def test_a_ready_start() -> None:
    document = start_document(only_start(recorded("compiled")))
    assert list(document) == KEYS
    assert list(document["memory"]) == MEMORY
    assert json.loads(json.dumps(document)) == document
    assert document["outcome"] == "ready"
    assert document["phases"][1] == {
        "name": "spawn_engine",
        "start_s": 0,
        "duration_s": 6,
        "reported_s": None,
        "rank": None,
        "detail": {},
        "ranks": [],
    }
    assert document["memory"]["weights_gib"] is None
    assert "the size of the weights" in document["memory"]["reason"]
    assert document["memory"]["ranks"][0]["kv_cache_gib"] == 1.0
    assert document["failure"] is None


def test_a_failed_start() -> None:
    document = start_document(only_start(recorded("bad_flag")))
    assert document["total_s"] is None
    assert document["reason"] == "the log's lines carry no times"
    assert document["failure"] == {
        "kind": "bad_argument",
        "line_number": 5,
        "line": "vllm: error: unrecognized arguments: --no-such-flag 3",
        "cause": "This vLLM has no such argument: --no-such-flag 3.",
        "remedy": "Remove or correct --no-such-flag 3; `vllm serve --help=all` lists all that this "
        "version has.",
    }
