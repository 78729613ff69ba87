"""Options in words, and why one cannot be chosen."""

from backends.domain.decision.exclusion import (
    Batched,
    ColdStarts,
    Detail,
    Exclusion,
    ExclusionKind,
    Missing,
    Remedies,
    Slow,
    TooFewGpus,
    TooFewWarm,
    Unmeasured,
)
from backends.domain.decision.option import Option
from backends.domain.format import figure

_NAMES = {
    "api": "the API",
    "on_demand": "{n} on demand",
    "owned": "{n} of your own",
    "spot": "{n} on spot",
    "reserved": "{n} reserved",
    "destroyed_when_idle": "{n} destroyed when idle",
    "stopped_when_idle": "{n} powered off when idle",
    "serverless_gpu": "a serverless GPU",
    "serverless_gpu_kept_warm": "a serverless GPU kept warm",
    "provisioned_throughput": "provisioned throughput",
    "hybrid": "{n} with the API for the overflow",
    "scheduled": "{n} by schedule",
    "scheduled_hybrid": "{n} by schedule with the API for the overflow",
    "reserved_and_on_demand": "{n}, reserved and for peaks on demand",
}


def name_of(option: Option) -> str:
    """Return an option as a noun, such as ``2 GPUs on demand``."""
    count = option.replicas or 1
    return _NAMES[option.name].format(n="one GPU" if count == 1 else f"{count} GPUs")


def excluded_because(exclusion: Exclusion | None, remedies: Remedies) -> str:
    """Return why an option cannot be chosen, after the word for its kind; empty where it can."""
    if exclusion is None:
        return ""
    said = f"{exclusion.kind.value}: {detail(exclusion.detail)}"
    if exclusion.kind is ExclusionKind.CAPACITY_UNKNOWN and remedies.measure is not None:
        said += f"; run: {remedies.measure.command}"
    return said


def detail(of: Detail) -> str:  # noqa: PLR0911 - one for each kind
    """Return what rules an option out, as a clause."""
    match of:
        case Missing():
            said = _MISSING.get(of.key, f"{of.key} is missing")
            return f"{said}, and it is billed" if of.billed else said
        case Unmeasured():
            return f"whether one GPU carries {figure(of.peak_rps)} req/s is not measured"
        case TooFewGpus():
            peak = figure(of.peak_rps)
            return f"the peak of {peak} req/s needs {of.needed} GPUs, there are {of.available}"
        case Slow():
            whose = "its" if of.side == "endpoint" else f"the {of.side}'s"
            return f"{whose} p99 TTFT is {p99_of(of)}, the limit is {figure(of.limit_s)} s"
        case ColdStarts():
            return (
                f"{of.share * 100:.0f} % of requests meet a cold start of {of.cold_start_s} s, "
                f"the p99 TTFT limit is {of.limit_s} s"
            )
        case TooFewWarm():
            return f"{of.warm} warm of {of.needed} that the peak needs; the rest start cold"
        case Batched():
            return "batch prices come without any limit on the time to first token"


_MISSING = {
    "usd_per_request": "a token price or a token count is missing",
    "service_s": "service_s (or hours_per_day, the busy hours) is missing",
}


def p99_of(of: Slow) -> str:
    """Return a percentile as far as it is known."""
    return f"above {figure(of.p99_s)} s" if of.at_least else f"{of.p99_s} s"
