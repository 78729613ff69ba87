"""A cold-start probe as a value that can be kept, and as sentences, JSON, CSV and a picture."""

from dataclasses import asdict, dataclass
from typing import Any

from backends.domain.ab.cold import (
    RULE,
    ColdFinding,
    ColdProbe,
    ColdProbePlan,
    GapFinding,
    ProbeLimits,
    WarmUp,
    find_cold,
    limits_of,
    missing_gap,
    prevention,
)
from backends.domain.format import UNKNOWN, latency, pause, usd
from backends.domain.prices.amounts import digits
from backends.domain.prices.cost import NO_PRICES, RequestPrices
from backends.domain.reports import svg
from backends.domain.reports.csv_table import csv_text
from backends.domain.visible import markdown

CSV_KEYS = (
    *("planned_idle_s", "idle_s", "ended_at", "ttft_s"),
    *("input_tokens", "cost_usd", "error", "refused", "waited_s", "fetches"),
)

SLOW_ROOM = 130
"""Width of the words beside the line from which a first token is slow."""


@dataclass(frozen=True, slots=True)
class ColdProbeReport:
    """One cold-start probe as far as it is.

    Attributes:
        prices: what the endpoint charged when the cold-start probe began.
        ended: why it ended before every pause was measured; empty where it did not.
    """

    probe_id: str
    endpoint: str
    model: str
    began_wall_s: float
    plan: ColdProbePlan
    probes: tuple[ColdProbe, ...]
    prices: RequestPrices = NO_PRICES
    ended: str = ""

    @property
    def complete(self) -> bool:
        """Whether every pause was measured as often as planned."""
        return missing_gap(self.probes, self.plan) is None

    @property
    def finding(self) -> ColdFinding:
        """What the requests say."""
        return find_cold(self.probes, self.plan)

    @property
    def warm_up(self) -> WarmUp | None:
        """The warm-up that would have prevented the cold starts, None where none was seen."""
        return prevention(self.finding, self.probes, self.prices)


def cold_probe_document(report: ColdProbeReport) -> dict[str, Any]:
    """Return the document of ``coldprobe --json``: findings, and every request they rest on."""
    finding, warm_up = asdict(report.finding), report.warm_up
    limits = limits_of(report.plan)
    finding["spent_usd"] = digits(report.finding.spent_usd)
    helps = None
    if warm_up is not None:
        reason = "" if warm_up.usd_per_day is not None else "UNPRICED or no usage"
        helps = asdict(warm_up) | {"usd_per_day": digits(warm_up.usd_per_day), "reason": reason}
    return {
        "probe_id": report.probe_id,
        "endpoint": report.endpoint,
        "model": report.model,
        "gaps_s": list(report.plan.gaps_s),
        "rounds": report.plan.rounds,
        "limits": asdict(limits) | {"usd": digits(limits.usd)},
        "began_wall_s": report.began_wall_s,
        "complete": report.complete,
        "ended": report.ended,
        "ever_cold": report.finding.cold_after_s is not None,
        "verdict": verdict_line(report),
        "rule": RULE,
        "finding": finding,
        "warm_up": helps,
        "probes": [asdict(probe) for probe in report.probes],
    }


def cold_probe_csv(report: ColdProbeReport) -> str:
    """Return every request as CSV, one a row; unknown is empty."""
    rows = (
        (report.endpoint, report.model, *(getattr(probe, key) for key in CSV_KEYS))
        for probe in report.probes
    )
    return csv_text((("endpoint", "model", *CSV_KEYS), *rows))


def cold_probe_markdown(report: ColdProbeReport) -> str:
    """Return a cold-start probe as Markdown: the verdict, then everything it rests on."""
    verdict, *rest = map(markdown, cold_probe_lines(report))
    return "\n".join([f"**{verdict}**", "", *(f"- {line}" for line in rest)]) + "\n"


def cold_probe_svg(report: ColdProbeReport, layout: svg.Layout = svg.WIDE) -> str:
    """Return a probe as SVG: every request a dot, a row for each pause, and what counts as slow."""
    finding = report.finding
    rows: list[tuple[str, float]] = [("warm", 0.0)]
    rows += [(f"after {pause(gap.gap_s)}", gap.gap_s) for gap in finding.gaps]
    times = [probe.ttft_s for probe in report.probes if probe.ttft_s and not probe.error]
    shapes, y_text = layout.paragraph(20, 26, verdict_line(report), bold=True)
    if not times:
        return layout.document(y_text + 24, shapes)
    high, y = max(*times, finding.slow_above_s or 0) * 1.05, y_text + 44.0
    for place, (name, gap_s) in enumerate(rows):
        middle, colour = y + place * 30, svg.COLOURS[0] if place else svg.MUTED
        shapes.append(svg.text(20, middle + 4, name, colour=colour))
        shapes += [
            svg.dot(layout.place(probe.ttft_s, 0, high), middle, colour)
            for probe in report.probes
            if probe.planned_idle_s == gap_s and probe.ttft_s and not probe.error
        ]
    bottom = y + len(rows) * 30
    shapes.append(svg.rule(layout.left, bottom, layout.right, bottom))
    if finding.slow_above_s is not None:
        x = layout.place(finding.slow_above_s, 0, high)
        shapes.append(svg.rule(x, y - 16, x, bottom, colour=svg.COLOURS[1]))
        words = "slow from here on"
        beside = (x + 4, "start") if x + SLOW_ROOM < layout.width else (x - 4, "end")
        shapes.append(svg.text(beside[0], y - 8, words, colour=svg.COLOURS[1], anchor=beside[1]))
    shapes.append(svg.text(layout.left, bottom + 16, "0 s", colour=svg.MUTED))
    end = layout.right
    shapes.append(
        svg.text(end, bottom + 16, f"TTFT {latency(high)}", colour=svg.MUTED, anchor="end")
    )
    return layout.document(bottom + 34, shapes)


