"""Where the running phase is, in the words of its row."""

from backends.domain import format as fmt
from backends.domain.start import Phase, PhaseName, Progress

BYTES_PER_GB = 1e9


def item(phase: Phase, progress: Progress) -> str:
    """Return for example ``shard 9/15``, or what is fetched, how fast, and for how long still."""
    if progress.item == "bytes":
        return _fetched(progress)
    if phase.name is PhaseName.JIT_BUILD:
        return _built(phase, progress)
    total = f"/{progress.total}" if progress.total else ""
    return f"{progress.item} {progress.done}{total}"


def _fetched(progress: Progress) -> str:
    """Return ``12.4/68.0 GB 0.41 GB/s 2:16 left``; what is not known is left out."""
    total = f"/{progress.total / BYTES_PER_GB:.1f}" if progress.total else ""
    told = [f"{progress.done / BYTES_PER_GB:.1f}{total} GB"]
    if progress.per_s:
        told.append(f"{progress.per_s / BYTES_PER_GB:.2f} GB/s")
        if progress.total and progress.total > progress.done:
            told.append(f"{fmt.clock((progress.total - progress.done) / progress.per_s)} left")
    elif not progress.total:
        told.append("of an unknown total")
    return " ".join(told)


def _built(phase: Phase, progress: Progress) -> str:
    """Return how many modules were built and which last, or how far the kernels of one are."""
    if progress.total is not None:
        return f"{progress.item} {progress.done}/{progress.total}"
    if progress.item == "waits":
        return f"{progress.done} waited for another rank"
    last = dict(phase.detail).get("modules", "").rpartition(", ")[2]
    return f"{progress.done} built" + (f", last {last}" if last else "")
