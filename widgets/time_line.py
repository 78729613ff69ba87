"""A quantity over time as blocks on a labelled time axis."""

from collections.abc import Sequence

from textual.content import Content

from widgets import bars
from widgets.plot import framed
from widgets.text import line


def time_lines(
    samples: Sequence[tuple[float, float]],
    between_s: tuple[float, float],
    top_value: float,
    *,
    top: str,
    width: int,
    height: int,
) -> list[Content]:
    """Return the samples as a filled line, its highest row labelled `top`, and the axis below.

    Args:
        samples: seconds and value, in order of time; a cell shows the last sample before its end.
        between_s: the ends of the axis in seconds; one that ends at 0, which is now, may be
            labelled in minutes.
        top_value: the value of a full column.
        top: the label of the highest row.
        width: in cells.
        height: in lines; a single one has no axis.
    """
    gutter = len(top) + 1
    room, rows = max(1, width - gutter), max(1, height - 1)
    shares = column_shares(samples, between_s, top_value, room)
    blocks = [[(row, "$primary 80%")] for row in bars.block_rows(shares, rows)]
    first_s, last_s = between_s
    unit_s, unit = (60.0, " min") if last_s - first_s > 90 and not last_s else (1.0, " s")
    labels = bars.axis(first_s / unit_s, last_s / unit_s, room, unit)
    drawn = framed(blocks, {rows - 1: "0", 0: top}, labels, gutter)
    return [line(*row) for row in drawn[:height]]


def column_shares(
    samples: Sequence[tuple[float, float]],
    between_s: tuple[float, float],
    top_value: float,
    width: int,
) -> list[float | None]:
    """Return one share of `top_value` for each column; None before the first and after the last."""
    first_s, last_s = between_s
    shares: list[float | None] = [None] * width
    at = 0
    inside = [(when, value) for when, value in samples if first_s <= when <= last_s]
    if not inside or top_value <= 0:
        return shares
    begin = bars.column(inside[0][0], first_s, last_s, width)
    end = bars.column(inside[-1][0], first_s, last_s, width)
    for place in range(begin, end + 1):
        until = first_s + (place + 1) / width * (last_s - first_s)
        while at + 1 < len(inside) and inside[at + 1][0] < until:
            at += 1
        shares[place] = min(1.0, inside[at][1] / top_value)
    return shares
