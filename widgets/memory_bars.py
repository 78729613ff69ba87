"""The memory of one GPU as a stacked bar, its figures and its legend."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from backends.domain import format as fmt
from backends.domain.format import UNKNOWN
from backends.domain.vram import PartName
from widgets import bars
from widgets.text import Part, arrange, fit_name, line, safe, styled

_LOOKS: dict[PartName, tuple[str, str, str]] = {
    "weights": ("█", "$primary", "weights"),
    "kv_cache": ("▓", "$success 70%", "KV cache"),
    "cuda_graphs": ("▚", "$accent", "CUDA graphs"),
    "other_ours": ("▒", "$text-primary", "vLLM (other)"),
    "others": ("╳", "$text-error", "other processes"),
    "unattributed": ("?", "$text-warning", "unaccounted"),
    "reserved": ("=", "$foreground-muted", "driver"),
    "free": ("·", "$foreground-disabled", "free"),
}
"""Fill, style and word of each part; no two share a fill."""

_SHORT: dict[PartName, str] = {
    "kv_cache": "KV",
    "cuda_graphs": "graphs",
    "other_ours": "vLLM",
    "others": "others",
    "unattributed": "unacc.",
}


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """One part of a GPU's memory, `free` excepted, which follows from the others."""

    kind: PartName
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GpuBar:
    """One GPU, its memory by holder and its condition.

    Attributes:
        parts: in the order of drawing; together they are at most `total_bytes`.
        partition: the mode of a partitioned GPU, for example ``CPX/NPS4``; empty for a whole one.
        source: where the memory figures come from.
        reason: why a figure is unknown, or why parts are missing.
        unified: the GPU shares the host's memory.
        is_host: it is no GPU but the memory of a host whose server computes on the CPU.
    """

    index: int
    name: str = ""
    total_bytes: int | None = None
    used_bytes: int | None = None
    parts: tuple[MemoryPart, ...] = ()
    busy_percent: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    partition: str = ""
    source: str = ""
    reason: str = ""
    unified: bool = False
    is_host: bool = False


def whole_bar(gpu: GpuBar, width: int) -> Content:
    """Return the stacked bar of all parts and the free rest."""
    if not gpu.total_bytes:
        return styled("?" * max(0, width), "$foreground-muted")
    sizes: list[tuple[PartName, int]] = [(part.kind, part.size_bytes) for part in gpu.parts]
    sizes.append(("free", free_bytes(gpu) or 0))
    cells = bars.apportion([size for _, size in sizes], gpu.total_bytes, width)
    return line(
        *(
            (_LOOKS[kind][0] * count, _LOOKS[kind][1])
            for (kind, _), count in zip(sizes, cells, strict=True)
            if count
        )
    )


def free_bytes(gpu: GpuBar) -> int | None:
    """Return what nobody holds, None where total or used is unknown."""
    if gpu.total_bytes is None or gpu.used_bytes is None:
        return None
    reserved = sum(part.size_bytes for part in gpu.parts if part.kind == "reserved")
    return max(0, gpu.total_bytes - gpu.used_bytes - reserved)


def head_line(gpu: GpuBar, width: int) -> Content:
    """Return the GPU's name and condition; activity, power and heat outlast the name."""
    if gpu.is_host:
        forms = ("host memory, of a server on the CPU", "host memory")
        return arrange([Part.of(0, *forms, style="bold", droppable=False)], width)
    name = safe(gpu.name)
    partition = Part.of(4, safe(gpu.partition)) if gpu.partition else Part(4, ())
    unified = Part.of(3, "unified with host") if gpu.unified else Part(3, ())
    short = tuple(fit_name(name, room) for room in (40, 24, 16, 10) if room < len(name))
    named = tuple(f"GPU {gpu.index} {form}" for form in (name, *short))
    parts = [Part.of(5, *named, f"GPU {gpu.index}", style="bold", droppable=False)]
    return arrange([*parts, partition, unified, *_condition(gpu)], width)


def _condition(gpu: GpuBar) -> list[Part]:
    busy, power = fmt.whole(gpu.busy_percent, "%"), fmt.whole(gpu.power_w, "W")
    heat = fmt.whole(gpu.temperature_c, "°C")
    return [
        Part.of(2, f"busy {busy}", busy),
        Part.of(3, power if gpu.power_w is not None else f"power {UNKNOWN}", power),
        Part.of(4, heat if gpu.temperature_c is not None else f"temp {UNKNOWN}", heat),
    ]


