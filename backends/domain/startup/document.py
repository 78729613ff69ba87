"""A `Start` as the JSON object of ``explain --json``: stable keys, null for what is unknown."""

from dataclasses import asdict
from typing import Any

from backends.domain.start import RankPhase, Start, StartMemory

_LABELS = {
    "weights_gib": "the size of the weights",
    "kv_cache_gib": "the KV cache in GiB",
    "kv_cache_tokens": "the KV cache in tokens",
    "max_concurrency": "the concurrency",
    "cuda_graphs_gib": "the CUDA graphs' size",
    "activation_peak_gib": "the activation peak",
}


def start_document(start: Start) -> dict[str, Any]:
    """Return one entry of ``starts``: only dicts, lists, strings, numbers, booleans and null.

    Seconds are rounded to the microsecond. `reason` says, where something of the start or of its
    memory is null, why; it is null itself where all is known.
    """
    return {
        "vllm_version": start.vllm_version,
        "model": start.model,
        "outcome": start.outcome.value,
        "total_s": _rounded(start.total_s),
        "phases": [
            {
                "name": phase.name.value,
                "start_s": _rounded(phase.start_s),
                "duration_s": _rounded(phase.duration_s),
                "reported_s": phase.reported_s,
                "rank": phase.rank,
                "detail": dict(phase.detail),
                "ranks": [_rank(share) for share in phase.ranks],
            }
            for phase in start.phases
        ],
        "unlogged_s": _rounded(start.unlogged_s),
        "weights_load_s": _rounded(start.weights_load_s),
        "compile_s": _rounded(start.compile_s),
        "cuda_graph_s": _rounded(start.cuda_graph_s),
        "engine_init_s": _rounded(start.engine_init_s),
        "reason": _why_unknown(start),
        "standing": start.standing,
        "memory": _memory(start.memory),
        "failure": None if start.failure is None else _plain(asdict(start.failure)),
        "served_s": _rounded(start.served_s),
        "request_errors": None if start.request_errors is None else asdict(start.request_errors),
    }


def _rank(share: RankPhase) -> dict[str, Any]:
    return {
        "rank": share.rank,
        "start_s": _rounded(share.start_s),
        "duration_s": _rounded(share.duration_s),
        "reported_s": share.reported_s,
    }


def _memory(memory: StartMemory) -> dict[str, Any]:
    document = asdict(memory)
    document["ranks"] = [asdict(rank) for rank in memory.ranks]
    absent = [label for name, label in _LABELS.items() if document[name] is None]
    document["reason"] = f"the log does not tell {_listed(absent)}" if absent else None
    return document


def _why_unknown(start: Start) -> str | None:
    if start.total_s is None:
        return "the log's lines carry no times"
    absent = [
        label
        for value, label in (
            (start.vllm_version, "the version"),
            (start.model, "the model"),
            (start.weights_load_s, "how long the weights took"),
            (start.compile_s, "how long the compilation took"),
            (start.cuda_graph_s, "how long the graph capture took"),
            (start.engine_init_s, "how long the engine took"),
        )
        if value is None
    ]
    return f"the log does not tell {_listed(absent)}" if absent else None


def _listed(labels: list[str]) -> str:
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)


def _plain(failure: dict[str, Any]) -> dict[str, Any]:
    return failure | {"kind": failure["kind"].value}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
