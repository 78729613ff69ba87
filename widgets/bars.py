"""Bars, sparklines and axes out of cells; pure functions of numbers."""

import math
from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """Return a bar of `width` cells filled to `share` of one, in eighths of a cell."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def column(at: float, first: float, last: float, width: int) -> int:
    """Return the cell of `at` on an axis of `width` cells from `first` to `last`, kept inside."""
    if last <= first or width <= 1:
        return 0
    return min(width - 1, max(0, math.floor((at - first) / (last - first) * width)))


def apportion(sizes: Sequence[float], whole: float, width: int) -> list[int]:
    """Return cells for each size out of `width` for `whole`; nothing present gets no cell at all.

    The largest remainders get the cells that rounding leaves over, so the parts never exceed
    `width` and the filled length is right to a cell. Where more parts are present than cells, the
    smallest have none.
    """
    if whole <= 0 or width <= 0:
        return [0] * len(sizes)
    ranked = sorted(range(len(sizes)), key=lambda at: sizes[at], reverse=True)
    shown = {at for at in ranked[:width] if sizes[at] > 0}
    exact = [max(0.0, size) / whole * width for size in sizes]
    cells = [max(1, math.floor(exact[at])) if at in shown else 0 for at in range(len(sizes))]
    target = min(width, max(len(shown), round(sum(exact))))
    while sum(cells) > target:
        cells[max(shown, key=lambda at: (cells[at] > 1, cells[at] - exact[at]))] -= 1
    while sum(cells) < target:
        cells[max(shown, key=lambda at: exact[at] - cells[at])] += 1
    return cells


def sparkline(values: Sequence[float | None], width: int, top: float | None = None) -> str:
    """Return the last `width` values as block levels; an unknown value leaves a gap."""
    shown = values[-width:] if width > 0 else ()
    known = [value for value in shown if value is not None]
    if not known:
        return ""
    highest = top or max(known) or 1.0
    return "".join(" " if value is None else _level(value / highest) for value in shown)


def _level(share: float) -> str:
    return _LEVELS[min(7, max(0, math.ceil(share * 8) - 1))]


def block_rows(shares: Sequence[float | None], height: int) -> list[str]:
    """Return columns of blocks, one for each share of one, as `height` rows from the top."""
    rows = []
    for row in range(height):
        base = height - 1 - row
        rows.append("".join(_block(share, base, height) for share in shares))
    return rows


def _block(share: float | None, base: int, height: int) -> str:
    if share is None:
        return " "
    eighths = min(8, max(0, round(share * height * 8) - base * 8))
    if base == 0 and share > 0:
        eighths = max(1, eighths)
    return _LEVELS[eighths - 1] if eighths else " "


def step(span: float, most: int) -> float:
    """Return the round distance (1, 2 or 5 times a power of ten) of at most `most` marks."""
    if span <= 0 or most < 1:
        return 1.0
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(size * power for size in (1, 2, 5, 10) if size * power >= raw * 0.999)


def axis(first: float, last: float, width: int, unit: str = "") -> str:
    """Return the labels of an axis, each beginning at its own cell, as many as have room."""
    labels = [" "] * width
    distance = step(last - first, max(2, width // 6))
    mark = math.ceil(first / distance) * distance
    free = 0
    while mark <= last:
        label = f"{mark:g}" + (unit if free == 0 else "")
        place = column(mark, first, last, width)
        if free <= place and place + len(label) <= width:
            labels[place : place + len(label)] = label
            free = place + len(label) + 1
        mark += distance
    return "".join(labels)
