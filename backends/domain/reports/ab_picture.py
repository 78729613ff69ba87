"""An A/B as a picture: every run a dot, with the quartiles and the median of each target."""

from collections.abc import Sequence

from backends.domain.ab.series import AbSeries
from backends.domain.ab.statistics import spread
from backends.domain.ab.summary import FIGURES, FigureName, values
from backends.domain.format import UNKNOWN
from backends.domain.reports import svg
from backends.domain.reports.ab_text import FIGURE_TITLES, findings, how_measured

ROW, GAP, BELOW_HEAD = 30, 46, 18.0
JITTER = (0.0, -5.0, 5.0, -2.5, 2.5)
"""Runs that fell on the same spot are set apart by height, which means nothing else."""


def ab_svg(series: AbSeries, layout: svg.Layout = svg.WIDE) -> str:
    """Return an A/B as SVG: a band of dots for each figure, then the findings in words."""
    began = series.began
    title = " against ".join(f"{name} {endpoint}" for name, endpoint in began.targets)
    shapes, y_title = layout.paragraph(20, 26, title, bold=True)
    asked, y_text = layout.paragraph(20, y_title + 20, how_measured(series), colour=svg.MUTED)
    shapes += asked
    y = y_text + BELOW_HEAD
    for figure in FIGURES:
        band = _band(series, figure, y, layout)
        if band:
            shapes += band
            y += ROW * len(began.targets) + GAP
    for name, _ in began.targets[1:]:
        for told in findings(series, name):
            lines, y_text = layout.paragraph(20, y + 14, told)
            shapes += lines
            y = y_text + 6
    return layout.document(y + 16, shapes)


def _band(series: AbSeries, figure: FigureName, y: float, layout: svg.Layout) -> list[str]:
    found = {name: values(series.target(name), figure) for name, _ in series.began.targets}
    every = [value for target in found.values() for value in target]
    if not every:
        return []
    margin = (max(every) - min(every)) * 0.05 or max(every) * 0.1 or 1.0
    low, high = max(0.0, min(every) - margin), max(every) + margin
    title, unit = FIGURE_TITLES[figure]
    shapes = [svg.text(20, y + 12, f"{title} ({unit})", bold=True)]
    for row, (name, endpoint) in enumerate(series.began.targets):
        colour = svg.COLOURS[row % len(svg.COLOURS)]
        middle = y + 20 + ROW * row + ROW / 2
        shapes.append(
            svg.text(
                20, middle + 4, f"{name} {_short(endpoint, layout.name_characters)}", colour=colour
            )
        )
        shapes += _dots(found[name], (low, high), middle, colour, layout)
    bottom = y + 22 + ROW * len(found)
    shapes.append(svg.rule(layout.left, bottom, layout.right, bottom))
    for at, anchor in ((low, "start"), (high, "end")):
        x = layout.place(at, low, high)
        shapes.append(svg.text(x, bottom + 14, f"{at:.4g}", colour=svg.MUTED, anchor=anchor))
    return shapes


def _dots(
    found: Sequence[float],
    axis: tuple[float, float],
    middle: float,
    colour: str,
    layout: svg.Layout,
) -> list[str]:
    whole = spread(found)
    if whole is None:
        return [svg.text(layout.left, middle + 4, UNKNOWN, colour=svg.MUTED)]
    p25, p75 = layout.place(whole.p25, *axis), layout.place(whole.p75, *axis)
    shapes = [svg.rule(p25, middle, p75, middle, colour=svg.MUTED, width=2)]
    for index, value in enumerate(found):
        at = middle + JITTER[index % len(JITTER)]
        shapes.append(svg.dot(layout.place(value, *axis), at, colour, radius=3.5))
    median = layout.place(whole.median, *axis)
    shapes.append(svg.rule(median, middle - 11, median, middle + 11, colour=svg.INK, width=2.5))
    return shapes


def _short(endpoint: str, room: int) -> str:
    return endpoint if len(endpoint) <= room else endpoint[: room - 1] + "…"
