"""The curve of a load in cells: TTFT over the rate, for a panel as for a plain terminal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backends.domain import format as fmt
from widgets import bars
from widgets.plot import Cell, Plot, framed

_LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One rate that was held.

    Attributes:
        outcome: ``unknown`` where no request counted.
        why: why it broke, in a few words.
    """

    rps: float
    ttft_s: float | None = None
    ttft_max_s: float | None = None
    tokens_per_s: float | None = None
    streams: int | None = None
    outcome: Literal["kept", "broke", "unknown"] = "kept"
    why: str = ""


def load_plot(
    points: Sequence[CurvePoint], limit_s: float, width: int, height: int
) -> list[list[Cell]]:
    """Return TTFT over the rate: ``●`` medians that kept the limits, ``✖`` those that broke them.

    A ``│`` reaches to the slowest request, ``┄`` is the limit. Without a rate that was timed there
    is nothing to draw.
    """
    timed = [(point, point.ttft_s) for point in points if point.ttft_s is not None]
    if not timed:
        return []
    last_rps = max(point.rps for point, _ in timed)
    # One stuck request must not press the whole curve to the floor.
    top_s = max(limit_s, *(median_s for _, median_s in timed)) * 1.1
    gutter = max(len(fmt.latency(top_s)), len(_LIMIT)) + 1
    room, rows = width - gutter, height - 1
    plot = Plot(room, rows, x=(0, last_rps), y=(0, top_s))
    limit = plot.row(limit_s)
    plot.across(limit, "┄", "$text-error")
    for point, median_s in timed:
        broke = point.outcome == "broke"
        style = "$text-error" if broke else "$text-success"
        column, row = plot.column(point.rps), plot.row(median_s)
        for above in range(plot.row(point.ttft_max_s or median_s), row):
            plot.put(column, above, "│", style)
        plot.put(column, row, "✖" if broke else "●", f"bold {style}")
    labels = {0: fmt.latency(top_s), limit: _LIMIT, rows - 1: "0"}
    return framed(plot.rows, labels, bars.axis(0, last_rps, room, " req/s"), gutter)
