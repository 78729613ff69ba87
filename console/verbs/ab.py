"""``inferctl ab A B``: the same prompt at two endpoints, measured."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from backends.domain.ab_facts import RunEnded
from backends.domain.money.amounts import usd
from backends.domain.streams.report import ab_csv, ab_markdown, ab_report, finding
from backends.domain.streams.series import AbSeries, advance_series
from backends.domain.streams.summary import FIGURES, comparability, difference, summarise
from backends.prober.client import run_series
from backends.prober.orders import SeriesOrder
from backends.prober.prompts import PARAGRAPH, PROMPTS, Prompt
from backends.problem import Problem, UsageProblem
from console import racing, recorder
from console.this_host import this_host
from console.verbs.report import document, say

TYPED_MAX_TOKENS = 220


def run(arguments: argparse.Namespace) -> int:
    """Run the series and keep it in the history; 1 where a lane has not one run that succeeded.

    Raises:
        Problem: an endpoint or its key cannot be had, or the series was not wanted.
    """
    machine = this_host()
    lanes = racing.lanes((arguments.a, arguments.b), machine.settings)
    order = racing.series(
        lanes,
        chosen_prompt(arguments),
        arguments.runs,
        max_tokens=arguments.max_tokens,
        mode="simultaneous" if arguments.together else "interleaved",
        cached=arguments.cached,
        ignore_eos=arguments.ignore_eos,
        timeout_s=arguments.timeout,
    )
    _agree(order, asked_before=arguments.yes)
    series = asyncio.run(_run(order))
    if arguments.json:
        document(ab_report(series))
    elif arguments.csv:
        print(ab_csv(series), end="")
    elif arguments.markdown:
        print(ab_markdown(series), end="")
    else:
        _tell(series)
    recorder.keep_series(machine, series)
    succeeded = [any(not each.error for each in series.lane(lane.name)) for lane in lanes]
    return 0 if all(succeeded) else 1


def chosen_prompt(arguments: argparse.Namespace) -> Prompt:
    """Return the prompt of a file, of the library, as typed, or the usual paragraph.

    Raises:
        UsageProblem: the file cannot be read.
    """
    if arguments.prompt_file:
        try:
            text = Path(arguments.prompt_file).read_text(errors="replace")
        except OSError as error:
            raise UsageProblem(
                f"--prompt-file {arguments.prompt_file}: {error.strerror}"
            ) from error
        return Prompt("file", arguments.prompt_file, text, TYPED_MAX_TOKENS)
    if arguments.prompt is None:
        return PARAGRAPH
    known = next((each for each in PROMPTS if each.name == arguments.prompt), None)
    return known or Prompt("typed", "typed", arguments.prompt, TYPED_MAX_TOKENS)


def _agree(order: SeriesOrder, *, asked_before: bool) -> None:
    """Say what a series costs at most, and ask where a person is there to answer."""
    most = racing.most_usd(order)
    if most is None:
        return
    say(f"{order.runs} runs and one warm-up a side: at most {usd(most)}")
    if asked_before or order.runs == 1:
        return
    if not sys.stdin.isatty():
        raise UsageProblem("a priced series is asked about; say --yes where nobody can answer")
    print("run it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Problem("not run")


async def _run(order: SeriesOrder) -> AbSeries:
    """Run to the end; an interrupt ends it early and keeps the runs that ended."""
    cancelled = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, cancelled.set)
    series: AbSeries | None = None
    async for fact in run_series(order, cancelled):
        series = advance_series(series, fact)
        if isinstance(fact, RunEnded):
            one = fact.run
            told = one.error or f"TTFT {_ms(one.ttft_s)}, {_ms(one.e2e_s)} in all"
            say(f"{one.lane} {one.index + 1}/{order.runs}: {told}")
    if series is None:
        raise Problem("the measuring process ended before it began")
    return series


def _tell(series: AbSeries) -> None:
    for (lane, endpoint), model in zip(series.began.lanes, series.began.models, strict=True):
        summary = summarise(series.lane(lane))
        print(f"{lane}  {endpoint}  {model}: {summary.n} runs, {summary.errors} errors")
        if summary.ttft_s is not None:
            spread = summary.ttft_s
            print(
                f"   TTFT median {_ms(spread.median)}, quartiles {_ms(spread.p25)} to"
                f" {_ms(spread.p75)}, {_ms(spread.min)} to {_ms(spread.max)}"
            )
        if summary.output_tokens_per_s is not None:
            print(f"   {summary.output_tokens_per_s.median:.1f} tokens/s (median)")
    for figure in FIGURES:
        found = difference(series.lane("a"), series.lane("b"), figure)
        if found is not None:
            print(finding(figure, found))
    for warning in comparability(series.lane("a"), series.lane("b")):
        print(f"NOT COMPARABLE: {warning.why}")
    if series.client is not None and series.client.limited:
        print(f"CLIENT LIMITED: {'; '.join(series.client.reasons)}")
    if series.reason:
        print(f"cut short: {series.reason}")


def _ms(value: float | None) -> str:
    return "—" if value is None else f"{value * 1000:.1f} ms"
