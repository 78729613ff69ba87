"""An A/B as the document of ``ab --json``, as Markdown and as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from backends.domain.run import Difference, LaneName, Run, Spread
from backends.domain.streams.series import AbSeries
from backends.domain.streams.statistics import RUNS_FOR_P95, RUNS_FOR_P99
from backends.domain.streams.summary import (
    FIGURES,
    FigureName,
    NotComparable,
    comparability,
    difference,
    summarise,
)

RUN_KEYS = (
    "ttft_s",
    "ttft_visible_s",
    "itl_s",
    "e2e_s",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "finish_reason",
    "connect",
    "rtt_s",
    "planned_to_sent_s",
    "cost_usd",
    "flags",
    "error",
)
CSV_KEYS = tuple(key for key in RUN_KEYS if key not in {"itl_s", "connect"})
FIGURE_TITLES: dict[FigureName, tuple[str, str]] = {
    "ttft_s": ("TTFT", "s"),
    "e2e_s": ("End to end", "s"),
    "output_tokens_per_s": ("Output speed", "tokens/s"),
}


def ab_report(series: AbSeries) -> dict[str, Any]:
    """Return the document of ``ab --json``.

    Times are seconds, money strings of decimal digits, unknown is None with a sibling reason. Text
    of the model is not part of it.
    """
    lanes = {name: _lane(series, name) for name, _ in series.began.lanes}
    a, b = series.lane("a"), series.lane("b")
    doubts = comparability(a, b)
    doubtful = _doubtful(doubts)
    return {
        "prompt_sha256": series.began.prompt_sha256,
        "order": series.began.order,
        "complete": series.ended and not series.reason,
        "reason": series.reason,
        "lanes": lanes,
        "difference": {figure: _difference(a, b, figure, doubtful) for figure in FIGURES},
        "warnings": [_warning(found) for found in doubts],
        "client": _client(series),
    }


def ab_markdown(series: AbSeries) -> str:
    """Return an A/B as Markdown: what was measured, the figures, the finding, the doubts."""
    began = series.began
    models = dict(zip((name for name, _ in began.lanes), began.models, strict=False))
    lines = ["| lane | endpoint | model | runs | errors | TTFT | tokens/s | end to end |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, endpoint in began.lanes:
        summary = summarise(series.lane(name))
        cells = (
            name,
            endpoint,
            models.get(name, ""),
            str(summary.n),
            str(summary.errors),
            _spread_text(summary.ttft_s, "s"),
            _spread_text(summary.output_tokens_per_s, ""),
            _spread_text(summary.e2e_s, "s"),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "Figures are medians with first and third quartile.", ""]
    a, b = series.lane("a"), series.lane("b")
    doubts = comparability(a, b)
    doubtful = _doubtful(doubts)
    for figure in FIGURES:
        found = difference(a, b, figure)
        lines.append(f"- {finding(figure, found, comparable=figure not in doubtful)}")
    lines += [f"- NOT_COMPARABLE: {doubt.why}." for doubt in doubts]
    if series.client and series.client.limited:
        lines.append(f"- Client limited: {'; '.join(series.client.reasons)}.")
    if series.reason:
        lines.append(f"- Cut short: {series.reason}")
    return "\n".join(lines) + "\n"


def ab_csv(series: AbSeries) -> str:
    """Return the runs of an A/B as CSV, one a row; unknown is empty, flags joined by spaces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("lane", "endpoint", "run", *CSV_KEYS, "itl_median_s"))
    endpoints = dict(series.began.lanes)
    for run in series.runs:
        cells = [_cell(getattr(run, key)) for key in CSV_KEYS]
        itl = summarise([run]).itl_s
        row = (run.lane, endpoints.get(run.lane, ""), run.index, *cells)
        writer.writerow((*row, itl.median if itl else ""))
    return out.getvalue()


def finding(figure: FigureName, found: Difference | None, *, comparable: bool = True) -> str:
    """Return one sentence on one figure; no winner inside the noise or of different work."""
    title, unit = FIGURE_TITLES[figure]
    if found is None:
        return f"{title}: fewer than four runs a lane, nothing can be said"
    low, high = found.ci95
    measured = f"b - a = {found.shift:+.4g} {unit} (95 % interval {low:+.4g} to {high:+.4g})"
    if not comparable:
        return f"{title}: not comparable; {measured}"
    if found.verdict != "too_close":
        winner, loser = ("b", "a") if found.verdict == "b_faster" else ("a", "b")
        return f"{title}: {winner} is faster than {loser}; {measured}"
    more = f", about {found.more_runs} more runs a lane would settle it" if found.more_runs else ""
    return f"{title}: too close to call; {measured}{more}"


def _warning(found: NotComparable) -> dict[str, Any]:
    return {"code": "NOT_COMPARABLE", "figures": list(found.figures), "why": found.why}


def _lane(series: AbSeries, name: LaneName) -> dict[str, Any]:
    began = series.began
    runs = series.lane(name)
    place = [lane for lane, _ in began.lanes].index(name)
    warm_ups = series.client.warm_ups if series.client else ()
    return {
        "endpoint": dict(began.lanes)[name],
        "model": began.models[place] if place < len(began.models) else None,
        "clock": _clock(runs),
        "warm_up": next((_run(run) for run in warm_ups if run.lane == name), None),
        "runs": [_run(run) for run in runs],
        "summary": _summary(runs),
    }


def _clock(runs: Sequence[Run]) -> str:
    measured = [run for run in runs if run.ttft_s is not None]
    return "kernel" if measured and all(run.clock == "kernel" for run in measured) else "user"


def _run(run: Run) -> dict[str, Any]:
    plain = asdict(run)
    return {key: list(v) if isinstance(v := plain[key], tuple) else v for key in RUN_KEYS}


def _summary(runs: Sequence[Run]) -> dict[str, Any]:
    summary = asdict(summarise(runs))
    if len(runs) < RUNS_FOR_P99:
        summary["tail_reason"] = f"p95 needs {RUNS_FOR_P95} runs, p99 needs {RUNS_FOR_P99}"
    return summary


def _difference(
    a: Sequence[Run], b: Sequence[Run], figure: FigureName, doubtful: frozenset[FigureName]
) -> dict[str, Any]:
    found = difference(a, b, figure)
    comparable = figure not in doubtful
    if found is None:
        keys = ("shift", "ci95", "p_value", "verdict", "smallest_detectable", "more_runs")
        reason = "fewer than four runs a lane"
        return {**dict.fromkeys(keys), "comparable": comparable, "reason": reason}
    return {**asdict(found), "ci95": list(found.ci95), "comparable": comparable}


def _doubtful(doubts: Sequence[NotComparable]) -> frozenset[FigureName]:
    return frozenset(figure for doubt in doubts for figure in doubt.figures)


def _client(series: AbSeries) -> dict[str, Any]:
    if series.client is None:
        return {"cpu_percent": None, "limited": None, "reason": "the measuring process ended early"}
    audit = asdict(series.client)
    del audit["warm_ups"]
    return {**audit, "reasons": list(audit["reasons"])}


def _spread_text(found: Spread | None, unit: str) -> str:
    if found is None:
        return "—"
    return f"{found.median:.4g} ({found.p25:.4g} to {found.p75:.4g}) {unit}".rstrip()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return " ".join(value) if isinstance(value, tuple) else value
