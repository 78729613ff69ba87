"""An A/B for people and spreadsheets: as sentences, as Markdown and as CSV."""

from collections.abc import Sequence
from statistics import median

from backends.domain.ab.answers import provider_spent_usd
from backends.domain.ab.comparability import comparability
from backends.domain.ab.run import Connect, Difference, Run, Spread, TargetName
from backends.domain.ab.series import AbSeries
from backends.domain.ab.summary import (
    FIGURES,
    FigureName,
    difference,
    output_tokens_per_s,
    spent_usd,
    summarise,
)
from backends.domain.ab.trust import limits, remarks
from backends.domain.format import UNKNOWN, usd
from backends.domain.reports.ab import RUN_KEYS, doubtful_figures
from backends.domain.reports.csv_table import csv_text
from backends.domain.reports.table import markdown_table
from backends.domain.visible import markdown

CSV_KEYS = tuple(key for key in RUN_KEYS if key not in {"itl_s", "connect", "server_times"})
CSV_HEAD = (
    *("target", "endpoint", "model", "run"),
    *CSV_KEYS,
    *("output_tokens_per_s", "itl_median_s", "itl_mean_s"),
    *("dns_s", "tcp_s", "tls_s", "reused"),
)
MARKDOWN_HEAD = (
    *("target", "endpoint", "model", "runs", "errors"),
    *("TTFT", "tokens/s", "end to end", "tokens"),
)
FIGURE_TITLES: dict[FigureName, tuple[str, str]] = {
    "ttft_s": ("TTFT", "s"),
    "e2e_s": ("End to end", "s"),
    "output_tokens_per_s": ("Output speed", "tokens/s"),
}


def ab_markdown(series: AbSeries) -> str:
    """Return an A/B as Markdown: what was measured, the figures, the finding, the doubts."""
    began = series.began
    models = dict(zip((name for name, _ in began.targets), began.models, strict=False))
    rows = []
    for name, endpoint in began.targets:
        summary = summarise(series.target(name))
        rows.append(
            (
                name,
                endpoint,
                models.get(name, ""),
                summary.n,
                summary.errors,
                _spread_text(summary.ttft_s, "s"),
                _spread_text(summary.output_tokens_per_s, ""),
                _spread_text(summary.e2e_s, "s"),
                token_counts(series.target(name)),
            )
        )
    lines = [
        *markdown_table(MARKDOWN_HEAD, rows),
        "",
        "Figures are medians with first and third quartile.",
        "",
    ]
    lines.append(f"- {markdown(how_measured(series))}.")
    for name, _ in began.targets[1:]:
        lines += [f"- {markdown(told)}" for told in findings(series, name)]
    lines += [f"- Target {name}: {spent_text(series.target(name))}." for name, _ in began.targets]
    lines += [f"- {markdown(told[0].upper() + told[1:])}." for told in remarks(series)]
    if limited := limits(series):
        lines.append(f"- Client limited: {markdown(limited)}.")
    if series.reason:
        lines.append(f"- Cut short: {markdown(series.reason)}")
    return "\n".join(lines) + "\n"


def ab_csv(series: AbSeries) -> str:
    """Return the runs of an A/B as CSV, one a row; unknown is empty, flags joined by spaces.

    Every figure of the report follows from it: each is a median or a quartile over the rows of a
    target without an error, and each difference is one between two such columns.
    """
    began = series.began
    endpoints = dict(began.targets)
    models = dict(zip((name for name, _ in began.targets), began.models, strict=False))
    rows: list[tuple[object, ...]] = [CSV_HEAD]
    for run in series.runs:
        where = (run.target, endpoints.get(run.target, ""), models.get(run.target, ""), run.index)
        read = [_cell(getattr(run, key)) for key in CSV_KEYS]
        itl = (median(run.itl_s), sum(run.itl_s) / len(run.itl_s)) if run.itl_s else (None, None)
        connect = run.connect or Connect(None, None, None, reused=False)
        opened = (connect.dns_s, connect.tcp_s, connect.tls_s)
        reused = connect.reused if run.connect else None
        rest = [_cell(each) for each in (output_tokens_per_s(run), *itl, *opened, reused)]
        rows.append((*where, *read, *rest))
    return csv_text(rows)


def how_measured(series: AbSeries) -> str:
    """Return in one line what every target was asked alike, and in which order."""
    began = series.began
    order = "in random order within each round" if began.order == "interleaved" else "all at once"
    asked = ["the same prompt"]
    if began.max_tokens is not None:
        asked.append(f"max_tokens {began.max_tokens}")
    if began.temperature is not None:
        asked.append(f"temperature {began.temperature:g}")
    if began.ignore_eos:
        asked.append("ignore_eos")
    asked.append("no nonce: caches may answer" if began.cached else "a fresh nonce each run")
    return f"asked {order}: {', '.join(asked)}"


def token_counts(runs: Sequence[Run]) -> str:
    """Return the median numbers of tokens in and out, ``—`` where the endpoint sends no usage."""
    good = [run for run in runs if not run.error]
    into = [run.input_tokens for run in good if run.input_tokens is not None]
    out = [run.output_tokens for run in good if run.output_tokens is not None]
    told = [f"{median(counts):g}" if counts else UNKNOWN for counts in (into, out)]
    return f"{told[0]} tokens in, {told[1]} out"


def spent_text(runs: Sequence[Run]) -> str:
    """Return what the runs cost together, or that nobody can tell."""
    spent, said = spent_usd(runs), provider_spent_usd(runs)
    ours = "UNPRICED, no price per token" if spent is None else f"{usd(spent)} for {len(runs)} runs"
    return ours if said is None else f"{ours}; as the endpoint reports {usd(said)}"


def findings(series: AbSeries, name: TargetName) -> list[str]:
    """Return a sentence for each figure of a target against a, then why they do not compare."""
    a, b = series.target("a"), series.target(name)
    doubts = comparability(a, b, name)
    doubtful = doubtful_figures(doubts)
    said = [
        finding(figure, difference(a, b, figure), comparable=figure not in doubtful, name=name)
        for figure in FIGURES
    ]
    return [*said, *(f"NOT_COMPARABLE: {doubt.why}." for doubt in doubts)]


def finding(
    figure: FigureName, found: Difference | None, *, comparable: bool = True, name: TargetName = "b"
) -> str:
    """Return one sentence on one figure; no winner inside the noise or of different work.

    `name` is the target that is compared with target a.
    """
    title, unit = FIGURE_TITLES[figure]
    if found is None:
        return f"{title}: insufficient data: at least 4 runs per target"
    low, high = found.ci95
    measured = f"{name} - a = {found.shift:+.4g} {unit} (95 % interval {low:+.4g} to {high:+.4g})"
    if not comparable:
        return f"{title}: not comparable; {measured}"
    if found.verdict != "too_close":
        winner, loser = (name, "a") if found.verdict == "b_faster" else ("a", name)
        return f"{title}: {winner} is faster than {loser}; {measured}"
    least = found.smallest_detectable
    more = f"; these runs would find {least:.3g} {unit} four times in five" if least else ""
    if found.more_runs:
        more += f", about {found.more_runs} more a target would settle it"
    return f"{title}: too close to call; {measured}{more}"


def _spread_text(found: Spread | None, unit: str) -> str:
    if found is None:
        return UNKNOWN
    return f"{found.median:.4g} ({found.p25:.4g} to {found.p75:.4g}) {unit}".rstrip()


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, tuple) else value
