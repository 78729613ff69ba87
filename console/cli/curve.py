"""A load's curve in plain characters: what an SSH line shows without the console."""

from backends.domain.format import figure
from backends.domain.reports.load import LoadReport
from widgets.bars import column

WIDTH, HEIGHT = 60, 12
LABEL = 10


def curve_lines(report: LoadReport) -> list[str]:
    """Return TTFT over the rate: ``●`` medians that kept the limits, ``✖`` those that broke them.

    A ``│`` reaches to the slowest request, ``┄`` is the limit.
    """
    steps = [step for step in report.ended.steps if step.ttft_s is not None]
    if not steps:
        return []
    last = max(step.planned_rps for step in steps)
    # One stuck request must not press the whole curve to the floor.
    high = 1.1 * max(report.ttft_limit_s, *(s.ttft_s.median for s in steps if s.ttft_s))
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    limit = HEIGHT - 1 - column(report.ttft_limit_s, 0, high, HEIGHT)
    rows[limit] = ["┄"] * WIDTH
    for step in steps:
        assert step.ttft_s is not None
        x = column(step.planned_rps, 0, last, WIDTH)
        low, top = (
            HEIGHT - 1 - column(ttft_s, 0, high, HEIGHT)
            for ttft_s in (step.ttft_s.median, step.ttft_s.max)
        )
        for y in range(top, low):
            rows[y][x] = "│"
        rows[low][x] = "✖" if step.broke else "●"
    labels = {0: f"{high * 1000:.0f} ms", limit: "limit", HEIGHT - 1: "0"}
    drawn = [f"{labels.get(y, ''):>{LABEL}} {''.join(row).rstrip()}" for y, row in enumerate(rows)]
    axis = f"0{f'{figure(last)} req/s':>{WIDTH - 1}}"
    return [f"TTFT of {report.endpoint}, over the rate", *drawn, f"{'':>{LABEL}} {axis}", ""]
