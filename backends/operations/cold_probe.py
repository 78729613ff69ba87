"""From a name to a cold-start probe: its plan, its price, its place, and what it says."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from backends.domain.ab.cold import ColdProbe, ColdProbePlan, limits_of
from backends.domain.format import pause, usd
from backends.domain.reports.cold_probe import ColdProbeReport, limits_text
from backends.history.records import FindingRecord
from backends.history.thread import HistoryThread
from backends.operations import ab
from backends.operations.consent import Consent
from backends.prober.cold_probe import MAX_TOKENS, PROMPT
from backends.prober.cold_probe_runs import ColdProbeFolder, ColdProbeOrder
from backends.prober.protocol import Target
from backends.settings.config import Settings
from backends.wire import plain

COLD_PROBE_WORKER = "backends.operations.cold_probe_worker"


def order_of(
    reference: str, target: Target, plan: ColdProbePlan, began_wall_s: float
) -> ColdProbeOrder:
    """Return what is to be probed, without its key."""
    return ColdProbeOrder(
        probe_id=secrets.token_hex(6),
        reference=reference,
        endpoint=target.endpoint,
        base_url=target.base_url,
        model=target.model,
        plan=plan,
        began_wall_s=began_wall_s,
        prices=target.prices,
    )


def taken_up(folder: ColdProbeFolder, order: ColdProbeOrder, *, again: bool) -> ColdProbeOrder:
    """Write down what is probed and return it; what was measured before counts, unless `again`."""
    if again:
        folder.put_aside()
    earlier = folder.read_order()
    if earlier is not None and not again and folder.read_probes():
        order = replace(order, probe_id=earlier.probe_id, began_wall_s=earlier.began_wall_s)
    folder.begin(order)
    return order


def plan_of(target: Target, gaps_s: Sequence[float], rounds: int) -> ColdProbePlan:
    """Return what is measured, and what it may use at most."""
    plan = ColdProbePlan(tuple(sorted(set(gaps_s))), rounds)
    return replace(plan, limits=limits_of(plan, ab.most_usd_once(target, PROMPT, MAX_TOKENS)))


def consent(plan: ColdProbePlan, target: Target, settings: Settings, *, done: int) -> Consent:
    """Return what is asked before a probe, of whose requests `done` were sent before."""
    limits = limits_of(plan)
    gaps = ", ".join(pause(gap_s) for gap_s in plan.gaps_s)
    had = f", {done} of them done" if done else ""
    return Consent(
        f"pauses of {gaps}, {plan.rounds} times: {plan.requests} requests to {target.endpoint} over"
        f" {pause(round(plan.lasts_s, 1))}{had}; whatever the endpoint does it ends within"
        f" {limits_text(limits)}",
        "UNPRICED" if limits.usd is None else f"at most {usd(limits.usd)}",
        limits.usd,
        needed=not ab.costs_nothing(target, settings),
    )


def report_of(
    order: ColdProbeOrder, probes: Sequence[ColdProbe], ended: str = ""
) -> ColdProbeReport:
    """Return a probe as what is kept of it; `ended` is why it ended early, if it did."""
    return ColdProbeReport(
        probe_id=order.probe_id,
        endpoint=order.endpoint,
        model=order.model,
        began_wall_s=order.began_wall_s,
        plan=order.plan,
        probes=tuple(probes),
        prices=order.prices,
        ended=ended,
    )


def write_report(writer: HistoryThread, report: ColdProbeReport) -> None:
    """Have a cold-start probe written into the history as it stands."""
    record = FindingRecord(
        "coldprobe", report.probe_id, report.began_wall_s, report.endpoint, plain(report)
    )
    writer.keep(record)
