"""``inferctl load ENDPOINT``: the rate that an endpoint carries within its latency limits."""

import argparse
import asyncio
import signal
import sys
from contextlib import closing
from decimal import Decimal
from typing import Any

from backends.domain.money.amounts import figure, usd
from backends.domain.streams.load import LoadEnded, LoadStep, next_rate
from backends.history.history import open_history
from backends.history.records import EventRecord
from backends.prober.client import run_load
from backends.prober.orders import LoadOrder
from backends.problem import Problem, UsageProblem
from console import loading, racing
from console.capacity import keep_capacity
from console.machine import Machine
from console.verbs.ab import chosen_prompt
from console.verbs.report import document, say, table

UNKNOWN = "—"


def run(arguments: argparse.Namespace) -> int:
    """Raise the rate until a limit breaks; 1 where no rate kept the limits.

    Raises:
        Problem: the endpoint cannot be had or does not answer, or the load was not wanted.
    """
    from console.this_host import this_host

    machine = this_host()
    order = _order(arguments, machine)
    loading.check_that_it_serves(machine, arguments.endpoint)
    _agree(order, asked_before=arguments.yes)
    say(
        f"limits: TTFT {order.ttft_limit_s:g} s"
        + (f", ITL {order.itl_limit_s:g} s" if order.itl_limit_s else "")
        + f" for 99 of 100 requests; at most {order.max_s:g} s and {order.max_requests} requests"
    )
    ended = asyncio.run(_run(order))
    if not ended.steps:
        raise Problem(f"nothing was measured: {ended.reason}")
    _keep(machine, order, ended)
    if arguments.json:
        document(load_document(order, ended))
    else:
        _tell(order, ended)
    return 0 if ended.best else 1


def _order(arguments: argparse.Namespace, machine: Machine) -> LoadOrder:
    limits = machine.settings.limits
    if arguments.ttft is None and limits.ttft_p99_s is None:
        say(f"no [limits] ttft_p99_s is configured: {loading.DEFAULT_TTFT_S:g} s is taken")
    prompt = chosen_prompt(arguments)
    return LoadOrder(
        lane=racing.lanes([arguments.endpoint], machine.settings)[0],
        prompt=prompt.text,
        max_tokens=arguments.max_tokens or prompt.max_tokens,
        ttft_limit_s=arguments.ttft or limits.ttft_p99_s or loading.DEFAULT_TTFT_S,
        itl_limit_s=arguments.itl or limits.itl_p99_s,
        first_rps=arguments.first_rps,
        step_s=arguments.step,
        max_s=arguments.most_s,
        max_requests=arguments.requests,
        max_usd=None if arguments.usd is None else format(arguments.usd, "f"),
        cached=arguments.cached,
    )


def _agree(order: LoadOrder, *, asked_before: bool) -> None:
    """Ask before anything is sent that may cost money."""
    if loading.costs_nothing(order):
        return
    most = loading.most_usd(order)
    cost = f"costs at most {usd(most)}" if most is not None else "costs an unknown sum: UNPRICED"
    say(f"load on {order.lane.endpoint} ({order.lane.base_url}) {cost}")
    if asked_before:
        return
    if not sys.stdin.isatty():
        raise UsageProblem("a load that may cost money is asked about; say --yes for no question")
    print("run it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Problem("not run")


async def _run(order: LoadOrder) -> LoadEnded:
    """Run to the end; an interrupt ends it early and keeps the steps that are complete."""
    cancelled = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, cancelled.set)
    steps: list[LoadStep] = []
    say(f"{_rate(order.first_rps)} req/s for {order.step_s:g} s")
    async for news in run_load(order, cancelled):
        if isinstance(news, LoadEnded):
            return news
        steps.append(news)
        say(f"{_rate(news.planned_rps)} req/s: {_judged(news)}")
        rate = next_rate(steps, order.first_rps, order.growth)
        if rate is not None:
            say(f"{_rate(rate)} req/s for {order.step_s:g} s")
    raise Problem("the measuring process ended before it told its end")


def _judged(step: LoadStep) -> str:
    if not step.requests:
        return "no request came in its time; longer steps tell more (--step)"
    return step.broke or "kept its limits"


def _keep(machine: Machine, order: LoadOrder, ended: LoadEnded) -> None:
    if ended.best is None:
        return
    capacity = loading.measured_capacity(machine, order, ended, ended.best)
    if capacity is None:
        return
    path = keep_capacity(machine.state_folder, capacity)
    event = EventRecord(machine.now().wall_s, capacity.server, "capacity", _finding(order, ended))
    with closing(open_history(machine.history_file)) as history:
        history.add_event(event)
    say(f"kept for the verdict in {path}")


def load_document(order: LoadOrder, ended: LoadEnded) -> dict[str, Any]:
    """Return the document of ``load --json``."""
    best = ended.best
    return {
        "endpoint": order.lane.endpoint,
        "model": order.lane.model,
        "max_tokens": order.max_tokens,
        "limits": {"ttft_s": order.ttft_limit_s, "itl_s": order.itl_limit_s, "kept_share": 0.99},
        "capacity_rps": best.planned_rps if best and ended.bounded else None,
        "at_least_rps": best.planned_rps if best else None,
        "bounded": ended.bounded,
        "reason": ended.reason,
        "cost_usd": ended.cost_usd,
        "steps": ended.steps,
    }


def _tell(order: LoadOrder, ended: LoadEnded) -> None:
    table([("REQ/S", "KEPT", "TOKENS/S", "STREAMS", "TTFT", "TTFT MAX", "ITL", ""), *_rows(ended)])
    print(_finding(order, ended))
    spent = f"; spent {usd(Decimal(ended.cost_usd))}" if ended.cost_usd else ""
    print(f"ended: {ended.reason}{spent}")


def _rows(ended: LoadEnded) -> list[tuple[str, ...]]:
    return [
        (
            f"{_rate(step.planned_rps)}",
            UNKNOWN if step.kept_share is None else f"{step.kept_share:.1%}",
            f"{step.output_tokens_per_s:.0f}",
            str(step.concurrency),
            _ms(step.ttft_s.median if step.ttft_s else None),
            _ms(step.ttft_s.max if step.ttft_s else None),
            _ms(step.itl_s.median if step.itl_s else None),
            ("CLIENT LIMITED " if step.client_limited else "") + _judged(step),
        )
        for step in ended.steps
    ]


def _finding(order: LoadOrder, ended: LoadEnded) -> str:
    best, name = ended.best, order.lane.endpoint
    shape = f"with {order.max_tokens} output tokens a request"
    if best is None:
        return f"{name} kept its limits at no rate that was tried {shape}"
    if not ended.bounded:
        return f"{name} carries at least {_rate(best.planned_rps)} req/s {shape}; no limit broke"
    return f"{name} carries {_rate(best.planned_rps)} req/s {shape}"


def _rate(rps: float) -> str:
    return figure(Decimal(repr(rps)))


def _ms(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value * 1000:.1f} ms"
