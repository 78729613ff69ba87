"""The line of the load test that runs, or has just ended."""

from typing import TYPE_CHECKING

from backends.domain.format import rate
from widgets.load_strip import LoadStripView

if TYPE_CHECKING:
    from backends.operations.load_test import LoadProgress


def load_strip_view(progress: "LoadProgress | None", now_s: float) -> LoadStripView:
    """Return a load at an instant of the monotonic clock; an empty view without one."""
    if progress is None:
        return LoadStripView()
    name, report = progress.order.target.endpoint, progress.report
    # Loaded with the console's actions; the first frame, which has no load, does without.
    from backends.domain.reports.load import load_finding, step_finding  # noqa: PLC0415

    if progress.rps is None:
        return LoadStripView(name, said=load_finding(report) if report else "")
    last = progress.last
    return LoadStripView(
        endpoint=name,
        now_rps=progress.rps,
        now_left_s=max(0.0, progress.step_ends_s - now_s),
        rates=len(report.ended.steps) if report else None,
        said=f"{rate(last.planned_rps)} req/s {step_finding(last)}" if last else "",
    )
