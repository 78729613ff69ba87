"""The VRAM panel: who holds which part of each GPU, and how that changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from backends.domain import format as fmt
from widgets.memory_bars import GpuBar, gpu_line, head_line, legend_lines, used_line, whole_bar
from widgets.panel import Panel
from widgets.text import Part, arrange, safe, styled, wrap_to
from widgets.time_line import time_lines

_LEAST_GPU_WIDTH = 16


@dataclass(frozen=True, slots=True)
class VramView:
    """The memory of every GPU, and of all of them over the time of the start.

    Attributes:
        reason: why there is no GPU, as one sentence.
        timeline: seconds and bytes used at that instant, in order; the seconds are since launch
            while a start is timed, else before now and negative.
        t0_s: left end of the time line.
        t1_s: its right end.
        timeline_total_bytes: the height of the time line, None where the total is unknown.
    """

    gpus: tuple[GpuBar, ...] = ()
    reason: str = ""
    timeline: tuple[tuple[float, int], ...] = ()
    t0_s: float = 0.0
    t1_s: float = 0.0
    timeline_total_bytes: int | None = None


class VramPanel(Panel):
    """Stacked bars with their legend, and the time line below."""

    BORDER_TITLE = "VRAM"

    view: reactive[VramView] = reactive(VramView(), repaint=False)

    def lines(self, width: int, height: int) -> list[Content]:
        """Return the bars of all GPUs, the legend and the time line."""
        return draw(self.view, width, height)


def draw(view: VramView, width: int, height: int) -> list[Content]:
    """Return the panel's lines; one GPU gets the room for its parts, several one line each."""
    if not view.gpus:
        reason = safe(view.reason) or "not sampled yet"
        return [styled(text) for text in wrap_to(f"VRAM — {reason}", width, height)]
    told = _one(view.gpus[0], width, height) if len(view.gpus) == 1 else _many(view, width, height)
    room = height - len(told)
    return [*told, *_time(view, width, room)] if room >= 1 else told[:height]


def _one(gpu: GpuBar, width: int, height: int) -> list[Content]:
    if gpu.total_bytes is None or gpu.used_bytes is None:
        reason = f"memory — {safe(gpu.reason) or 'the driver does not say'}"
        return [
            head_line(gpu, width),
            *(styled(text) for text in wrap_to(reason, width, height - 1)),
        ]
    bar = whole_bar(gpu, width)
    told = [head_line(gpu, width), bar, *([bar] if height >= 10 else []), used_line(gpu, width)]
    return [*told, *legend_lines((gpu,), width, max(1, height - len(told)))]


def _many(view: VramView, width: int, height: int) -> list[Content]:
    """Return one line for each GPU, in columns where they are more than the lines."""
    room = max(1, height - 1 if len(view.gpus) >= height else height - 2)
    columns = -(-len(view.gpus) // room)
    if columns > (width + 2) // _LEAST_GPU_WIDTH:
        return [_sum_line(view.gpus, width)]
    rows = -(-len(view.gpus) // columns)
    each = (width - 2 * (columns - 1)) // columns
    drawn = [gpu_line(gpu, each) for gpu in view.gpus]
    lines = []
    for row in range(rows):
        across = [gpu.pad_right(each - gpu.cell_length) for gpu in drawn[row::rows]]
        lines.append(Content("  ").join(across))
    return [*lines, *legend_lines(view.gpus, width, max(0, min(2, height - len(lines))))]


def _sum_line(gpus: Sequence[GpuBar], width: int) -> Content:
    """Return all GPUs together; unknown where one of them is unknown."""
    used = [gpu.used_bytes for gpu in gpus]
    total = [gpu.total_bytes for gpu in gpus]
    used_gib, total_gib = (
        fmt.gib(None if None in sizes else sum(size or 0 for size in sizes))
        for sizes in (used, total)
    )
    told = f"used {used_gib} of {total_gib} GiB"
    return arrange([Part.of(0, f"{len(gpus)} GPUs {told}", told, droppable=False)], width)


def _time(view: VramView, width: int, height: int) -> list[Content]:
    known = [used for _, used in view.timeline]
    if len(known) < 2 or view.t1_s <= view.t0_s:
        return []
    return time_lines(
        view.timeline,
        (view.t0_s, view.t1_s),
        view.timeline_total_bytes or max(known),
        top=f"{fmt.gib(view.timeline_total_bytes or max(known))} GiB",
        width=width,
        height=height,
    )
