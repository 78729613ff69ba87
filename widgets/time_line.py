"""A quantity over time as blocks on a labelled time axis."""

from collections.abc import Sequence

from textual.content import Content

from widgets import bars
from widgets.text import line, styled


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
        between_s: the ends of the axis in seconds.
        top_value: the value of a full column.
        top: the label of the highest row.
        width: in cells.
        height: in lines; a single one has no axis.
    """
    gutter = len(top) + 1
    room = max(1, width - gutter)
    shares = column_shares(samples, between_s, top_value, room)
    rows = bars.block_rows(shares, max(1, height - 1))
    labels = [top, *([""] * (height - 2))]
    if height > 2:
        labels[-1] = "0"
    drawn = [
        line((label.rjust(gutter - 1) + " ", "$foreground-muted"), (row, "$primary 80%"))
        for label, row in zip(labels, rows, strict=True)
    ]
    if height == 1:
        return drawn
    axis = bars.axis(*between_s, room, " s")
    return [*drawn, styled(" " * gutter + axis, "$foreground-muted")]


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
