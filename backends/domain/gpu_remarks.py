"""What there is to say about a GPU beside its figures: why some are missing, what is special."""

from backends.domain.gpu import Gpu

_FIGURES = {
    "busy_percent": "activity",
    "power_w": "power",
    "temperature_c": "temperature",
    "throttled": "clock limits",
}


_MOST_BYTES = 1 << 48
"""256 TiB, beyond any memory of one GPU."""


def impossible_memory(gpu: Gpu) -> str:
    """Return why what a driver says of a GPU's memory cannot be, empty where it can."""
    memory = gpu.memory
    if memory.total_bytes is None:
        return ""
    if not 0 < memory.total_bytes < _MOST_BYTES:
        return f"its driver says that it has {memory.total_bytes} bytes, which no GPU has"
    used, reserved = memory.used_bytes or 0, memory.reserved_bytes or 0
    if used + reserved > memory.total_bytes:
        return "more of its memory is used and reserved than it has, says its driver"
    return ""


def remarks(gpu: Gpu) -> tuple[str, ...]:
    """Return sentences, the weightiest first; figures missing for the same reason share one."""
    memory = gpu.memory
    told = [memory.reason] if memory.reason else []
    if impossible := impossible_memory(gpu):
        told.append(impossible)
    if memory.unified:
        told.append("shares the host's memory")
    if gpu.throttled:
        told.append(f"clocks limited by {', '.join(gpu.throttled)}")
    missing: dict[str, list[str]] = {}
    for name, reason in gpu.reasons:
        missing.setdefault(reason, []).append(_FIGURES.get(name, name))
    for reason, names in missing.items():
        if not memory.reason.startswith(reason):  # one silence takes all figures, told once
            told.append(f"no {' or '.join(names)}: {reason}")
    if gpu.processes_reason and not memory.reason.startswith(gpu.processes_reason):
        told.append(gpu.processes_reason)
    return tuple(told)