def used_line(gpu: GpuBar, width: int) -> Content:
    """Return used and total, and where the figures come from."""
    used, total = fmt.gib(gpu.used_bytes), fmt.gib(gpu.total_bytes)
    parts = [
        Part.of(0, f"used {used} of {total} GiB", style="bold", droppable=False),
        Part(1, (_entry("free", free_bytes(gpu), long=True), Content(""))),
        Part.of(2, f"▲ {safe(gpu.reason)}", style="$text-warning") if gpu.reason else Part(2, ()),
        Part.of(3, f"by {safe(gpu.source)}", style="$foreground-muted")
        if gpu.source
        else Part(3, ()),
    ]
    return arrange(parts, width)


def gpu_line(gpu: GpuBar, width: int) -> Content:
    """Return one GPU in one line: index, bar, used of total, activity, power, heat."""
    label = f"{gpu.index:>2} "
    memory = f"{fmt.gib(gpu.used_bytes):>5}/{fmt.gib(gpu.total_bytes)}"
    if width >= 60:
        memory += " GiB"
    busy, power, heat = (
        fmt.whole(value, unit).replace(" ", "")
        for value, unit in (
            (gpu.busy_percent, "%"),
            (gpu.power_w, "W"),
            (gpu.temperature_c, "°C"),
        )
    )
    figures = [f" {memory:<10}", f" {busy:>4}", f" {power:>5}", f" {heat:>5}"]
    while len(figures) > 1 and width - len(label) - len("".join(figures)) < 12:
        figures.pop()
    if width - len(label) - len(figures[0]) < 5:
        figures = [f" {_share(gpu):>4}"]
    tail = "".join(figures)
    bar = whole_bar(gpu, width - len(label) - len(tail))
    return line((label, "bold"), bar, tail)


def _share(gpu: GpuBar) -> str:
    if gpu.used_bytes is None or not gpu.total_bytes:
        return UNKNOWN
    return f"{gpu.used_bytes / gpu.total_bytes:.0%}"


def legend_lines(gpus: Sequence[GpuBar], width: int, height: int) -> list[Content]:
    """Return fill, word and GiB (the sum over these GPUs) of every part that is present."""
    sums: dict[PartName, int] = {}
    for gpu in gpus:
        for part in gpu.parts:
            sums[part.kind] = sums.get(part.kind, 0) + part.size_bytes
    known_free = [free for gpu in gpus if (free := free_bytes(gpu)) is not None]
    if len(gpus) > 1 and known_free:  # one GPU has it beside its used and total
        sums["free"] = sum(known_free)
    entries = [(kind, sums[kind]) for kind in _LOOKS if sums.get(kind)]
    long, short = (
        _pack([_entry(kind, size, long=long) for kind, size in entries], width)
        for long in (True, False)
    )
    if len(short) <= height:
        return long if len(long) == len(short) else short
    return _pack([_entry(kind, None, long=False) for kind, _ in entries], width)[:height]


def _entry(kind: PartName, size_bytes: int | None, *, long: bool) -> Content:
    fill, style, word = _LOOKS[kind]
    size = "" if size_bytes is None else f" {fmt.gib(size_bytes)}"
    return line((f"{fill} ", style), word if long else _SHORT.get(kind, word), size)


def _pack(entries: Sequence[Content], width: int) -> list[Content]:
    """Return the entries in as few lines as they need, in columns where that costs no line."""
    flowing = _flow(entries, width)
    each = max((entry.cell_length for entry in entries), default=0) + 2
    columns = max(1, (width + 2) // each)
    if -(-len(entries) // columns) > len(flowing):
        return flowing
    padded = [entry.pad_right(each - entry.cell_length) for entry in entries]
    rows = [line(*padded[at : at + columns]) for at in range(0, len(padded), columns)]
    return [row.truncate(width) for row in rows]


def _flow(entries: Sequence[Content], width: int) -> list[Content]:
    lines: list[Content] = []
    for entry in entries:
        joined = line(lines[-1], "  ", entry) if lines else entry
        if lines and joined.cell_length <= width:
            lines[-1] = joined
        else:
            lines.append(entry.truncate(width, ellipsis=True))
    return lines
