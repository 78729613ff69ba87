"""A load's curve in plain characters: what an SSH line shows without the console."""

from backends.domain.reports.load import LoadReport
from widgets.load_plot import CurvePoint, load_plot

WIDTH, HEIGHT = 72, 13


def curve_lines(report: LoadReport) -> list[str]:
    """Return TTFT over the rate, see `load_plot`; nothing where no rate was timed."""
    points = [
        CurvePoint(
            step.planned_rps,
            step.ttft_s.median,
            step.ttft_s.max,
            outcome="broke" if step.broke else "kept",
        )
        for step in report.ended.steps
        if step.ttft_s is not None
    ]
    drawn = load_plot(points, report.ttft_limit_s, WIDTH, HEIGHT)
    lines = ["".join(glyphs for glyphs, _ in row).rstrip() for row in drawn]
    return [f"TTFT of {report.endpoint}, over the rate", *lines, ""] if lines else []
