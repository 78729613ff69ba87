"""How each step of a study is measured, with the operations that verbs and keys use."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, replace
from typing import Any

from backends.agent.client import AgentUnavailable
from backends.discovery.warmth import warmth
from backends.domain.ab.cold import ProbeEnded
from backends.domain.ab.facts import RunEnded, SeriesBegan, SeriesEnded
from backends.domain.ab.series import AbSeries, advance_series
from backends.domain.billing.recorded_demand import recorded_demand
from backends.domain.facts import FirstTokenSeen, FirstTokenUnavailable, Stopped
from backends.domain.lifecycle import life_after, not_started
from backends.domain.reports.cold_probe import ColdProbeReport
from backends.domain.reports.load import LoadReport
from backends.domain.start import Outcome
from backends.domain.startup.fold import as_start
from backends.domain.study.study import ColdStartSample, GpuKind, GpuReading, OwnTraffic
from backends.history.thread import HistoryThread
from backends.keeper.client import follow
from backends.keeper.folder import server_folder
from backends.operations import (
    ab,
    cold_probe,
    coldstart,
    finished_starts,
    load_test,
    records,
    servers,
)
from backends.operations.host import Host
from backends.operations.recording.by_agent import begin_agent
from backends.operations.snapshot import snapshot
from backends.operations.study.folder import StudyFolder
from backends.operations.study.plan import DOWN, StudyOrder, load_order, series_order
from backends.prober.client import run_series
from backends.prober.cold_probe import PROMPT, ask_once, read_probes, run_cold_probe
from backends.problem import Problem
from backends.servers.listing import list_servers
from backends.servers.own_traffic import sending

NO_TRAFFIC = "no request of its own was recorded yet"


class NothingMeasured(Problem):
    """A step came to its end and has no figure; the message says why."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """What every step needs.

    Attributes:
        detail: is called with a few words as a step advances.
    """

    host: Host
    order: StudyOrder
    folder: StudyFolder
    writer: HistoryThread
    detail: Callable[[str], None]


async def traffic(of: Measuring) -> OwnTraffic:
    """Return the requests that the server has recorded by now.

    Raises:
        NothingMeasured: there is none.
    """
    session = await asyncio.to_thread(snapshot, of.host)
    seen = recorded_demand(session.ledger.of(of.order.server))
    if seen.seen.n <= 0 or seen.seen.input_tokens_mean is None:
        raise NothingMeasured(NO_TRAFFIC)
    return OwnTraffic(seen.seen, seen.cached_input_share, seen.rate_rps, seen.source)


async def cold_start(of: Measuring) -> ColdStartSample:
    """Stop the server where it runs, start it, and return the start up to its first token.

    Raises:
        Problem: it cannot be stopped or launched, or did not become ready.
    """
    host, name = of.host, of.order.server
    profile = servers.profile_named(host.settings, name)
    listed = await asyncio.to_thread(list_servers, host.state_folder)
    if any(each.name == name and (each.state not in DOWN or each.survivors) for each in listed):
        of.detail("stopping the server")
        await _drained(servers.stop(host, name, 0.0))
    before = await asyncio.to_thread(warmth, profile.model, coldstart.surroundings(profile))
    for check in await asyncio.to_thread(servers.preflight, host, profile):
        if check.state == "fail":
            raise Problem(f"{check.what}; {check.remedy}" if check.remedy else check.what)
    of.detail("starting")
    await asyncio.to_thread(servers.start, host, profile)
    with suppress(AgentUnavailable):  # what it costs is recorded as long as a console is open
        await asyncio.to_thread(begin_agent, host)
    life = not_started(name)
    async for fact in follow(server_folder(host.state_folder, name)):
        life = life_after(life, fact)
        if isinstance(fact, FirstTokenSeen | FirstTokenUnavailable | Stopped):
            break
    if life.start is None:
        raise Problem(f"the journal of {name} has no start")
    finished_starts.write_start(of.writer, host, life)
    start = as_start(life.start, host.now())
    if start.outcome is not Outcome.READY:
        why = f"{start.failure.cause}; {start.failure.remedy}" if start.failure else start.outcome
        raise Problem(f"{name} did not become ready: {why}")
    pages = before.page_cache
    known = pages.resident_bytes is not None and pages.total_bytes
    share = (pages.resident_bytes or 0) / (pages.total_bytes or 1) if known else None
    whole = coldstart.ColdStart(start, before, None, None)
    return ColdStartSample(start, coldstart.compile_word(whole), share)


async def _drained(facts: AsyncIterator[Any]) -> None:
    async for _ in facts:
        pass


async def memory(of: Measuring) -> tuple[GpuReading, ...]:
    """Return what the GPUs hold now.

    Raises:
        NothingMeasured: there is no GPU.
    """

    def sampled() -> tuple[GpuReading, ...]:
        with closing(of.host.open_gpus()) as source:
            sample = source.sample(processes=False)
        if not sample.gpus:
            raise NothingMeasured(sample.reason)
        return tuple(
            GpuReading(gpu.index, GpuKind(gpu.name, gpu.vendor, gpu.memory.total_bytes), gpu.memory)
            for gpu in sample.gpus
        )

    return await asyncio.to_thread(sampled)


async def series(of: Measuring, length: str, runs: int) -> AbSeries:
    """Return an A/B of the server and the endpoint at one length of reply, without its texts.

    Raises:
        Problem: the server is not ready, or no run of either side succeeded.
    """
    host, order = of.host, of.order
    await asyncio.to_thread(load_test.check_that_it_serves, host, order.server)
    targets = ab.targets([order.server, order.endpoint], host.settings)
    asked = series_order(targets, length, runs)
    found: AbSeries | None = None
    async with (
        sending(host.state_folder, [target.base_url for target in targets]),
        aclosing(run_series(asked)) as facts,
    ):
        async for fact in facts:
            found = advance_series(found, fact)
            if found is not None and isinstance(fact, SeriesBegan | RunEnded | SeriesEnded):
                records.keep_series(of.writer, found, fact)
                of.detail(f"{len(found.runs)} of {2 * runs} runs")
    if found is None or found.reason or all(run.error for run in found.runs):
        errors = {run.error for run in found.runs if run.error} if found else set()
        raise Problem(found.reason if found and found.reason else "; ".join(map(str, errors)))
    return replace(found, runs=tuple(replace(run, text="") for run in found.runs))


async def capacity(of: Measuring) -> LoadReport:
    """Return the load on the server, raised until it breaks the SLO.

    Raises:
        Problem: the server is not ready, or no rate was held long enough.
    """
    host, order = of.host, of.order
    await asyncio.to_thread(load_test.check_that_it_serves, host, order.server)
    (target,) = ab.targets([order.server], host.settings)
    never = asyncio.Event()
    asked = load_order(target, order)
    async with aclosing(load_test.recorded_load(of.writer, host, asked, never)) as steps:
        async for news in steps:
            if news.step is None:
                if not news.report.ended.steps:
                    raise Problem(news.report.ended.reason)
                await asyncio.to_thread(load_test.keep_for_verdict, host, news.report)
                return news.report
            of.detail(f"{news.step.planned_rps:.3g} req/s {news.step.outcome}")
    raise Problem("the measuring process exited before it reported a result")


async def idle(of: Measuring) -> ColdProbeReport:
    """Return the probe of the endpoint; what an earlier call measured is not measured again.

    Raises:
        Problem: its very first request failed.
    """
    host, order = of.host, of.order
    (target,) = ab.targets([order.endpoint], host.settings)
    plan = cold_probe.plan_of(target, order.sizes.gaps_s, order.sizes.rounds)
    had = await asyncio.to_thread(read_probes, of.folder.idle)
    probes, ended = list(had), ""
    ordered = cold_probe.order_of(order.endpoint, target, plan, order.began_wall_s)

    async def ask(asked: Any, prompt: str, limit_s: float) -> Any:
        async with sending(host.state_folder, [asked.base_url]):
            return await ask_once(asked, prompt, limit_s)

    async with aclosing(run_cold_probe(target, PROMPT, plan, of.folder.idle, ask=ask)) as facts:
        async for fact in facts:
            if isinstance(fact, ProbeEnded):
                ended = fact.reason
            else:
                probes.append(fact)
                if len(probes) == 1 and fact.error is not None:
                    raise Problem(f"{target.endpoint} does not answer: {fact.error}")
                of.detail(f"{len(probes)} of {plan.requests} requests")
    report = cold_probe.report_of(ordered, probes, ended)
    cold_probe.write_report(of.writer, report)
    return report


Measure = Callable[[Measuring], Awaitable[Any]]


def measure_of(step: str, order: StudyOrder) -> tuple[Measure, Any]:
    """Return how a step is measured, and the type of what that gives."""
    sizes = order.sizes

    async def runs(of: Measuring) -> AbSeries:
        return await series(of, step, sizes.runs if step == "medium" else sizes.length_runs)

    if step.startswith("start-"):
        return cold_start, ColdStartSample
    named: dict[str, tuple[Measure, Any]] = {
        "traffic": (traffic, OwnTraffic),
        "memory": (memory, tuple[GpuReading, ...]),
        "capacity": (capacity, LoadReport),
        "idle": (idle, ColdProbeReport),
    }
    return named.get(step, (runs, AbSeries))
