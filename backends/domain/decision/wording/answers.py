"""What to do with a GPU that is paid for, and whether to act on the plan, in words."""

from backends.domain.decision.exclusion import Slow
from backends.domain.decision.hysteresis import LEAST_REQUESTS, Advice, AdviceKind
from backends.domain.decision.routing import (
    NotAnswering,
    NowKind,
    NowVerdict,
    OverCapacity,
    PaidFor,
)
from backends.domain.decision.wording.exclusions import p99_of
from backends.domain.format import GIB, figure, usd
from backends.domain.reports.sleep import Asleep


def now_reason(now: NowVerdict) -> str:
    """Return why the next requests should go where they should, in one or two sentences."""
    match now.reason:
        case NotAnswering() as silent:
            said = "The server is not ready yet: until it is, only the API can serve."
            if now.kind is NowKind.NO_GPU_SERVES:
                said = "The server is not answering, and no priced endpoint could take over."
            return said if silent.asked else "Whether the server is up cannot be checked from here."
        case Asleep() as sleeps:
            freed = sleeps.freed_bytes
            free = "what memory that freed was not measured here"
            if freed is not None:
                free = f"{freed / GIB:.1f} GiB are free" if freed > 0 else "it freed no memory"
            woken = "waking was not measured here yet"
            if sleeps.wake_s is not None:
                woken = f"waking takes {sleeps.wake_s:.1f} s here"
            return f"The server is asleep: its GPU is still billed, {free}, and {woken}."
        case OverCapacity() as over:
            said = (
                f"{figure(over.rate_rps)} req/s is more than the {figure(over.carried_rps)} req/s "
                f"that the GPU carries: send {figure(over.rate_rps - over.carried_rps)} req/s to "
                "the API."
            )
            if over.over_usd_per_hour is not None:
                said += f" They cost {usd(over.over_usd_per_hour, 'h')} there."
            return said
        case Slow() as slow:
            return (
                f"The GPU's p99 TTFT is {p99_of(slow)} now, over the limit of "
                f"{figure(slow.limit_s)} s: send what it cannot serve in time to the API."
            )
        case PaidFor() as paid:
            said = "Marginal cost on this GPU is $0 until the instance is terminated."
            if paid.capacity_measured:
                return said
            return f"{said} Capacity unknown: run a load test (inferctl load, or L in the console)."


def advice_reason(advice: Advice) -> str:
    """Return why to act on the plan, or not to, in one sentence."""
    if advice.kind is AdviceKind.STAY:
        return "The rented GPU is the cheapest option."
    if advice.regret_usd is None:
        return f"Needs one 10-min window with at least {LEAST_REQUESTS} requests."
    regret = f"Cumulative excess over the cheapest option: {usd(advice.regret_usd)}"
    if advice.switching_usd is None:
        return f"{regret}; set switching_usd in [billing] to get a recommendation."
    moving = f"moving costs {usd(advice.switching_usd)}"
    if advice.kind is AdviceKind.MOVE:
        return f"{regret}, and {moving}: move."
    wait = "" if advice.wait_h is None else f": at this rate for {figure(advice.wait_h)} h more"
    return f"{regret}; {moving}, so wait{wait}."