def cold_probe_lines(report: ColdProbeReport) -> list[str]:
    """Return what a cold-start probe says, a line each: the verdict first."""
    finding, warm_up = report.finding, report.warm_up
    lines = [verdict_line(report)]
    if finding.warm is not None and finding.slow_above_s is not None:
        lines.append(
            f"warm: TTFT median {latency(finding.warm.median)} of {finding.warm_n} requests;"
            f" slow is over {latency(finding.slow_above_s)}"
        )
    lines += [_gap_line(gap, report.plan) for gap in finding.gaps]
    if finding.first_ttft_s is not None:
        lines.append(f"first request (idle time unknown): TTFT {latency(finding.first_ttft_s)}")
    if warm_up is not None:
        lines.append(warm_up_line(warm_up))
    spent = "" if finding.spent_usd is None else f", spent {usd(finding.spent_usd)}"
    refused = f", {finding.refused} refused after a pause" if finding.refused else ""
    errors = f", {finding.errors} failed" if finding.errors else ""
    lines.append(f"{finding.requests} requests{refused}{errors}{spent}")
    lines.append(f"limits of one start: {limits_text(limits_of(report.plan))}")
    if report.ended:
        lines.append(f"ended before every pause was measured: {report.ended}")
    lines.append(f"rule: {RULE}")
    return lines


def limits_text(limits: ProbeLimits) -> str:
    """Return what a probe may use at most."""
    spent = "" if limits.usd is None else f", {usd(limits.usd)}"
    return f"{limits.requests} requests, {pause(limits.lasts_s)}{spent}"


def verdict_line(report: ColdProbeReport) -> str:
    """Return in one sentence whether the endpoint was ever seen cold."""
    name, finding = report.endpoint, report.finding
    so_far = "" if report.complete else " so far"
    cold = next((gap for gap in finding.gaps if gap.gap_s == finding.cold_after_s), None)
    if cold is not None and cold.ttft_s is not None and finding.warm is not None:
        return (
            f"{name} was seen COLD{so_far}: after {pause(cold.gap_s)} idle, {cold.slow} of"
            f" {cold.n} requests, TTFT median {latency(cold.ttft_s.median)} against"
            f" {latency(finding.warm.median)} warm"
            f" ({cold.ttft_s.median / finding.warm.median:.0f}x)"
        )
    unsure = [gap for gap in finding.gaps if gap.verdict == "unsure" and gap.n]
    if unsure and finding.warm is not None:
        told = ", ".join(f"{gap.slow} of {gap.n} after {pause(gap.gap_s)}" for gap in unsure)
        return f"{name}: UNSURE{so_far}, slow requests but too few to tell: {told}"
    silent = next((gap for gap in finding.gaps if gap.refused and not gap.n), None)
    if silent is not None:
        return (
            f"{name}: UNSURE{so_far}, after {pause(silent.gap_s)} idle it refused"
            f" {silent.refused} requests and has not answered one"
        )
    if finding.warm_up_to_s is None:
        return f"{name}: no data yet"
    longest = pause(finding.warm_up_to_s)
    return f"{name}: no cold start observed{so_far}, after pauses of up to {longest}"


def _gap_line(gap: GapFinding, plan: ColdProbePlan) -> str:
    words = {"cold": "COLD", "warm": "warm", "unsure": "unsure"}
    head = f"after {pause(gap.gap_s):>6}: {gap.n}/{plan.rounds}"
    if gap.ttft_s is None:
        return f"{head}  {UNKNOWN}" + (f", {gap.refused} refused" if gap.refused else "")
    slow = UNKNOWN if gap.slow is None else f"{gap.slow} slow"
    least, most = latency(gap.ttft_s.min), latency(gap.ttft_s.max)
    times = f"TTFT median {latency(gap.ttft_s.median)}, {least} to {most}"
    refused = f", {gap.refused} refused" if gap.refused else ""
    return f"{head}  {words[gap.verdict]}, {slow}, {times}{refused}"


def warm_up_line(warm_up: WarmUp) -> str:
    """Return the request that would keep the endpoint warm, and what it costs a day."""
    price = UNKNOWN + " (UNPRICED)" if warm_up.usd_per_day is None else usd(warm_up.usd_per_day)
    size = "" if warm_up.input_tokens is None else f" of {warm_up.input_tokens} input tokens"
    proof = "" if warm_up.proven else "; no pause so short was measured, so this is not proven"
    return (
        f"to prevent it: one request{size} with max_tokens 1 every {pause(warm_up.every_s)},"
        f" {warm_up.requests_per_day} a day, {price} a day{proof}"
    )
