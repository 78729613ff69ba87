"""Every figure of a study, each with its interval, recomputed from the samples alone."""

from collections.abc import Iterator
from statistics import median

from backends.domain.ab.comparability import comparability
from backends.domain.ab.series import AbSeries
from backends.domain.ab.summary import FIGURES, FigureName, difference, values
from backends.domain.durations import HOUR_S
from backends.domain.format import GIB, pause
from backends.domain.reports.ab import doubtful_figures
from backends.domain.reports.cold_probe import verdict_line
from backends.domain.start import Outcome, PhaseName, Start
from backends.domain.study.figure import (
    NO_API_PRICE,
    NO_GPU_PRICE,
    SIDES,
    Figure,
    Unit,
    figure_of_mean,
    figure_of_median,
    figure_of_usd,
)
from backends.domain.study.money_figures import (
    answered,
    capacity_figures,
    cost_figures,
    crossover_figures,
    length_series,
)
from backends.domain.study.study import Study


def figures(study: Study) -> tuple[Figure, ...]:
    """Return every figure that the samples of a study give, in the order of its page."""
    return (
        *_cold_starts(study),
        *_memory(study),
        *_warm(study),
        *_lengths(study),
        *_idle(study),
        *capacity_figures(study),
        *crossover_figures(study),
        *cost_figures(study),
    )


def ready_starts(study: Study) -> list[Start]:
    """Return the starts that came to serve; only these are put together."""
    return [each.start for each in study.starts if each.start.outcome is Outcome.READY]


def phases_of(start: Start) -> dict[PhaseName, float]:
    """Return how long each phase of a start took, in seconds, what no line tells at the end."""
    took: dict[PhaseName, float] = {}
    for phase in start.phases:
        took[phase.name] = took.get(phase.name, 0.0) + (phase.duration_s or 0.0)
    return took | {PhaseName.UNLOGGED: start.unlogged_s}


def _cold_starts(study: Study) -> Iterator[Figure]:
    starts = ready_starts(study)
    took = [phases_of(start) for start in starts]
    for name in PhaseName:
        seconds = [each.get(name, 0.0) for each in took]
        if any(seconds):
            title = name.value.replace("_", " ")
            yield figure_of_mean(f"cold_start.phase.{name}_s", title, "s", seconds)
    whole = (
        ("ready_s", "launch to ready", [start.ready_s for start in starts]),
        ("first_token_s", "launch to first token", [start.first_token_s for start in starts]),
    )
    for key, title, each in whole:
        known = [value for value in each if value is not None]
        if known:
            yield figure_of_mean(f"cold_start.{key}", title, "s", known)
    lengths = [start.total_s for start in starts if start.total_s is not None]
    price = study.server.usd_per_hour
    if lengths:
        costs = [] if price is None else [float(price) * length / HOUR_S for length in lengths]
        yield figure_of_usd("cold_start.usd", "one cold start of the host", costs, NO_GPU_PRICE)


def _memory(study: Study) -> Iterator[Figure]:
    starts = ready_starts(study)
    if starts:
        memory = starts[-1].memory
        logged: tuple[tuple[str, str, Unit, float | None], ...] = (
            ("weights_gib", "weights", "GiB", memory.weights_gib),
            ("kv_cache_gib", "KV cache", "GiB", memory.kv_cache_gib),
            ("cuda_graphs_gib", "CUDA graphs", "GiB", memory.cuda_graphs_gib),
            ("activation_peak_gib", "activation peak", "GiB", memory.activation_peak_gib),
            ("kv_cache_tokens", "KV cache in tokens", "tokens", memory.kv_cache_tokens),
            ("max_concurrency", "full-length requests", "requests at once", memory.max_concurrency),
        )
        for key, title, unit, value in logged:
            reason = "" if value is not None else "vLLM's log does not tell it"
            yield Figure(f"memory.{key}", title, unit, value, better="", reason=reason)
    for gpu in study.gpus:
        for key, title, size in (
            ("used_gib", "in use", gpu.memory.used_bytes),
            ("total_gib", "in all", gpu.memory.total_bytes),
        ):
            value = None if size is None else size / GIB
            reason = "" if size is not None else gpu.memory.reason
            name = f"memory.gpu{gpu.index}.{key}"
            yield Figure(name, f"GPU {gpu.index} {title}", "GiB", value, better="", reason=reason)


