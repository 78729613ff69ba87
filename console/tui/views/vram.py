"""The VRAM panel's view."""

from backends.domain.gpu import Gpu
from backends.domain.session import MEMORY_WINDOW_S, Session
from backends.domain.start import Outcome, StartMemory
from backends.domain.vram import VramParts, vram_parts
from backends.domain.vram_owners import rank_on
from backends.domain.vram_timeline import TimelinePoint
from console.tui.views.startup import start_of
from widgets.memory_bars import GpuBar, MemoryPart
from widgets.vram_panel import VramView


def vram_view(session: Session, axis_s: float = 0.0) -> VramView:
    """Return every GPU's memory by holder, and its course over the start or the last minutes.

    `axis_s` is where the axis of the phases ends, which the time line of a running start shares.
    """
    if session.gpus is None:
        return VramView(reason=session.failed_sources.get("gpus", ""))
    if not session.gpus.gpus:
        return VramView(reason=session.gpus.reason)
    start = start_of(session)
    memory = start.memory if start else StartMemory()
    running = session.life is not None and session.life.server.pid is not None
    starts = start is not None and start.outcome is Outcome.INCOMPLETE
    totals = [gpu.memory.total_bytes for gpu in session.gpus.gpus]
    return VramView(
        gpus=tuple(
            _bar(gpu, memory, server_pids(session), alone=running and len(totals) == 1)
            for gpu in session.gpus.gpus
        ),
        timeline=_course(session.memory.points, 0.0)
        if starts
        else _course(session.recent_memory, session.now.mono_s),
        t0_s=0.0 if starts else -_window_s(session),
        t1_s=axis_s if starts else 0.0,
        timeline_total_bytes=None if None in totals else sum(total or 0 for total in totals),
    )


def _course(points: tuple[TimelinePoint, ...], origin_s: float) -> tuple[tuple[float, int], ...]:
    return tuple(
        (point.at_s - origin_s, point.used_bytes)
        for point in points
        if point.used_bytes is not None
    )


def _window_s(session: Session) -> float:
    """Return how far back the course is drawn: a console that has just opened knows little."""
    points = session.recent_memory
    seen_s = session.now.mono_s - points[0].at_s if points else 0.0
    return next((each for each in (60.0, 120.0, 300.0) if seen_s <= each), MEMORY_WINDOW_S)


def server_pids(session: Session) -> frozenset[int]:
    """Return the processes that the watched server holds memory with."""
    if session.gpus is None or session.life is None:
        return frozenset()
    name = session.life.server.name
    return frozenset(
        process.pid
        for gpu in session.gpus.gpus
        for process in gpu.processes or ()
        if process.owner == name
    )


def _bar(gpu: Gpu, memory: StartMemory, pids: frozenset[int], *, alone: bool) -> GpuBar:
    parts = vram_parts(gpu, memory, pids, rank=rank_on(gpu, pids), server_is_here=alone)
    return GpuBar(
        index=gpu.index,
        name=gpu.name,
        total_bytes=parts.total_bytes,
        used_bytes=parts.used_bytes,
        parts=_stack(parts),
        busy_percent=gpu.busy_percent,
        power_w=gpu.power_w,
        temperature_c=gpu.temperature_c,
        partition=gpu.partition,
        source=gpu.memory.source,
        reason=gpu.memory.reason or gpu.processes_reason,
        unified=gpu.memory.unified,
        is_host=gpu.vendor == "host",
    )


def _stack(parts: VramParts) -> tuple[MemoryPart, ...]:
    return tuple(
        MemoryPart(name, part.size_bytes)
        for name, part in parts.stack()
        if name != "free" and part.size_bytes
    )
