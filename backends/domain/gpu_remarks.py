"""What there is to say about a GPU beside its figures: why some are missing, what is special."""

from backends.domain.gpu import Gpu

_FIGURES = {
    "busy_percent": "activity",
    "power_w": "power",
    "temperature_c": "temperature",
    "throttled": "clock limits",
}


def remarks(gpu: Gpu) -> tuple[str, ...]:
    """Return sentences, the weightiest first; figures missing for the same reason share one."""
    memory = gpu.memory
    told = [memory.reason] if memory.reason else []
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
