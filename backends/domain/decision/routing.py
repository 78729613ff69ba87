"""What to do with a GPU that is already paid for: another question than the plan's.

Until it is destroyed the GPU costs the same busy or idle, so a request that it can carry costs
nothing more. A meter that mixed this with the plan would never recommend the API, or change its
mind in every idle minute. The answers have words of their own, so that nobody takes one for a plan.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from backends.domain.decision.exclusion import Slow
from backends.domain.decision.option import api_prices_given, slow_gpu, usd_per_request
from backends.domain.decision.scenario import Scenario
from backends.domain.durations import HOUR_S
from backends.domain.reports.sleep import Asleep


class NowKind(StrEnum):
    """Where the next request should go."""

    KEEP_ON_GPU = "KEEP_ON_GPU"
    SPILL_TO_API = "SPILL_TO_API"
    SEND_TO_API = "SEND_TO_API"
    NO_GPU_SERVES = "NO_GPU_SERVES"


@dataclass(frozen=True, slots=True)
class NotAnswering:
    """The server does not answer; or nobody here can ask it, where `asked` is not set."""

    asked: bool = True


@dataclass(frozen=True, slots=True)
class OverCapacity:
    """More requests come than the GPUs carry.

    Attributes:
        over_usd_per_hour: what those beyond the capacity cost at the API; None without a price.
    """

    rate_rps: Decimal
    carried_rps: Decimal
    over_usd_per_hour: Decimal | None


@dataclass(frozen=True, slots=True)
class PaidFor:
    """The GPU is paid for, busy or idle, and nothing shows that it cannot carry the requests."""

    capacity_measured: bool


NowReason = NotAnswering | Asleep | OverCapacity | Slow | PaidFor


@dataclass(frozen=True, slots=True)
class NowVerdict:
    """Where the next requests should go while the GPU is rented.

    Attributes:
        reason: why; `wording.now_reason` says it.
        to_api_rps: the rate that should go to the API; None where it is none, or not known.
        paid_usd_per_hour: what the rental costs, whatever is done; None without a price.
        saved_by_destroying_usd_per_hour: what the rental costs and the API would not, negative
            where the API would cost more; None where a price or the load is missing.
    """

    kind: NowKind
    reason: NowReason
    to_api_rps: Decimal | None = None
    paid_usd_per_hour: Decimal | None = None
    saved_by_destroying_usd_per_hour: Decimal | None = None


def now_verdict(
    scenario: Scenario,
    *,
    ready: bool,
    replicas: int = 1,
    sleeps: Asleep | None = None,
    asked: bool = True,
) -> NowVerdict:
    """Return where requests should go right now, given GPUs that are rented and perhaps ready.

    Args:
        scenario: prices, the present rate, the measured capacity; its `gpu_ttft_p99_s` or
            `gpu_ttft_p99_above_s` is what the GPU shows now.
        ready: whether the server answers.
        replicas: how many GPUs are rented and serve.
        sleeps: what is known of its sleep, None while it does not sleep.
        asked: the server can be asked from here.
    """
    cost = usd_per_request(scenario)
    kind, reason, to_api = _answer(scenario, cost, ready, replicas)
    if sleeps is not None:
        reason = sleeps
    elif not asked:
        reason = NotAnswering(asked=False)
    hourly = scenario.gpu_usd_per_hour
    paid = None if hourly is None else hourly * replicas
    return NowVerdict(kind, reason, to_api, paid, _saved(scenario, cost, paid))


def _answer(
    scenario: Scenario, cost: Decimal | None, ready: bool, replicas: int
) -> tuple[NowKind, NowReason, Decimal | None]:
    if not ready:
        if cost is None and not api_prices_given(scenario):
            return NowKind.NO_GPU_SERVES, NotAnswering(), None
        return NowKind.SEND_TO_API, NotAnswering(), scenario.rate_rps
    rate, capacity = scenario.rate_rps, scenario.capacity_rps
    if rate is not None and capacity is not None and rate > capacity * replicas:
        over = rate - capacity * replicas
        over_usd_per_hour = None if cost is None else cost * over * HOUR_S
        reason = OverCapacity(rate, capacity * replicas, over_usd_per_hour)
        return NowKind.SPILL_TO_API, reason, over
    slow = slow_gpu(scenario)
    if slow is not None:
        return NowKind.SPILL_TO_API, slow, None
    return NowKind.KEEP_ON_GPU, PaidFor(capacity is not None), None


def _saved(scenario: Scenario, cost: Decimal | None, paid: Decimal | None) -> Decimal | None:
    if paid is None or cost is None or scenario.rate_rps is None:
        return None
    return paid - cost * scenario.rate_rps * HOUR_S
