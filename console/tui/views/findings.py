"""The views of a load and of a cold-start probe, live or as recorded."""

from backends.domain.ab.load import LoadStep
from backends.domain.format import pause
from backends.domain.reports.cold_probe import ColdProbeReport, cold_probe_lines, verdict_line
from backends.domain.reports.load import (
    LoadReport,
    ended_text,
    load_finding,
    replay_findings,
    step_finding,
)
from widgets.cold_probe_panel import ColdProbeView, PauseRow
from widgets.load_curve import LoadView
from widgets.load_plot import CurvePoint


def load_view(
    report: LoadReport,
    *,
    running_rps: float | None = None,
    left_s: float | None = None,
    bounds: str = "",
) -> LoadView:
    """Return a load; `running_rps` is the rate that is held now, None when it is over."""
    over = running_rps is None
    return LoadView(
        endpoint=report.endpoint,
        points=tuple(_point(step) for step in report.ended.steps),
        limit_s=report.ttft_limit_s,
        now_rps=running_rps,
        now_left_s=left_s,
        finding=load_finding(report) if over else "",
        replay=tuple(replay_findings(report)),
        bounds=bounds,
        ended=ended_text(report) if over else "",
    )


def _point(step: LoadStep) -> CurvePoint:
    return CurvePoint(
        rps=step.planned_rps,
        ttft_s=step.ttft_s.median if step.ttft_s else None,
        ttft_max_s=step.ttft_s.max if step.ttft_s else None,
        tokens_per_s=step.output_tokens_per_s if step.requests else None,
        streams=step.concurrency,
        outcome=step.outcome,
        why="" if step.outcome == "kept" and not step.client_limited else step_finding(step),
    )


def cold_probe_view(report: ColdProbeReport) -> ColdProbeView:
    """Return a cold-start probe as far as it is."""
    finding, planned = report.finding, report.plan.rounds
    good = [probe for probe in report.probes if probe.error is None and probe.ttft_s]

    def times(planned_idle_s: float) -> tuple[float, ...]:
        found = (probe.ttft_s for probe in good if probe.planned_idle_s == planned_idle_s)
        return tuple(ttft_s for ttft_s in found if ttft_s)

    rows = [PauseRow("warm", times(0.0), "baseline", str(finding.warm_n))]
    rows += [
        PauseRow(f"after {pause(gap.gap_s)}", times(gap.gap_s), gap.verdict, f"{gap.n}/{planned}")
        for gap in finding.gaps
    ]
    told = ("to prevent", "rule:", f"{finding.requests} requests")
    notes = tuple(line for line in cold_probe_lines(report)[1:] if line.startswith(told))
    return ColdProbeView(verdict_line(report), tuple(rows), finding.slow_above_s, notes)
