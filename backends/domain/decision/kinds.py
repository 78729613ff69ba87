"""The vocabulary of verdicts, and which of them each option stands for."""

from enum import StrEnum


class VerdictKind(StrEnum):
    """What can be decided."""

    SELF_HOST_CHEAPER = "SELF_HOST_CHEAPER"
    API_CHEAPER = "API_CHEAPER"
    HYBRID_CHEAPER = "HYBRID_CHEAPER"
    RESERVED_CHEAPER = "RESERVED_CHEAPER"
    SERVERLESS_GPU_CHEAPER = "SERVERLESS_GPU_CHEAPER"
    TOO_CLOSE = "TOO_CLOSE"
    NO_CROSSOVER = "NO_CROSSOVER"
    OVER_CAPACITY = "OVER_CAPACITY"
    CAPACITY_UNKNOWN = "CAPACITY_UNKNOWN"
    SLO_EXCLUDES = "SLO_EXCLUDES"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    UNPRICED = "UNPRICED"
    STALE_PRICES = "STALE_PRICES"
    NOT_COMPARABLE = "NOT_COMPARABLE"


_CHEAPER = {
    "api": VerdictKind.API_CHEAPER,
    "on_demand": VerdictKind.SELF_HOST_CHEAPER,
    "owned": VerdictKind.SELF_HOST_CHEAPER,
    "destroyed_when_idle": VerdictKind.SELF_HOST_CHEAPER,
    "stopped_when_idle": VerdictKind.SELF_HOST_CHEAPER,
    "reserved": VerdictKind.RESERVED_CHEAPER,
    "provisioned_throughput": VerdictKind.RESERVED_CHEAPER,
    "serverless_gpu": VerdictKind.SERVERLESS_GPU_CHEAPER,
    "serverless_gpu_kept_warm": VerdictKind.SERVERLESS_GPU_CHEAPER,
    "hybrid": VerdictKind.HYBRID_CHEAPER,
}


def cheaper(option: str) -> VerdictKind:
    """Return the verdict that an option of this name is the cheapest."""
    return _CHEAPER[option]
