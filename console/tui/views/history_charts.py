"""The charts of the history: seconds of starts, TTFT of A/B series, $ per day."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from statistics import median

from backends.domain import format as fmt
from backends.domain.billing.ledger import Day
from backends.domain.billing.meter import Tariff
from backends.history.records import Point
from backends.operations.billing import day_spent
from widgets import bars
from widgets.series_panel import SeriesLine, SeriesView

SPANS_S = (3600.0, 6 * 3600.0, 86400.0, 7 * 86400.0, 30 * 86400.0, 365 * 86400.0)
MOST_NAMES = 3
"""Servers, and endpoints, with a chart each: those of the newest records."""


def charts_view(
    starts: Sequence[Point], ttft: Sequence[Point], usd: Sequence[Point], now_wall_s: float
) -> SeriesView:
    """Return a chart for each server's starts, each endpoint's TTFT, and the dollars of each day.

    The span is the shortest that shows all of them.
    """
    every = (*starts, *ttft, *usd)
    if not every:
        return SeriesView(reason="no start, no A/B series and no priced day is among these records")
    age_s = now_wall_s - min(each.wall_s for each in every)
    span_s = next((span for span in SPANS_S if age_s <= span), age_s)
    lines = [
        *_lines("start", starts, fmt.seconds, now_wall_s),
        *_lines("TTFT", ttft, fmt.latency, now_wall_s),
        *_lines("", usd, _dollars, now_wall_s),
    ]
    return SeriesView(span_s, "Over time", tuple(lines))


def day_points(days: Sequence[Day], tariff: Tariff) -> tuple[Point, ...]:
    """Return what each day has cost, at noon of it; nothing of a host without a price."""
    found = []
    for each in days:
        spent = day_spent(each, tariff)
        if spent.usd is not None:
            noon = datetime.combine(each.day, time(12), UTC).timestamp()
            found.append(Point("$ per day", noon, float(spent.usd)))
    return tuple(found)


def _dollars(usd: float) -> str:
    return fmt.spent_usd(Decimal(repr(usd)))


def _lines(
    words: str, points: Sequence[Point], in_words: Callable[[float], str], now_wall_s: float
) -> list[SeriesLine]:
    names = list(dict.fromkeys(each.of for each in reversed(points)))[:MOST_NAMES]
    lines = []
    for name in names:
        own = [each for each in points if each.of == name]
        values = [each.value for each in own]
        top = bars.step(max(values), 1)
        facts: tuple[str, ...] = (f"last {in_words(values[-1])}",)
        if len(values) > 1:
            facts += (
                f"median {in_words(median(values))} of {len(values)}",
                f"{in_words(min(values))} to {in_words(max(values))}",
            )
        placed = tuple((min(0.0, each.wall_s - now_wall_s), each.value) for each in own)
        title = f"{name} {words}".strip()
        lines.append(SeriesLine(title, placed, top, in_words(top), facts))
    return lines
