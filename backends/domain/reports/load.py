"""A load as a value that can be kept and opened again, and as JSON, CSV, Markdown and a picture."""

from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from backends.domain.ab.load import (
    KEPT_SHARE,
    LoadEnded,
    LoadLimits,
    LoadStep,
    judged_again,
    summarise_load,
)
from backends.domain.format import UNKNOWN, figure, plain_ms, usd
from backends.domain.reports import svg
from backends.domain.reports.csv_table import csv_text
from backends.domain.reports.table import markdown_table
from backends.domain.visible import markdown

FEWER_CAME = 0.85
"""Below this share of the planned rate, what was measured says little of the planned one."""

KEPT_WITHOUT_SAMPLES = "the history keeps no single requests; load --json prints them as it ends"

LABEL = 36.0
"""Width of a rate below the axis; rates that have less room stand in the table alone."""

TABLE_HEAD = ("REQ/S", "GOODPUT", "KEPT", "TOKENS/S", "STREAMS", "TTFT", "TTFT MAX", "ITL", "")
CSV_KEYS = (
    "planned_rps",
    "outcome",
    "requests",
    "errors",
    "kept_share",
    "kept_share_at_least",
    "goodput_rps",
    "output_tokens_per_s",
    "concurrency",
    "input_tokens",
    "output_tokens",
    "planned_to_sent_max_s",
    "client_cpu_percent",
    "client_limited",
    "broke",
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The recorded traffic that a load sent again.

    Attributes:
        named: its files, in a few words.
        arrivals: how many of the recorded requests were planned, the first ones.
        lasts_s: those at the speed at which they came.
        shared: by what the files say that prompts begin alike.
        remarks: what was assumed.
        input_tokens: planned, mean of a request, like `output_tokens`.
    """

    named: str
    arrivals: int
    recorded: int
    recorded_s: float
    lasts_s: float
    speed: float
    shared: str
    remarks: tuple[str, ...]
    input_tokens: float
    output_tokens: float


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was asked of an endpoint, and how it held.

    Attributes:
        max_tokens: of every request, which all take where the server knows ``ignore_eos``; of
            recorded traffic the mean.
    """

    load_id: str
    endpoint: str
    model: str
    began_wall_s: float
    max_tokens: int
    prompt_sha256: str
    ttft_limit_s: float
    itl_limit_s: float | None
    ended: LoadEnded
    replayed: Replayed | None = None


def from_samples(report: LoadReport) -> LoadReport:
    """Return a report whose steps are computed from their samples; those without any stay.

    Raises:
        ValueError: a step has not the same number of each figure of its requests.
    """
    limits, ended = LoadLimits(report.ttft_limit_s, report.itl_limit_s), report.ended
    steps = [judged_again(step, limits) or step for step in ended.steps]
    found = summarise_load(steps, ended.reason, ended.cost_usd, ended.cut_unpriced)
    return replace(report, ended=replace(found, not_sent=ended.not_sent))


def load_document(report: LoadReport) -> dict[str, Any]:
    """Return the document of ``load --json``, its steps with the single requests that count."""
    ended, best = report.ended, report.ended.best
    return {
        "load_id": report.load_id,
        "endpoint": report.endpoint,
        "model": report.model,
        "began_wall_s": report.began_wall_s,
        "max_tokens": report.max_tokens,
        "prompt_sha256": report.prompt_sha256,
        "limits": {
            "ttft_s": report.ttft_limit_s,
            "itl_s": report.itl_limit_s,
            "kept_share": KEPT_SHARE,
        },
        "capacity_rps": best.planned_rps if best and ended.bounded else None,
        "at_least_rps": best.planned_rps if best else None,
        "goodput_rps": best.goodput_rps if best else None,
        "output_tokens_per_s": best.output_tokens_per_s if best else None,
        "concurrency": best.concurrency if best else None,
        "kept_share_at_least": best.kept_share_at_least if best else None,
        "bounded": ended.bounded,
        "reason": ended.reason,
        "cost_usd": ended.cost_usd,
        "cut_unpriced": ended.cut_unpriced,
        "replayed": report.replayed,
        "steps": [_step_document(step) for step in ended.steps],
    }


def _step_document(step: LoadStep) -> dict[str, Any]:
    found = asdict(step)
    if step.requests and not step.samples.error:
        return found | {"samples": None, "samples_reason": KEPT_WITHOUT_SAMPLES}
    return found | {"samples_reason": None}


def replay_findings(report: LoadReport) -> list[str]:
    """Return what a replay showed, one sentence each; empty without one."""
    traffic = report.replayed
    step = next((s for s in report.ended.steps if s.replayed_speed is not None), None)
    if traffic is None:
        return []
    part = "" if traffic.arrivals == traffic.recorded else f" of {traffic.recorded}"
    what = (
        f"{traffic.named} at x{traffic.speed:g}: {traffic.arrivals}{part} requests in"
        f" {figure(traffic.lasts_s / traffic.speed)} s, prompts begin alike by {traffic.shared}"
    )
    found = [what, *(f"assumed: {each}" for each in traffic.remarks)]
    if step is None:
        return [*found, "nothing of it was measured"]
    late = step.sent_late_s
    p99 = "" if late is None or late.p99 is None else f", p99 {plain_ms(late.p99)}"
    if late is not None:
        lateness = f", late by {plain_ms(late.median)} (median{p99}, at most {plain_ms(late.max)})"
    else:
        lateness = ""
    kept = UNKNOWN if step.kept_share is None else f"{step.kept_share:.1%}"
    found.append(f"{step.sent} of {step.planned} arrivals sent{lateness}")
    found.append(
        f"goodput {figure(step.goodput_rps)} of {figure(step.planned_rps)} req/s within the limits"
        f" ({kept} kept them, {step.errors} failed)"
    )
    came = f"came {_count(step.input_tokens)} in and {_count(step.output_tokens)} out"
    planned = f"{traffic.input_tokens:.0f} in and {traffic.output_tokens:.0f} out"
    return [*found, f"mean tokens planned {planned}, {came}"]


def _count(tokens: float | None) -> str:
    return UNKNOWN if tokens is None else f"{tokens:.0f}"


def load_finding(report: LoadReport) -> str:
    """Return the capacity in one sentence, with what it was measured with."""
    best, name = report.ended.best, report.endpoint
    shape = f"with {_shape(report)} a request"
    if not report.ended.steps:
        return f"nothing was measured of {name}: no rate was held long enough"
    if best is None:
        return f"{name} kept its limits at no rate that was tried {shape}"
    what = (
        f"{figure(best.planned_rps)} req/s ({figure(best.output_tokens_per_s)}"
        f" output tokens/s, {best.concurrency} streams at once) {shape}"
    )
    if not report.ended.bounded:
        return (
            f"{name} carries at least {what}; no limit broke{_how_sure(best)}{_how_many_came(best)}"
        )
    return f"{name} carries {what}{_how_sure(best)}{_how_many_came(best)}"


def _how_sure(best: LoadStep) -> str:
    """What a p99 limit is said to be kept by, for ten requests that kept it are no proof."""
    if best.kept_share_at_least is None or best.kept_share is None:
        return ""
    kept = round(best.kept_share * best.requests)
    sure = f"; {kept} of {best.requests} requests kept the limits there"
    if best.kept_share_at_least >= KEPT_SHARE:
        return sure
    return f"{sure}, which shows that {best.kept_share_at_least:.1%} of all do (95 % sure)"


def _how_many_came(best: LoadStep) -> str:
    """What chance made of the planned mean, where it was clearly less."""
    window_s = best.requests * (best.kept_share or 0) / best.goodput_rps if best.goodput_rps else 0
    came = best.requests / window_s if window_s else best.planned_rps
    if came >= best.planned_rps * FEWER_CAME:
        return ""
    return (
        f"; by chance only {figure(came)} req/s came while it was measured,"
        " longer steps tell more (--step)"
    )


def _shape(report: LoadReport) -> str:
    best = report.ended.best
    out = f"{report.max_tokens} output tokens"
    if best is None or best.input_tokens is None:
        return out
    if best.output_tokens is not None:
        out = f"{best.output_tokens:.0f} output tokens"
    return f"{best.input_tokens:.0f} input and {out}"


def step_finding(step: LoadStep) -> str:
    """Return what one rate showed, in a few words."""
    if step.outcome == "unknown":
        return "unknown: no request came in its time; longer steps tell more (--step)"
    limited = "CLIENT LIMITED " if step.client_limited else ""
    replay = "" if step.replayed_speed is None else f"replay at x{step.replayed_speed:g}: "
    return replay + limited + (step.broke or "kept its limits")


def load_rows(report: LoadReport) -> list[tuple[str, ...]]:
    """Return a table for people, its head first."""
    return [TABLE_HEAD, *map(_row, report.ended.steps)]


def _row(step: LoadStep) -> tuple[str, ...]:
    return (
        figure(step.planned_rps),
        figure(step.goodput_rps),
        UNKNOWN if step.kept_share is None else f"{step.kept_share:.1%}",
        f"{step.output_tokens_per_s:.0f}",
        str(step.concurrency),
        plain_ms(step.ttft_s.median if step.ttft_s else None),
        plain_ms(step.ttft_s.max if step.ttft_s else None),
        plain_ms(step.itl_s.median if step.itl_s else None),
        step_finding(step),
    )


def ended_text(report: LoadReport) -> str:
    """Return why it ended and what it cost."""
    cost = report.ended.cost_usd
    spent = f"; spent {usd(Decimal(cost))}" if cost else ""
    if cost and report.ended.cut_unpriced:
        spent += f" and what {report.ended.cut_unpriced} requests cost that were cut off"
    return f"ended: {report.ended.reason}{spent}"


def load_markdown(report: LoadReport) -> str:
    """Return a load as Markdown: the finding, the limits, every step."""
    head, *rows = load_rows(report)
    lines = [markdown(load_finding(report)) + ".", "", f"{_limits(report)}.", ""]
    if replayed := replay_findings(report):
        lines += [*(f"- {markdown(each)}" for each in replayed), ""]
    lines += [*markdown_table(head, rows), ""]
    return "\n".join([*lines, markdown(ended_text(report))]) + "\n"


def limits_text(ttft_limit_s: float, itl_limit_s: float | None) -> str:
    """Return the limits in one line."""
    itl = f", ITL {itl_limit_s:g} s" if itl_limit_s else ""
    return f"limits: TTFT {ttft_limit_s:g} s{itl} for 99 of 100 requests"


def _limits(report: LoadReport) -> str:
    return limits_text(report.ttft_limit_s, report.itl_limit_s)


def load_csv(report: LoadReport) -> str:
    """Return the steps as CSV, one a row; unknown is empty."""
    spreads = [f"{name}_{part}" for name in ("ttft_s", "itl_s") for part in _PARTS]
    rows: list[tuple[object, ...]] = [("endpoint", "model", *CSV_KEYS, *spreads)]
    for step in report.ended.steps:
        cells = [getattr(step, key) for key in CSV_KEYS]
        for found in (step.ttft_s, step.itl_s):
            cells += [getattr(found, part) if found else None for part in _PARTS]
        rows.append((report.endpoint, report.model, *cells))
    return csv_text(rows)


_PARTS = ("median", "p25", "p75", "min", "max")


def load_svg(report: LoadReport, layout: svg.Layout = svg.WIDE) -> str:
    """Return the curve as SVG: median and largest TTFT over the rate, and the limit."""
    steps = [step for step in report.ended.steps if step.ttft_s is not None]
    shapes, y_text = layout.paragraph(20, 26, load_finding(report), bold=True)
    limits, y_text = layout.paragraph(20, y_text + 20, _limits(report), colour=svg.MUTED)
    shapes += limits
    if not steps:
        return layout.document(y_text + 24, shapes)
    last = max(step.planned_rps for step in steps)
    high = max(report.ttft_limit_s, *(step.ttft_s.max for step in steps if step.ttft_s)) * 1.05
    top = y_text + 44.0
    bottom = top + 260.0

    def y(ttft_s: float) -> float:
        return bottom - ttft_s / high * (bottom - top)

    left, right = layout.left, layout.right
    shapes += [svg.rule(left, bottom, right, bottom), svg.rule(left, top, left, bottom)]
    limit = y(report.ttft_limit_s)
    shapes.append(svg.rule(left, limit, right, limit, colour=svg.COLOURS[1], width=1.5))
    shapes.append(svg.text(left + 6, limit - 5, "TTFT limit", colour=svg.COLOURS[1]))
    labelled = left - LABEL
    for step in steps:
        assert step.ttft_s is not None
        x = layout.place(step.planned_rps, 0, last)
        ends = y(step.ttft_s.p75), y(step.ttft_s.max)
        colour = svg.COLOURS[1] if step.broke else svg.COLOURS[0]
        shapes.append(svg.rule(x, ends[0], x, ends[1], colour=colour))
        shapes.append(svg.dot(x, y(step.ttft_s.median), colour, hollow=bool(step.broke)))
        if x - labelled >= LABEL:
            labelled = x
            shapes.append(svg.text(x, bottom + 16, figure(step.planned_rps), anchor="middle"))
    shapes.append(svg.text(20, bottom + 16, "requests/s", colour=svg.MUTED))
    shapes.append(svg.text(20, top - 10, f"TTFT, {high:.3g} s at the top", colour=svg.MUTED))
    legend, y_text = layout.paragraph(20, bottom + 40, _LEGEND, colour=svg.MUTED)
    return layout.document(y_text + 16, [*shapes, *legend])


_LEGEND = "filled: kept its limits; hollow: broke them; the line reaches to the slowest request"
