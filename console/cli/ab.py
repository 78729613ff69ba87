"""``inferctl ab A B``: the same prompt at two to four endpoints, measured."""

import argparse
import asyncio
import signal
import sys
import time
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

from backends.domain.ab.facts import RunEnded, SeriesBegan, SeriesEnded, TargetWaits
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.ab.summary import spent_usd, summarise
from backends.domain.ab.trust import limits, remarks
from backends.domain.format import plain_ms, usd
from backends.domain.reports.ab import ab_report
from backends.domain.reports.ab_text import (
    ab_csv,
    ab_markdown,
    findings,
    how_measured,
    spent_text,
    token_counts,
)
from backends.history.thread import HistoryThread
from backends.operations import ab, records
from backends.operations.ab import TARGETS
from backends.operations.ab_run import measured_series
from backends.operations.host import Host, this_host
from backends.prober.prompts import PARAGRAPH, Prompt
from backends.prober.protocol import SeriesOrder
from backends.problem import UsageProblem
from console.cli.output import agree, document, say, show, show_page
from console.cli.recording import recording

LEAST_SHOWN_S = 0.5


def run(arguments: argparse.Namespace) -> int:
    """Run the series, each run kept as it ends; 1 where a target has not one that succeeded.

    Raises:
        Problem: an endpoint or its key cannot be had, or the series was not wanted.
    """
    host = this_host()
    references = (arguments.a, arguments.b, *arguments.more)
    if len(references) > len(TARGETS):
        raise UsageProblem(f"an A/B has at most {len(TARGETS)} endpoints")
    targets = ab.targets(references, host.settings)
    ab.check_that_none_sleeps(references, host)
    order = ab.series(
        targets,
        chosen_prompt(arguments),
        arguments.runs,
        max_tokens=arguments.max_tokens,
        mode="simultaneous" if arguments.together else "interleaved",
        cached=arguments.cached,
        ignore_eos=arguments.ignore_eos,
        timeout_s=arguments.timeout,
    )
    agree(ab.consent(order, host), asked_before=arguments.yes)
    with recording(host) as writer:
        series = asyncio.run(_run(order, host, writer))
        if arguments.json:
            document(ab_report(series))
        elif arguments.csv:
            show_page(ab_csv(series))
        elif arguments.markdown:
            show_page(ab_markdown(series))
        else:
            _tell(series)
        sys.stdout.flush()  # it was paid for: nobody waits for the history to see it
    if not writer.unwritten and not writer.spools:
        forms = "--csv, --markdown or --svg"
        say(f"kept; for its files: inferctl export series {order.series_id} {forms}")
    succeeded = [any(not each.error for each in series.target(target.name)) for target in targets]
    return 0 if all(succeeded) else 1


def chosen_prompt(arguments: argparse.Namespace) -> Prompt:
    """Return the prompt of a file, of the library, as typed, or the usual paragraph.

    Raises:
        UsageProblem: the file cannot be read.
    """
    if arguments.prompt_file:
        return ab.prompt_in(Path(arguments.prompt_file))
    return PARAGRAPH if arguments.prompt is None else ab.typed_prompt(arguments.prompt)


async def _run(order: SeriesOrder, host: Host, writer: HistoryThread) -> AbSeries:
    """Run to the end; an interrupt ends it early and keeps the runs that ended."""
    cancelled = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, cancelled.set)
    series: AbSeries | None = None
    began_s = time.monotonic()
    async with aclosing(measured_series(order, host, cancelled)) as facts:
        async for fact in facts:
            series = advance_series(series, fact)
            if series is not None and isinstance(fact, SeriesBegan | RunEnded | SeriesEnded):
                records.keep_series(writer, series, fact)
            if isinstance(fact, TargetWaits) and fact.delay_s >= LEAST_SHOWN_S:
                say(_waiting(fact))
            if series is not None and isinstance(fact, RunEnded):
                say(_progress(series, fact, len(order.targets), time.monotonic() - began_s))
    assert series is not None  # a prober that tells anything tells the beginning first
    return series


def _waiting(fact: TargetWaits) -> str:
    """Return in a line that a target is waited for, and for how long already."""
    what = "is cold" if fact.cold else "is retried later"
    since = f" ({fact.waited_s:.0f} s so far)" if fact.waited_s >= 1 else ""
    return f"{fact.target} {what}{since}, next request in {plain_ms(fact.delay_s)}: {fact.why}"


def _progress(series: AbSeries, fact: RunEnded, targets: int, took_s: float) -> str:
    """Return one run in a line, and how far the series is."""
    run, done, planned = fact.run, len(series.runs), series.began.runs * targets
    told = run.error or f"TTFT {plain_ms(run.ttft_s)}, {plain_ms(run.e2e_s)} in all"
    tokens = f", {token_counts([run])}" if not run.error else ""
    cost = f", {usd(Decimal(run.cost_usd))}" if run.cost_usd else ""
    left_s = took_s / done * (planned - done)
    left = f", about {left_s:.0f} s left" if done < planned else ""
    spent = spent_usd(series.runs)
    so_far = f", spent {usd(spent)}" if spent is not None else ""
    return (
        f"{run.target} {run.index + 1}/{series.began.runs}: {told}{tokens}{cost}"
        f" ({done} of {planned} runs{left}{so_far})"
    )


def _tell(series: AbSeries) -> None:
    show(how_measured(series))
    for (target, endpoint), model in zip(series.began.targets, series.began.models, strict=True):
        runs = series.target(target)
        summary = summarise(runs)
        show(f"{target}  {endpoint}  {model}: {summary.n} runs, {summary.errors} errors")
        show(f"   {token_counts(runs)} (median); {spent_text(runs)}")
        if summary.ttft_s is not None:
            spread = summary.ttft_s
            show(
                f"   TTFT median {plain_ms(spread.median)}, quartiles {plain_ms(spread.p25)} to"
                f" {plain_ms(spread.p75)}, {plain_ms(spread.min)} to {plain_ms(spread.max)}"
            )
        if summary.output_tokens_per_s is not None:
            show(f"   {summary.output_tokens_per_s.median:.1f} tokens/s (median)")
    for target, _ in series.began.targets[1:]:
        for told in findings(series, target):
            show(told)
    for told in remarks(series):
        show(told)
    if limited := limits(series):
        show(f"CLIENT LIMITED: {limited}")
    if series.reason:
        show(f"cut short: {series.reason}")