def _warm(study: Study) -> Iterator[Figure]:
    if study.warm is None:
        return
    series = study.warm
    yield from _of_series("warm", series)
    for side, target in SIDES:
        times = values(series.target(target), "ttft_s")
        if times:
            yield Figure(
                f"warm.{side}.ttft_range_s",
                f"TTFT of the {side}: longest less shortest",
                "s",
                max(times) - min(times),
                n=len(times),
                method="range",
            )
    a, b = series.target("a"), series.target("b")
    doubtful = doubtful_figures(comparability(a, b))
    for figure in FIGURES:
        found = difference(a, b, figure)
        if found is None:
            continue
        yield Figure(
            f"warm.difference.{figure}",
            f"{_NAMES[figure][0]} of the endpoint less that of the server",
            _NAMES[figure][1],
            found.shift,
            low=found.ci95[0],
            high=found.ci95[1],
            n=min(len(values(a, figure)), len(values(b, figure))),
            method="Hodges-Lehmann shift and interval",
            better="",
            reason="not comparable, see the remarks" if figure in doubtful else "",
        )


_NAMES: dict[FigureName, tuple[str, Unit]] = {
    "ttft_s": ("TTFT", "s"),
    "e2e_s": ("end to end", "s"),
    "output_tokens_per_s": ("output speed", "tokens/s"),
}


def _of_series(prefix: str, series: AbSeries) -> Iterator[Figure]:
    for side, target in SIDES:
        runs = series.target(target)
        for figure, (title, unit) in _NAMES.items():
            if found := values(runs, figure):
                yield figure_of_median(
                    f"{prefix}.{side}.{figure}", f"{title} of the {side}", unit, found
                )
        gaps = [median(run.itl_s) for run in runs if run.itl_s and not run.error]
        if gaps:
            yield figure_of_median(f"{prefix}.{side}.itl_s", f"ITL of the {side}", "s", gaps)


def _lengths(study: Study) -> Iterator[Figure]:
    for name, series in study.lengths:
        yield from _of_series(f"length.{name}", series)
    for name, series in length_series(study):
        runs = answered(series)
        for key, title, counts in (
            ("input_tokens", "input tokens", [run.input_tokens for run in runs]),
            ("output_tokens", "output tokens", [run.output_tokens for run in runs]),
        ):
            known = [float(count) for count in counts if count is not None]
            if known:
                yield figure_of_mean(f"length.{name}.{key}", f"{name}: {title}", "tokens", known)
        yield figure_of_usd(
            f"length.{name}.usd_per_request",
            f"{name}: one request at the endpoint",
            [float(run.cost_usd) for run in runs if run.cost_usd is not None],
            NO_API_PRICE,
        )


def _idle(study: Study) -> Iterator[Figure]:
    if study.idle is None:
        return
    probes, finding = study.idle.probes, study.idle.finding
    groups = [("warm", "without a pause", 0.0)]
    groups += [(f"gap_{pause(gap_s)}", f"after {pause(gap_s)}", gap_s)
               for gap_s in study.idle.plan.gaps_s]  # fmt: skip
    for key, title, gap_s in groups:
        times = [
            probe.ttft_s
            for probe in probes
            if probe.planned_idle_s == gap_s and probe.ttft_s is not None and not probe.error
        ]
        if times:
            yield figure_of_median(f"idle.{key}.ttft_s", f"TTFT {title}", "s", times)
    yield Figure(
        "idle.cold_after_s",
        "idle time after which it was cold",
        "s",
        finding.cold_after_s,
        n=finding.requests,
        better="higher",
        reason=verdict_line(study.idle) if finding.cold_after_s is None else "",
    )
