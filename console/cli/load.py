"""``inferctl load ENDPOINT``: the rate that an endpoint carries within its latency limits."""

import argparse
import asyncio
import signal
import sys

from backends.domain.format import figure
from backends.domain.reports.load import (
    LoadReport,
    ended_text,
    load_document,
    load_finding,
    load_rows,
    step_finding,
)
from backends.history.thread import HistoryThread
from backends.operations import ab, load_test
from backends.operations.host import Host, this_host
from backends.prober.protocol import LoadOrder
from backends.problem import Problem
from console.cli.ab import chosen_prompt
from console.cli.output import agree, document, say, show, table
from console.cli.recording import recording


def run(arguments: argparse.Namespace) -> int:
    """Raise the rate until a limit breaks; 1 where no rate kept the limits.

    Raises:
        Problem: the endpoint cannot be had or does not answer, or the load was not wanted.
    """
    host = this_host()
    order = _order(arguments, host)
    load_test.check_that_it_serves(host, arguments.endpoint)
    agree(load_test.consent(order, host), asked_before=arguments.yes)
    with recording(host) as writer:
        report = asyncio.run(_run(order, host, writer))
        if not report.ended.steps:
            raise Problem(f"nothing was measured: {report.ended.reason}")
        kept = load_test.keep_for_verdict(host, report)
        if arguments.json:
            document(load_document(report))
        else:
            table(load_rows(report))
            show(load_finding(report))
            show(ended_text(report))
        sys.stdout.flush()  # it was paid for: nobody waits for the history to see it
    if not writer.unwritten:
        say(f"kept as {report.load_id}: inferctl history {report.load_id} shows it again")
    if kept:
        say(kept)
    return 0 if report.ended.best else 1


def _order(arguments: argparse.Namespace, host: Host) -> LoadOrder:
    limits = host.settings.limits
    if arguments.ttft is None and limits.ttft_p99_s is None:
        say(f"no [limits] ttft_p99_s is configured: {load_test.DEFAULT_TTFT_S:g} s is taken")
    prompt = chosen_prompt(arguments)
    text = prompt.text
    if arguments.input_tokens is not None:
        text = load_test.lengthened(text, arguments.input_tokens)
    return LoadOrder(
        target=ab.targets([arguments.endpoint], host.settings)[0],
        prompt=text,
        max_tokens=arguments.max_tokens or prompt.max_tokens,
        ttft_limit_s=arguments.ttft or limits.ttft_p99_s or load_test.DEFAULT_TTFT_S,
        itl_limit_s=arguments.itl or limits.itl_p99_s,
        first_rps=arguments.first_rps,
        step_s=arguments.step,
        max_s=arguments.most_s,
        max_requests=arguments.requests,
        max_usd=None if arguments.usd is None else format(arguments.usd, "f"),
        cached=arguments.cached,
    )


async def _run(order: LoadOrder, host: Host, writer: HistoryThread) -> LoadReport:
    """Run to the end; an interrupt ends it early and keeps the steps that are complete."""
    cancelled = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, cancelled.set)
    say(f"{figure(order.first_rps)} req/s for {order.step_s:g} s")
    async for news in load_test.recorded_load(writer, host, order, cancelled):
        if news.step is None:
            return news.report
        say(f"{figure(news.step.planned_rps)} req/s: {step_finding(news.step)}")
        if news.next_rps is not None:
            say(f"{figure(news.next_rps)} req/s for {order.step_s:g} s")
    raise Problem("the measuring process exited before it reported a result")
