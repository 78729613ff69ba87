"""The places that were drawn, with the kind a reader of their source gave each.

The labels are of the sense: what an operator is to understand, whichever words vLLM chooses. They
were made from vLLM's source alone, before and apart from what names the kinds here.
"""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[4] / "data" / "raises"
FILES = {
    path: json.loads(path.read_text())["seed"] for path in sorted(FOLDER.glob("labelled*.json"))
}
"""The files of labels, each with the seed that drew its places."""

KINDS = frozenset(
    {
        "bad_argument",
        "bad_checkpoint",
        "build_tools",
        "checkpoint_mismatch",
        "communication_failed",
        "dependency_error",
        "device_busy",
        "disk_full",
        "download_failed",
        "driver_mismatch",
        "engine_died",
        "engine_hung",
        "free_memory_below_target",
        "gated_model",
        "gpu_fault",
        "gpu_out_of_memory",
        "host_limit",
        "host_out_of_memory",
        "internal_error",
        "invalid_batch_limits",
        "invalid_parallelism",
        "killed",
        "kv_cache_too_small",
        "max_model_len_too_large",
        "model_not_found",
        "native_crash",
        "no_device",
        "no_kernel",
        "no_kv_cache_memory",
        "no_network",
        "permission_denied",
        "port_in_use",
        "rank_missing",
        "shared_memory_full",
        "startup_timeout",
        "unknown",
        "unsupported_architecture",
        "unsupported_dtype",
    }
)
"""The kinds that may be given, `unknown` where nobody could tell from the words and the place."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One place of vLLM's source, a message of its making, and what it means."""

    file: str
    line: int
    function: str
    within: str | None
    exception: str
    message: str
    kind: str
    also: list[str]
    """Kinds that a reader would accept too; `kind` is the one that fits best."""
    why: str


def labelled(*seeds: int) -> list[Labelled]:
    """Return the places of these draws, of all where none is named, in the order of the draw."""
    return [
        Labelled(**each)
        for path, seed in FILES.items()
        if not seeds or seed in seeds
        for each in json.loads(path.read_text())["raises"]
    ]
