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
    replay_findings,
    step_finding,
)
from backends.domain.traffic.arrivals import RecordedTraffic
from backends.history.thread import HistoryThread
from backends.operations import ab, load_test
from backends.operations.host import Host, this_host
from backends.prober.protocol import LoadOrder
from backends.problem import Problem, UsageProblem
from backends.traffic.arrivals import recorded_traffic
from backends.traffic.columns import mapping_from
from console.cli.ab import chosen_prompt
from console.cli.output import agree, document, say, show, table
from console.cli.recording import recording


def run(arguments: argparse.Namespace) -> int:
    """Raise the rate until a limit breaks; 1 where no rate kept the limits.

    Raises:
        Problem: the endpoint cannot be had or does not answer, or the load was not wanted.
    """
    host = this_host()
    traffic = _traffic(arguments)
    order = _order(arguments, host)
    if traffic is not None:
        order = load_test.replaying(
            order,
            traffic,
            arguments.speed or 1.0,
            max_s=arguments.most_s,
            max_requests=arguments.requests,
        )
    load_test.check_that_it_serves(host, arguments.endpoint)
    agree(load_test.consent(order, host), asked_before=arguments.yes)
    with recording(host) as writer:
        report = asyncio.run(_run(order, host, writer, traffic))
        if not report.ended.steps:
            raise Problem(f"nothing was measured: {report.ended.reason}")
        kept = load_test.keep_for_verdict(host, report)
        if arguments.json:
            document(load_document(report))
        else:
            for finding in replay_findings(report):
                show(finding)
            table(load_rows(report))
            show(load_finding(report))
            show(ended_text(report))
        sys.stdout.flush()  # it was paid for: nobody waits for the history to see it
    if not writer.unwritten:
        say(f"kept as {report.load_id}: inferctl history {report.load_id} shows it again")
    if kept:
        say(kept)
    return 0 if report.ended.best else 1


def _traffic(arguments: argparse.Namespace) -> RecordedTraffic | None:
    """Return the traffic that is to be replayed, None where none is.

    Raises:
        UsageProblem: it cannot be read, or other options say what is sent.
    """
    if arguments.trace is None:
        if arguments.speed or arguments.map:
            raise UsageProblem("--speed and --map are of --trace FILE; name one")
        return None
    chosen = ("prompt", "prompt_file", "max_tokens", "input_tokens", "first_rps")
    if given := [name for name in chosen if getattr(arguments, name) is not None]:
        option = given[0].replace("_", "-")
        raise UsageProblem(f"--trace says what is sent and when; leave out --{option}")
    mapping = mapping_from(arguments.map or "")
    most = arguments.requests or load_test.MOST_REPLAYED
    return recorded_traffic((arguments.trace,), mapping, most)


def _order(arguments: argparse.Namespace, host: Host) -> LoadOrder:
    limits = host.settings.limits
    if arguments.ttft is None and limits.ttft_p99_s is None:
        say(f"no [limits] ttft_p99_s is configured: {load_test.DEFAULT_TTFT_S:g} s is taken")
    prompt = chosen_prompt(arguments)
    text = prompt.text
    if arguments.input_tokens is not None:
        text = load_test.lengthened(text, arguments.input_tokens)
    bounds = {
        "first_rps": arguments.first_rps,
        "max_s": arguments.most_s,
        "max_requests": arguments.requests,
    }
    return LoadOrder(
        target=ab.targets([arguments.endpoint], host.settings)[0],
        prompt=text,
        max_tokens=arguments.max_tokens or prompt.max_tokens,
        ttft_limit_s=arguments.ttft or limits.ttft_p99_s or load_test.DEFAULT_TTFT_S,
        itl_limit_s=arguments.itl or limits.itl_p99_s,
        step_s=arguments.step,
        max_usd=None if arguments.usd is None else format(arguments.usd, "f"),
        cached=arguments.cached,
        **{name: value for name, value in bounds.items() if value is not None},
    )


async def _run(
    order: LoadOrder, host: Host, writer: HistoryThread, traffic: RecordedTraffic | None
) -> LoadReport:
    """Run to the end; an interrupt ends it early and keeps the steps that are complete."""
    cancelled = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, cancelled.set)
    first = load_test.replay_text(order) if order.trace else f"for {order.step_s:g} s"
    say(f"{figure(order.first_rps)} req/s: {first}")
    async for news in load_test.recorded_load(writer, host, order, cancelled, traffic):
        if news.step is None:
            return news.report
        say(f"{figure(news.step.planned_rps)} req/s: {step_finding(news.step)}")
        if news.next_rps is not None:
            say(f"{figure(news.next_rps)} req/s for {order.step_s:g} s")
    raise Problem("the measuring process exited before it reported a result")
