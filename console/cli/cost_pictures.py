"""The pictures of the cost report, as SVG: the days and what they bought, and cost over load."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from backends.domain.billing.meter import Activity
from backends.domain.decision.curves import CostCurves, cost_curves
from backends.domain.prices.amounts import figure, usd
from backends.domain.visible import bounded
from backends.host.files import replace_file
from backends.operations.billing import Bill, day_spent
from backends.operations.decision import Decision
from backends.operations.rental import elsewhere

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 40, 46

LOOKS: dict[Activity, tuple[str, str]] = {
    "serving": ("#2e7d32", "serving"),
    "starting": ("#1565c0", "starting"),
    "idle": ("#f9a825", "idle"),
    "stopped": ("#c62828", "stopped"),
    "unwatched": ("#9e9e9e", "unwatched"),
}
"""Colour and word of each part; the order is that of the stack, from below."""


def write_pictures(report: Path, decision: Decision, bill: Bill) -> tuple[Path, ...]:
    """Write the pictures beside a report, and return where.

    Raises:
        OSError: a file cannot be written.
    """
    chart = cost_curves(decision.scenario, decision.plan)
    drawn = {"days": days_svg(bill)}
    if chart.self_hosted:
        drawn["load"] = load_svg(chart)
    written = []
    for name, svg in drawn.items():
        path = report.with_name(f"{report.stem}-{name}.svg")
        replace_file(path, svg.encode())
        written.append(path)
    return tuple(written)


def days_svg(bill: Bill) -> str:
    """Return each day's cost, stacked by what it went on; a mark says what the API would cost."""
    spent = [day_spent(day, bill.rental.tariff) for day in bill.days]
    prices = [found.endpoint for found in bill.elsewhere if found.usd is not None]
    marks = [
        min((elsewhere(day.totals, each).usd or Decimal(0) for each in prices), default=None)
        for day in bill.days
    ]
    costs = [each.usd or Decimal(0) for each in spent]
    top = max([*costs, *(mark for mark in marks if mark is not None), Decimal("0.01")])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(spent))
    drawn: list[str] = []
    for place, each in enumerate(spent):
        x, base = LEFT + place * step, float(HEIGHT - BOTTOM)
        parts = {name: part for name, _, part in each.parts}
        for name, (colour, _) in LOOKS.items():
            tall = _tall(parts.get(name) or Decimal(0), top)
            base -= tall
            if tall > 0:
                drawn.append(_rect(x + step * 0.1, base, step * 0.8, tall, colour))
        mark = marks[place]
        if mark is not None:
            y = HEIGHT - BOTTOM - _tall(mark, top)
            drawn.append(_line((x, y), (x + step, y), "#000000", dashed=True))
        every = max(1, len(spent) // 8)
        if place % every == 0:
            label = bill.days[place].day.strftime("%m-%d")
            drawn.append(_text(x + step / 2, HEIGHT - BOTTOM + 16, label, "middle"))
    legend = [(colour, word) for colour, word in LOOKS.values()]
    return _svg(
        "What each day cost, in US dollars (UTC days)",
        drawn,
        top,
        legend,
        "- - cheapest API for the same tokens",
    )


def load_svg(chart: CostCurves) -> str:
    """Return what an hour costs at every load, with today's load, crossover and capacity."""
    points = [*chart.self_hosted, *chart.serverless]
    top, most = max(cost for _, cost in points), max(rps for rps, _ in points)

    def at(rps: float, cost: Decimal) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * rps / (most or 1.0)
        return x, HEIGHT - BOTTOM - _tall(cost, top)

    drawn = [
        _path([at(*point) for point in chart.self_hosted], "#2e7d32"),
        _path([at(*point) for point in chart.serverless], "#1565c0", dashed=True),
    ]
    for rps, colour, word in (
        (chart.now_rps, "#000000", "now"),
        (chart.break_even_rps, "#ef6c00", "break-even"),
        (chart.capacity_rps, "#c62828", "capacity"),
    ):
        if rps is not None and rps <= most:
            x, _ = at(rps, top)
            drawn.append(_line((x, TOP), (x, HEIGHT - BOTTOM), colour, dashed=word == "now"))
            told = f"{word} {figure(Decimal(repr(rps)))}"
            drawn.append(_text(x + 3, TOP + 12 * (1 + len(drawn) % 3), told, "start"))
    drawn.append(_text(WIDTH - RIGHT, HEIGHT - BOTTOM + 16, f"{most:.3g} req/s", "end"))
    legend = [("#2e7d32", "self-hosted"), ("#1565c0", "serverless")]
    return _svg("What an hour costs, in US dollars", drawn, top, legend, "")


def _svg(
    title: str, drawn: Iterable[str], top: Decimal, legend: Sequence[tuple[str, str]], note: str
) -> str:
    keys: list[str] = []
    x = float(LEFT)
    for colour, word in legend:
        keys += [_rect(x, HEIGHT - 14, 10, 10, colour), _text(x + 14, HEIGHT - 5, word, "start")]
        x += 28 + 7 * len(word)
    axis = [
        _line((LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM), "#000000"),
        _line((LEFT, TOP), (LEFT, HEIGHT - BOTTOM), "#000000"),
        _text(LEFT - 6, TOP + 4, usd(top), "end"),
        _text(LEFT - 6, HEIGHT - BOTTOM, "$0", "end"),
        _text(LEFT, 20, title, "start"),
        _text(x + 6, HEIGHT - 5, note, "start"),
    ]
    body = "\n".join([*drawn, *axis, *keys])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _tall(cost: Decimal, top: Decimal) -> float:
    return float(cost / top) * (HEIGHT - TOP - BOTTOM) if top else 0.0


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def _line(
    begin: tuple[float, float], end: tuple[float, float], colour: str, *, dashed: bool = False
) -> str:
    return _path([begin, end], colour, dashed=dashed)


def _path(points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> str:
    along = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{along}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(bounded(text))}</text>'
