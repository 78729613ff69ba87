"""From a name to an open-loop load: its limits, its bounds, and what it may cost at most."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import fmean

from backends.domain.ab.load import (
    LoadEnded,
    LoadStep,
    next_rate,
    summarise_load,
    without_samples,
)
from backends.domain.format import figure, usd
from backends.domain.reports.load import LoadReport, Replayed, limits_text
from backends.domain.server import ServerState
from backends.domain.traffic.arrivals import RecordedTraffic
from backends.history.records import FindingRecord
from backends.history.thread import HistoryThread
from backends.operations import ab
from backends.operations.capacity import Capacity, keep_capacity
from backends.operations.consent import Consent
from backends.operations.host import Host
from backends.operations.refused_fields import remember, with_refused
from backends.prober.client import run_load
from backends.prober.protocol import LoadOrder
from backends.problem import NotFound, UsageProblem
from backends.servers.listing import list_servers
from backends.servers.own_traffic import sending
from backends.wire import plain

CUT_OFF = "the program that ran it ended before the load did"

DEFAULT_TTFT_S = 1.0
"""Taken where no limit is configured, and said."""

CHARACTERS_A_TOKEN = 5
"""About what tokenizers make of the plain English of `FILLING`."""

FILLING = (
    "The night was quiet and the office stayed dark until the first train came through the"
    " valley. Nobody had asked for a report, yet the report lay on every desk in the morning. "
)

MOST_TOKENS_A_WORD = 2
"""More than any tokenizer makes of the commonest words of English, of which replays are made."""

MOST_REPLAYED, MOST_REPLAYED_S = 20_000, 3600.0
"""What is replayed of longer traffic where no bound was given, in requests and in seconds."""

WARM_UPS = 1
"""Requests before the first that is counted."""


def most_usd(order: LoadOrder) -> Decimal | None:
    """Return what a load costs at most, None where the endpoint is UNPRICED."""
    if order.trace:
        each = [
            order.target.prices.most_usd(
                MOST_TOKENS_A_WORD * arrival.input_tokens + ab.ADDED_TOKENS, arrival.output_tokens
            )
            for arrival in order.trace
        ]
        known = [once for once in each if once is not None]
    else:
        once = ab.most_usd_once(order.target, order.prompt, order.max_tokens)
        known = [] if once is None else [once]
    if not known:
        return None
    further = order.max_requests + WARM_UPS - len(known)
    most = sum(known, Decimal(0)) + max(known) * further
    return most if order.max_usd is None else min(most, Decimal(order.max_usd))


def replaying(
    order: LoadOrder,
    traffic: RecordedTraffic,
    speed: float,
    *,
    max_s: float | None,
    max_requests: int | None,
) -> LoadOrder:
    """Return a load that begins with recorded traffic and then looks for the capacity of its mix.

    A bound that is None leaves room for both: the whole replay, and the search after it.

    Raises:
        UsageProblem: the traffic is too little to have a rate.
    """
    within_s = (max_s or MOST_REPLAYED_S) * speed
    arrivals = tuple(each for each in traffic.arrivals if each.at_s <= within_s)[:max_requests]
    part = replace(traffic, arrivals=arrivals)
    if part.lasts_s <= 0:
        raise UsageProblem(
            f"{traffic.named} has {len(arrivals)} requests to replay and no time between two; name"
            " longer traffic, or raise --for or --speed"
        )
    return replace(
        order,
        trace=arrivals,
        trace_s=part.lasts_s,
        speed=speed,
        first_rps=len(arrivals) / part.lasts_s * speed,
        max_tokens=max(1, round(fmean(each.output_tokens for each in arrivals))),
        max_s=max_s or part.lasts_s / speed + order.max_s,
        max_requests=max_requests or len(arrivals) + order.max_requests,
    )


def check_that_it_serves(host: Host, name: str) -> None:
    """See that a server of this host is ready before anything is sent to it.

    Raises:
        NotFound: it is not.
    """
    if host.settings.profile(name) is None:
        return
    found = [each for each in list_servers(host.state_folder) if each.name == name]
    state = found[0].state if found else ServerState.STOPPED
    if state is not ServerState.READY:
        remedy = f"wake {name}" if state is ServerState.SLEEPING else f"start {name} --wait"
        raise NotFound(f"{name} is {state}, not ready; run: inferctl {remedy}")


def consent(order: LoadOrder, host: Host) -> Consent:
    """Return what is asked before a load, with all that bounds it."""
    target, most = order.target, most_usd(order)
    free = ab.costs_nothing(target, host.settings)
    cost = "costs an unknown sum: UNPRICED" if most is None else f"costs at most {usd(most)}"
    replay = f"{replay_text(order)}, then " if order.trace else ""
    return Consent(
        f"{replay}load on {target.endpoint} ({target.base_url}) until it breaks its limits,"
        f" while its other users wait; {limits_of(order)}; {bounds_text(order)}",
        "no price per token" if free else cost,
        most,
        needed=not free,
    )


def replay_text(order: LoadOrder) -> str:
    """Return what of recorded traffic is sent, in a few words."""
    lasts_s = order.trace_s / order.speed
    return f"{len(order.trace)} recorded requests in {figure(lasts_s)} s (x{order.speed:g})"


def limits_of(order: LoadOrder) -> str:
    """Return the limits in one line."""
    return limits_text(order.ttft_limit_s, order.itl_limit_s)


def bounds_text(order: LoadOrder) -> str:
    """Return what ends a load, however well the endpoint holds."""
    spent = f" and {usd(Decimal(order.max_usd))}" if order.max_usd is not None else ""
    return f"at most {order.max_s:g} s, {order.max_requests} requests{spent}"


def lengthened(prompt: str, input_tokens: int) -> str:
    """Return a prompt with so much text before it that it is about so many tokens long.

    How many they are is read from the endpoint's usage, and that is what the capacity is kept for.
    """
    missing = input_tokens * CHARACTERS_A_TOKEN - len(prompt)
    copies = -(-missing // len(FILLING)) if missing > 0 else 0
    return (FILLING * copies)[: max(0, missing)] + prompt


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """A load that is under way or over, as consoles show it.

    Attributes:
        report: after its first step; None before, and where it failed before.
        last: the step that was measured last.
        rps: the rate that is held now; None when it is over.
        step_ends_s: when that rate was held long enough, on the monotonic clock.
    """

    order: LoadOrder
    report: LoadReport | None
    last: LoadStep | None
    rps: float | None
    step_ends_s: float


@dataclass(frozen=True, slots=True)
class LoadNews:
    """A load as it stands.

    Attributes:
        step: what was just measured; None when it is over.
        next_rps: the rate that is held now, None when it is over.
    """

    report: LoadReport
    step: LoadStep | None
    next_rps: float | None


async def recorded_load(
    writer: HistoryThread,
    host: Host,
    order: LoadOrder,
    cancelled: asyncio.Event,
    traffic: RecordedTraffic | None = None,
) -> AsyncGenerator[LoadNews, None]:
    """Run a load and yield it after every step and at its end; the writer has each by then.

    `traffic` is where its trace is from.
    """
    began = _report_of(order, host.now().wall_s, traffic)
    steps: list[LoadStep] = []
    (target,) = await asyncio.to_thread(with_refused, [order.target], host)
    order = replace(order, target=target)
    async with (
        sending(host.state_folder, [order.target.base_url]),
        aclosing(run_load(order, cancelled)) as measured,
    ):
        async for news in measured:
            if isinstance(news, LoadEnded):
                report = replace(began, ended=news)
                if news.steps and news.not_sent != target.refused:
                    await asyncio.to_thread(remember, target, news.not_sent, host)
                if news.steps or news.cost_usd or news.cut_unpriced:
                    _keep_record(writer, report)
                yield LoadNews(report, None, None)
                return
            steps.append(news)
            report = replace(began, ended=summarise_load(steps, CUT_OFF, news.spent_usd))
            _keep_record(writer, report)
            yield LoadNews(report, news, next_rate(steps, order.first_rps, order.growth))


def _report_of(
    order: LoadOrder, began_wall_s: float, traffic: RecordedTraffic | None
) -> LoadReport:
    sent = repr(order.trace) if order.trace else order.prompt
    return LoadReport(
        load_id=secrets.token_hex(6),
        endpoint=order.target.endpoint,
        model=order.target.model,
        began_wall_s=began_wall_s,
        max_tokens=order.max_tokens,
        prompt_sha256=hashlib.sha256(sent.encode()).hexdigest(),
        ttft_limit_s=order.ttft_limit_s,
        itl_limit_s=order.itl_limit_s,
        ended=summarise_load([], CUT_OFF, None),
        replayed=None if traffic is None else _replayed(order, traffic),
    )


def _replayed(order: LoadOrder, traffic: RecordedTraffic) -> Replayed:
    return Replayed(
        named=traffic.named,
        arrivals=len(order.trace),
        recorded=traffic.recorded,
        recorded_s=traffic.recorded_s,
        lasts_s=order.trace_s,
        speed=order.speed,
        shared=traffic.shared,
        remarks=traffic.remarks,
        input_tokens=fmean(each.input_tokens for each in order.trace),
        output_tokens=fmean(each.output_tokens for each in order.trace),
    )


def _keep_record(writer: HistoryThread, report: LoadReport) -> None:
    kept = plain(replace(report, ended=without_samples(report.ended)))
    record = FindingRecord("load", report.load_id, report.began_wall_s, report.endpoint, kept)
    writer.keep(record)


def keep_for_verdict(host: Host, report: LoadReport) -> str:
    """Write the capacity of a server of this host where the verdict finds it; waits for the disk.

    Returns what became of it, in a sentence; empty for any other endpoint.

    Raises:
        Problem: the capacities that are there cannot be read.
    """
    capacity = measured_capacity(host, report)
    if capacity is None:
        return ""
    path = keep_capacity(host.state_folder, capacity)
    if path is None:
        return "this is a lower bound only: the capacity that was measured before stays"
    if not capacity.bounded:
        return (
            f"kept in {path} as a lower bound; the verdict needs the rate that breaks a limit: "
            "go on for longer or begin higher (--for, --first-rps)"
        )
    return f"kept for the verdict in {path}"


def measured_capacity(host: Host, report: LoadReport) -> Capacity | None:
    """Return what a load found of a server of this host, None for any other endpoint."""
    profile, best = host.settings.profile(report.endpoint), report.ended.best
    if profile is None or best is None:
        return None
    wrote = best.output_tokens
    return Capacity(
        server=profile.name,
        model=profile.model,
        args=profile.args,
        rps=Decimal(repr(best.planned_rps)),
        bounded=report.ended.bounded,
        output_tokens=report.max_tokens if wrote is None else round(wrote),
        prompt_sha256=report.prompt_sha256,
        ttft_limit_s=report.ttft_limit_s,
        itl_limit_s=report.itl_limit_s,
        measured_wall_s=host.now().wall_s,
        input_tokens=None if best.input_tokens is None else round(best.input_tokens),
        ttft_p99_s=best.ttft_s.p99 if best.ttft_s else None,
    )
