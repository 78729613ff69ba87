"""An A/B as the document of ``ab --json``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from backends.domain.ab.answers import provider_spent_usd
from backends.domain.ab.comparability import NotComparable, comparability
from backends.domain.ab.fairness import alike, compared_as
from backends.domain.ab.run import Run, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.ab.statistics import RUNS_FOR_P95, RUNS_FOR_P99
from backends.domain.ab.summary import FIGURES, FigureName, difference, spent_usd, summarise
from backends.domain.ab.trust import RTT_NOTE, network
from backends.domain.prices.amounts import digits

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
    "provider_cost_usd",
    "answered_model",
    "answered_provider",
    "server_times",
    "not_sent",
    "waits",
    "waited_s",
    "waited_for",
    "cold_s",
    "flags",
    "error",
)


def ab_report(series: AbSeries) -> dict[str, Any]:
    """Return the document of ``ab --json``.

    Times are seconds, money strings of decimal digits, unknown is None with a sibling reason. Text
    of the model is not part of it.
    """
    began = series.began
    targets = {name: _target(series, name) for name, _ in began.targets}
    a, b = series.target("a"), series.target("b")
    doubts = comparability(a, b)
    doubtful = doubtful_figures(doubts)
    return {
        "series_id": began.series_id,
        "prompt_sha256": began.prompt_sha256,
        "order": began.order,
        "runs_planned": began.runs,
        "sampling": {
            "max_tokens": began.max_tokens,
            "temperature": began.temperature,
            "ignore_eos": began.ignore_eos,
            "nonce": not began.cached,
        },
        "complete": series.ended and not series.reason,
        "reason": series.reason,
        "targets": targets,
        "difference": {figure: _difference(a, b, figure, doubtful) for figure in FIGURES},
        "against_a": {name: _against_a(series, name) for name, _ in began.targets if name != "a"},
        "warnings": [_warning(found) for found in doubts],
        "client": _client(series),
    }


def _against_a(series: AbSeries, name: TargetName) -> dict[str, Any]:
    a, b = series.target("a"), series.target(name)
    begin = alike(series, "a", name)
    doubts = comparability(a, b)
    doubtful = doubtful_figures(doubts)
    return {
        "difference": {figure: _difference(a, b, figure, doubtful) for figure in FIGURES},
        "warnings": [_warning(found) for found in doubts],
        "begin_alike": None if begin is None else asdict(begin),
    }


def _warning(found: NotComparable) -> dict[str, Any]:
    return {"code": "NOT_COMPARABLE", "figures": list(found.figures), "why": found.why}


def _target(series: AbSeries, name: TargetName) -> dict[str, Any]:
    began = series.began
    runs = series.target(name)
    place = [target for target, _ in began.targets].index(name)
    warm_ups = series.client.warm_ups if series.client else ()
    return {
        "endpoint": dict(began.targets)[name],
        "model": began.models[place] if place < len(began.models) else None,
        "compared_as": asdict(compared_as(series, name)),
        "clock": _clock(runs),
        "cost_usd": digits(spent_usd(runs)),
        "cost_reason": "" if spent_usd(runs) is not None else "UNPRICED: no price per token",
        "provider_cost_usd": digits(provider_spent_usd(runs)),
        "warm_up": next((_run(run) for run in warm_ups if run.target == name), None),
        "network": _network(runs),
        "runs": [_run(run) for run in runs],
        "summary": _summary(runs),
    }


def _network(runs: Sequence[Run]) -> dict[str, Any]:
    found = network(runs)
    if found is None:
        reason = "no run tells the round trip of its connection"
        return {"rtt_s": None, "ttft_minus_rtt_s": None, "reason": reason}
    return {**asdict(found), "note": RTT_NOTE}


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
        reason = "insufficient data: at least 4 runs per target"
        return {**dict.fromkeys(keys), "comparable": comparable, "reason": reason}
    told = {**asdict(found), "ci95": list(found.ci95), "comparable": comparable}
    return told if comparable else {**told, "verdict": "not_comparable"}


def doubtful_figures(doubts: Sequence[NotComparable]) -> frozenset[FigureName]:
    """Return the figures that must not be compared."""
    return frozenset(figure for doubt in doubts for figure in doubt.figures)


def _client(series: AbSeries) -> dict[str, Any]:
    if series.client is None:
        return {"cpu_percent": None, "limited": None, "reason": "the measuring process ended early"}
    audit = asdict(series.client)
    del audit["warm_ups"]
    return {**audit, "reasons": list(audit["reasons"])}
