"""From a name to a hunt for cold hits: its plan, its price, its place, and what it says."""

import secrets
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

from backends.domain.money.amounts import usd
from backends.domain.streams.cold import (
    RULE,
    ColdFinding,
    ColdProbe,
    GapFinding,
    HuntPlan,
    WarmUp,
    find_cold,
    missing_gap,
    prevention,
)
from backends.history.history import open_history
from backends.history.records import FindingRecord
from backends.prober.coldhunt import MAX_TOKENS, PROMPT
from backends.prober.hunts import (
    HuntFolder,
    HuntOrder,
    hunt_document,
)
from backends.prober.orders import Lane
from console import racing
from console.machine import Machine

HUNTER = "console.hunter"
UNKNOWN = "—"


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
        input_usd_per_mtok=lane.input_usd_per_mtok,
        output_usd_per_mtok=lane.output_usd_per_mtok,
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


def cost_text(lane: Lane, plan: HuntPlan) -> str:
    """Return what a hunt costs at most, or that nobody can tell."""
    once = racing.most_usd_once(lane, PROMPT, MAX_TOKENS)
    if once is None:
        return "UNPRICED"
    return f"at most {usd(once * plan.requests)}"


def keep(machine: Machine, order: HuntOrder, probes: list[ColdProbe]) -> None:
    """Write a hunt into the history as it stands.

    Raises:
        HistoryUnavailable: the history cannot be written.
    """
    document = hunt_document(order, probes)
    record = FindingRecord("coldhunt", order.hunt_id, order.began_wall_s, order.endpoint, document)
    with closing(open_history(machine.history_file)) as history:
        history.findings.keep(record)


def found(order: HuntOrder, probes: list[ColdProbe]) -> tuple[ColdFinding, WarmUp | None]:
    """Return what a hunt says so far, and the warm-up that would help."""
    finding = find_cold(probes, order.plan)
    prices = (order.input_usd_per_mtok, order.output_usd_per_mtok)
    into, out = (None if price is None else Decimal(price) for price in prices)
    return finding, prevention(finding, probes, into, out)


def hunt_lines(order: HuntOrder, probes: list[ColdProbe]) -> list[str]:
    """Return what a hunt says, a line each: the verdict first."""
    finding, warm_up = found(order, probes)
    lines = [verdict_line(order, finding, complete=missing_gap(probes, order.plan) is None)]
    if finding.warm is not None and finding.slow_above_s is not None:
        lines.append(
            f"warm: TTFT median {_s(finding.warm.median)} of {finding.warm_n} requests; slow is"
            f" over {_s(finding.slow_above_s)}"
        )
    lines += [_gap_line(gap, order.plan) for gap in finding.gaps]
    if finding.first_ttft_s is not None:
        lines.append(f"first request, after a pause unknown: TTFT {_s(finding.first_ttft_s)}")
    if warm_up is not None:
        lines.append(warm_up_line(warm_up))
    spent = "" if finding.spent_usd is None else f", spent {usd(finding.spent_usd)}"
    errors = f", {finding.errors} failed" if finding.errors else ""
    lines.append(f"{finding.requests} requests{errors}{spent}")
    lines.append(f"rule: {RULE}")
    return lines


def verdict_line(order: HuntOrder, finding: ColdFinding, *, complete: bool) -> str:
    """Return in one sentence whether the endpoint was ever seen cold."""
    name, so_far = order.endpoint, "" if complete else " so far"
    cold = next((gap for gap in finding.gaps if gap.gap_s == finding.cold_after_s), None)
    if cold is not None and cold.ttft_s is not None and finding.warm is not None:
        return (
            f"{name} was seen COLD{so_far}: after {duration(cold.gap_s)} idle, {cold.slow} of"
            f" {cold.n} requests, TTFT median {_s(cold.ttft_s.median)} against"
            f" {_s(finding.warm.median)} warm ({cold.ttft_s.median / finding.warm.median:.0f}x)"
        )
    unsure = [gap for gap in finding.gaps if gap.verdict == "unsure" and gap.n]
    if unsure and finding.warm is not None:
        told = ", ".join(f"{gap.slow} of {gap.n} after {duration(gap.gap_s)}" for gap in unsure)
        return f"{name}: UNSURE{so_far}, slow requests but too few to tell: {told}"
    if finding.warm_up_to_s is None:
        return f"{name}: nothing is known yet"
    longest = duration(finding.warm_up_to_s)
    return f"{name} was never seen cold{so_far}, after pauses of up to {longest}"


def _gap_line(gap: GapFinding, plan: HuntPlan) -> str:
    words = {"cold": "COLD", "warm": "warm", "unsure": "unsure"}
    head = f"after {duration(gap.gap_s):>6}: {gap.n}/{plan.rounds}"
    if gap.ttft_s is None:
        return f"{head}  {UNKNOWN}"
    slow = UNKNOWN if gap.slow is None else f"{gap.slow} slow"
    times = f"TTFT median {_s(gap.ttft_s.median)}, {_s(gap.ttft_s.min)} to {_s(gap.ttft_s.max)}"
    return f"{head}  {words[gap.verdict]}, {slow}, {times}"


def warm_up_line(warm_up: WarmUp) -> str:
    """Return the request that would keep the endpoint warm, and what it costs a day."""
    price = UNKNOWN + " (UNPRICED)" if warm_up.usd_per_day is None else usd(warm_up.usd_per_day)
    size = "" if warm_up.input_tokens is None else f" of {warm_up.input_tokens} input tokens"
    proof = "" if warm_up.proven else "; no pause so short was measured, so this is not proven"
    return (
        f"to prevent it: one request{size} with max_tokens 1 every {duration(warm_up.every_s)},"
        f" {warm_up.requests_per_day} a day, {price} a day{proof}"
    )


def duration(seconds: float) -> str:
    """Return a pause as people say it, such as ``90s``, ``15m`` or ``1.5h``."""
    if seconds >= 3600:
        return f"{seconds / 3600:g}h"
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g}m"
    return f"{seconds:g}s"


def _s(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
