"""Cost as pictures: what each day went on, and what an hour costs at every load."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backends.domain.billing.meter import Activity, Spent
from backends.domain.format import figure, usd
from backends.domain.reports import svg

LEFT, RIGHT, TOP, BOTTOM = 70.0, 744.0, 40.0, 254.0
HEIGHT = 300
MOST_LABELS = 8

LOOKS: dict[Activity, tuple[str, str]] = {
    "serving": ("#2e7d32", "serving"),
    "starting": ("#1565c0", "starting"),
    "idle": ("#f9a825", "idle"),
    "stopped": ("#c62828", "stopped"),
    "unwatched": ("#9e9e9e", "unwatched"),
}
"""Colour and word of each part; the order is that of the stack, from below."""


@dataclass(frozen=True, slots=True)
class DayCost:
    """One UTC day: what it cost here, and what the cheapest API charges for its tokens."""

    day: date
    spent: Spent
    api_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class HourlyCost:
    """What an hour costs at every load; points are requests a second and US dollars an hour.

    Attributes:
        now_rps: today's load, None where it is unknown, as the others are.
        capacity_rps: the load that one replica was measured to carry.
    """

    self_hosted: Sequence[tuple[float, Decimal]]
    serverless: Sequence[tuple[float, Decimal]]
    self_hosted_name: str
    serverless_name: str
    now_rps: float | None = None
    break_even_rps: float | None = None
    capacity_rps: float | None = None


def days_svg(days: Sequence[DayCost]) -> str:
    """Return each day's cost, stacked by what it went on; a mark says what the API would cost."""
    costs = [each.spent.usd or Decimal(0) for each in days]
    marks = [each.api_usd for each in days if each.api_usd is not None]
    top = max([*costs, *marks, Decimal("0.01")])
    step = (RIGHT - LEFT) / max(1, len(days))
    shapes: list[str] = []
    for place, each in enumerate(days):
        x, base = LEFT + place * step, BOTTOM
        parts = {name: part for name, _, part in each.spent.parts}
        for name, (colour, _) in LOOKS.items():
            height = BOTTOM - _y(parts.get(name) or Decimal(0), top)
            base -= height
            if height > 0:
                shapes.append(svg.block(x + step * 0.1, base, step * 0.8, height, colour))
        if each.api_usd is not None:
            y = _y(each.api_usd, top)
            shapes.append(svg.rule(x, y, x + step, y, colour=svg.INK, width=1.5, dashed=True))
        if place % max(1, len(days) // MOST_LABELS) == 0:
            label = each.day.strftime("%m-%d")
            shapes.append(svg.text(x + step / 2, BOTTOM + 16, label, anchor="middle"))
    note = "- - cheapest API for the same tokens"
    title = "What each day cost, in US dollars (UTC days)"
    return _picture(title, shapes, top, LOOKS.values(), note)


def hourly_cost_svg(cost: HourlyCost) -> str:
    """Return what an hour costs at every load, with today's load, crossover and capacity."""
    points = [*cost.self_hosted, *cost.serverless]
    top, last_rps = max(each for _, each in points), max(rps for rps, _ in points)

    def x(rps: float) -> float:
        return LEFT + (RIGHT - LEFT) * rps / (last_rps or 1.0)

    lines = ((cost.self_hosted, LOOKS["serving"][0]), (cost.serverless, LOOKS["starting"][0]))
    shapes = [
        svg.path([(x(rps), _y(each, top)) for rps, each in line], colour, dashed=place == 1)
        for place, (line, colour) in enumerate(lines)
    ]
    marks = (
        (cost.now_rps, svg.INK, "now"),
        (cost.break_even_rps, "#ef6c00", "break-even"),
        (cost.capacity_rps, LOOKS["stopped"][0], "capacity"),
    )
    for row, (rps, colour, word) in enumerate(marks, start=1):
        if rps is None or rps > last_rps:
            continue
        at, dashed = x(rps), word == "now"
        shapes.append(svg.rule(at, TOP, at, BOTTOM, colour=colour, width=1.5, dashed=dashed))
        shapes.append(svg.text(at + 3, TOP + 12 * row, f"{word} {figure(rps)}"))
    shapes.append(svg.text(RIGHT, BOTTOM + 16, f"{figure(last_rps)} req/s", anchor="end"))
    names = (cost.self_hosted_name, cost.serverless_name)
    legend = [(colour, name) for (_, colour), name in zip(lines, names, strict=True)]
    return _picture("What an hour costs, in US dollars", shapes, top, legend, "")


def _picture(
    title: str, shapes: Sequence[str], top: Decimal, legend: Iterable[tuple[str, str]], note: str
) -> str:
    keys: list[str] = []
    x = LEFT
    for colour, word in legend:
        keys += [svg.block(x, HEIGHT - 14, 10, 10, colour), svg.text(x + 14, HEIGHT - 5, word)]
        x += 28 + 7 * len(word)
    axes = [
        svg.rule(LEFT, BOTTOM, RIGHT, BOTTOM, colour=svg.INK),
        svg.rule(LEFT, TOP, LEFT, BOTTOM, colour=svg.INK),
        svg.text(LEFT - 6, TOP + 4, usd(top), anchor="end"),
        svg.text(LEFT - 6, BOTTOM, "$0", anchor="end"),
        svg.text(LEFT, 20, title, bold=True),
        svg.text(x + 6, HEIGHT - 5, note),
    ]
    return svg.WIDE.document(HEIGHT, [*shapes, *axes, *keys])


def _y(cost: Decimal, top: Decimal) -> float:
    return BOTTOM - (float(cost / top) * (BOTTOM - TOP) if top else 0.0)
