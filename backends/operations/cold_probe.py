"""From a name to a hunt for cold hits: its plan, its price, its place, and what it says."""

import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from backends.domain.ab.cold import ColdProbe, HuntPlan, limits_of
from backends.domain.prices.amounts import usd
from backends.domain.reports.cold_probe import HuntReport
from backends.history.history import open_history
from backends.history.records import FindingRecord
from backends.operations import ab
from backends.operations.host import Machine
from backends.prober.cold_probe import MAX_TOKENS, PROMPT
from backends.prober.cold_probe_runs import HuntFolder, HuntOrder
from backends.prober.protocol import Lane
from backends.wire import plain

HUNTER = "backends.operations.cold_probe_worker"


def order_of(reference: str, lane: Lane, plan: HuntPlan, began_wall_s: float) -> HuntOrder:
    """Return what is to be hunted, without its key."""
    return HuntOrder(
        hunt_id=secrets.token_hex(6),
        reference=reference,
        endpoint=lane.endpoint,
        base_url=lane.base_url,
        model=lane.model,
        plan=plan,
        began_wall_s=began_wall_s,
        prices=lane.prices,
    )


def taken_up(folder: HuntFolder, order: HuntOrder, *, again: bool) -> HuntOrder:
    """Write down what is hunted and return it; what was measured before counts, unless `again`."""
    if again:
        folder.put_aside()
    earlier = folder.read_order()
    if earlier is not None and not again and folder.read_probes():
        order = replace(order, hunt_id=earlier.hunt_id, began_wall_s=earlier.began_wall_s)
    folder.begin(order)
    return order


def plan_of(lane: Lane, gaps_s: Sequence[float], rounds: int) -> HuntPlan:
    """Return what is measured, and what it may use at most."""
    plan = HuntPlan(tuple(sorted(set(gaps_s))), rounds)
    return replace(plan, limits=limits_of(plan, ab.most_usd_once(lane, PROMPT, MAX_TOKENS)))


def cost_text(plan: HuntPlan) -> str:
    """Return what a probe costs at most, or that nobody can tell."""
    most_usd = limits_of(plan).usd
    return "UNPRICED" if most_usd is None else f"at most {usd(most_usd)}"


def report_of(order: HuntOrder, probes: Sequence[ColdProbe], ended: str = "") -> HuntReport:
    """Return a probe as what is kept of it; `ended` is why it ended early, if it did."""
    return HuntReport(
        hunt_id=order.hunt_id,
        endpoint=order.endpoint,
        model=order.model,
        began_wall_s=order.began_wall_s,
        plan=order.plan,
        probes=tuple(probes),
        prices=order.prices,
        ended=ended,
    )


def keep(machine: Machine, report: HuntReport) -> None:
    """Write a hunt into the history as it stands.

    Raises:
        HistoryUnavailable: the history cannot be written.
    """
    record = FindingRecord(
        "coldhunt", report.hunt_id, report.began_wall_s, report.endpoint, plain(report)
    )
    with closing(open_history(machine.history_file)) as history:
        history.findings.keep(record)
