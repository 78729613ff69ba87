"""The pictures of a study that no other report has: phases, memory and crossovers."""

import math
from collections.abc import Sequence

from backends.domain.format import figure, plain_s
from backends.domain.reports import svg
from backends.domain.start import PhaseName, Start
from backends.domain.study.figure import Figure
from backends.domain.study.figures import phases_of

PHASE_COLOURS = {
    PhaseName.DOWNLOAD: "#0e7490",
    PhaseName.LOAD_WEIGHTS: "#2563eb",
    PhaseName.COMPILE: "#7c3aed",
    PhaseName.PROFILE_MEMORY: "#be185d",
    PhaseName.ALLOCATE_KV_CACHE: "#a16207",
    PhaseName.WARM_UP_KERNELS: "#c2410c",
    PhaseName.CAPTURE_GRAPHS: "#15803d",
    PhaseName.FIRST_TOKEN: "#b91c1c",
}
OTHER_COLOUR = "#59636e"
"""Of imports, configuration and all that is short."""
UNLOGGED_COLOUR = "#d1d9e0"
LEGEND_LEAST = 0.02
"""Share of the whole from which a phase has its place in the legend."""
ROW, TOP = 34, 60
VALUE_ROOM = 36
"""Width of a value above its dot."""
CAPACITY_ROOM = 240
"""Width of the words below the line of the capacity."""


def phases_svg(starts: Sequence[Start], layout: svg.Layout = svg.WIDE) -> str:
    """Return every start as one bar, its phases to scale and in their order."""
    took = [phases_of(start) for start in starts]
    longest = max((sum(each.values()) for each in took), default=0.0)
    shapes = [svg.text(20, 26, "Each cold start, launch to first token", bold=True)]
    y = float(TOP)
    for number, each in enumerate(took, start=1):
        at = 0.0
        shapes.append(svg.text(20, y + 15, f"start {number}"))
        for name, seconds in each.items():
            x0, x1 = layout.place(at, 0, longest), layout.place(at + seconds, 0, longest)
            shapes.append(svg.block(x0, y, max(0.0, x1 - x0), 22, _phase_colour(name)))
            at += seconds
        y += ROW
    shapes.append(svg.rule(layout.left, y, layout.right, y))
    end = layout.right
    shapes.append(svg.text(layout.left, y + 16, "0 s", colour=svg.MUTED))
    shapes.append(svg.text(end, y + 16, plain_s(longest), colour=svg.MUTED, anchor="end"))
    named = [
        (name.value.replace("_", " "), _phase_colour(name))
        for name in PhaseName
        if max((each.get(name, 0.0) for each in took), default=0.0) >= LEGEND_LEAST * longest
    ]
    keys, bottom = _legend(named, y + 38, layout)
    return layout.document(bottom + 12, [*shapes, *keys])


def _phase_colour(name: PhaseName) -> str:
    if name is PhaseName.UNLOGGED:
        return UNLOGGED_COLOUR
    return PHASE_COLOURS.get(name, OTHER_COLOUR)


def _legend(
    named: Sequence[tuple[str, str]], y: float, layout: svg.Layout
) -> tuple[list[str], float]:
    """Lay the legend out in as many lines as it needs; phases of one colour share it."""
    keys, x = list[str](), 20.0
    for word, colour in named:
        width = 28 + 7.2 * len(word)
        if x + width > layout.width - 20:
            x, y = 20.0, y + 20
        keys += [svg.block(x, y - 9, 10, 10, colour), svg.text(x + 14, y, word)]
        x += width
    return keys, y


def memory_svg(
    parts: Sequence[tuple[str, float]], total_gib: float | None, layout: svg.Layout = svg.WIDE
) -> str:
    """Return the memory of one GPU as one bar: what vLLM's log says it holds, and the rest."""
    shapes = [svg.text(20, 26, "Memory of one GPU by part, in GiB", bold=True)]
    whole = max([sum(size for _, size in parts), total_gib or 0.0])
    at, named = 0.0, list[tuple[str, str]]()
    for place, (word, size) in enumerate(parts):
        colour = svg.COLOURS[place % len(svg.COLOURS)]
        x0, x1 = _along(at, whole, layout), _along(at + size, whole, layout)
        shapes.append(svg.block(x0, 44, max(0.0, x1 - x0), 26, colour))
        named.append((f"{word} {size:.1f}", colour))
        at += size
    if total_gib is not None and total_gib > at:
        x0 = _along(at, whole, layout)
        shapes.append(svg.block(x0, 44, _along(total_gib, whole, layout) - x0, 26, UNLOGGED_COLOUR))
        named.append((f"not used by these {total_gib - at:.1f}", UNLOGGED_COLOUR))
    keys, bottom = _legend(named, 94, layout)
    return layout.document(bottom + 12, [*shapes, *keys])


def _along(size: float, whole: float, layout: svg.Layout) -> float:
    room = layout.width - 40
    return 20 + (size / whole * room if whole else 0.0)


def _beside_the_capacity(x: float, capacity_x: float | None) -> float:
    """The x of a value above its dot, aside where the line of the capacity would cross it."""
    away = VALUE_ROOM if capacity_x is None else x - capacity_x
    return x if abs(away) >= VALUE_ROOM else x + math.copysign(VALUE_ROOM / 2, away)


def crossovers_svg(
    found: Sequence[tuple[str, Figure]],
    capacity_rps: float | None,
    layout: svg.Layout = svg.WIDE,
) -> str:
    """Return where the server becomes cheaper, a dot with its interval for each length of reply."""
    rates = [float(each.value) for _, each in found if each.value is not None]
    shapes = [
        svg.text(20, 26, "From this rate on the server is cheaper", bold=True),
        svg.text(20, 46, "requests per second, logarithmic", colour=svg.MUTED),
    ]
    known = [*rates, *([capacity_rps] if capacity_rps else [])]
    if not rates or min(known) <= 0:
        return layout.document(60, shapes)
    low, high = math.log10(min(known) / 1.6), math.log10(max(known) * 1.6)
    capacity_x = layout.place(math.log10(capacity_rps), low, high) if capacity_rps else None
    y = 80.0
    for place, (word, each) in enumerate(found):
        if each.value is None:
            continue
        colour = svg.COLOURS[place % len(svg.COLOURS)]
        x = layout.place(math.log10(float(each.value)), low, high)
        shapes.append(svg.text(20, y + 4, word, colour=colour))
        if each.low and each.high:
            ends = [
                layout.place(math.log10(float(end)), low, high) for end in (each.low, each.high)
            ]
            shapes.append(svg.rule(ends[0], y, ends[1], y, colour=colour, width=3))
        shapes.append(svg.dot(x, y, colour, radius=5))
        beside = _beside_the_capacity(x, capacity_x)
        shapes.append(svg.text(beside, y - 9, figure(float(each.value)), anchor="middle"))
        y += ROW
    left, right = layout.left, layout.right
    shapes.append(svg.rule(left, y - 8, right, y - 8))
    if capacity_rps and capacity_x is not None:
        x = capacity_x
        shapes.append(svg.rule(x, 60, x, y - 8, colour=svg.COLOURS[1], width=1.5, dashed=True))
        words = f"capacity, medium replies: {figure(capacity_rps)}"
        beside = 20 + CAPACITY_ROOM / 2
        middle = min(max(x, beside), layout.width - beside)
        shapes.append(svg.text(middle, y + 10, words, anchor="middle"))
    return layout.document(y + 24, shapes)
