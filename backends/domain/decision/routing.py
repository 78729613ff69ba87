"""What to do with a GPU that is already paid for: another question than the plan's.

Until it is destroyed the GPU costs the same busy or idle, so a request that it can carry costs
nothing more. A meter that mixed this with the plan would never recommend the API, or change its
mind in every idle minute. The answers have words of their own, so that nobody takes one for a plan.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from backends.domain.decision.option import api_prices_given, slow_gpu, usd_per_request
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.wording import p99
from backends.domain.durations import HOUR_S
from backends.domain.format import figure, usd


class NowKind(StrEnum):
    """Where the next request should go."""

    KEEP_ON_GPU = "KEEP_ON_GPU"
    SPILL_TO_API = "SPILL_TO_API"
    SEND_TO_API = "SEND_TO_API"
    NO_GPU_SERVES = "NO_GPU_SERVES"


@dataclass(frozen=True, slots=True)
class NowVerdict:
    """Where the next requests should go while the GPU is rented.

    Attributes:
        to_api_rps: the rate that should go to the API; None where it is none, or not known.
        paid_usd_per_hour: what the rental costs, whatever is done; None without a price.
        saved_by_destroying_usd_per_hour: what the rental costs and the API would not, negative
            where the API would cost more; None where a price or the load is missing.
    """

    kind: NowKind
    reason: str
    to_api_rps: Decimal | None = None
    paid_usd_per_hour: Decimal | None = None
    saved_by_destroying_usd_per_hour: Decimal | None = None


def now_verdict(scenario: Scenario, *, ready: bool, replicas: int = 1) -> NowVerdict:
    """Return where requests should go right now, given GPUs that are rented and perhaps ready.

    Args:
        scenario: prices, the present rate, the measured capacity; its `gpu_ttft_p99_s` or
            `gpu_ttft_p99_above_s` is what the GPU shows now.
        ready: whether the server answers.
        replicas: how many GPUs are rented and serve.
    """
    kind, reason, to_api = _answer(scenario, ready, replicas)
    hourly = scenario.gpu_usd_per_hour
    paid = None if hourly is None else hourly * replicas
    return NowVerdict(kind, reason, to_api, paid, _saved(scenario, paid))


def _answer(scenario: Scenario, ready: bool, replicas: int) -> tuple[NowKind, str, Decimal | None]:
    if not ready:
        if usd_per_request(scenario) is None and not api_prices_given(scenario):
            said = "The server does not answer, and no priced endpoint could."
            return NowKind.NO_GPU_SERVES, said, None
        said = "The server does not answer yet: until it does, only the API can."
        return NowKind.SEND_TO_API, said, scenario.rate_rps
    rate, capacity = scenario.rate_rps, scenario.capacity_rps
    if rate is not None and capacity is not None and rate > capacity * replicas:
        return _over_capacity(scenario, rate, capacity * replicas)
    slow = slow_gpu(scenario)
    if slow is not None:
        said = (
            f"The GPU's p99 TTFT is {p99(slow)} now, over the limit of {figure(slow.limit_s)} s: "
            "send what it cannot answer in time to the API."
        )
        return NowKind.SPILL_TO_API, said, None
    said = "The GPU is paid for until it is destroyed: one more request on it costs nothing."
    if capacity is None:
        said += " What it carries is not measured."
    return NowKind.KEEP_ON_GPU, said, None


def _over_capacity(
    scenario: Scenario, rate: Decimal, carried: Decimal
) -> tuple[NowKind, str, Decimal | None]:
    over = rate - carried
    said = (
        f"{figure(rate)} req/s is more than the {figure(carried)} req/s that the GPU "
        f"carries: send {figure(over)} req/s to the API."
    )
    cost = usd_per_request(scenario)
    if cost is not None:
        said += f" They cost {usd(cost * over * HOUR_S, 'h')} there."
    return NowKind.SPILL_TO_API, said, over


def _saved(scenario: Scenario, paid: Decimal | None) -> Decimal | None:
    cost = usd_per_request(scenario)
    if paid is None or cost is None or scenario.rate_rps is None:
        return None
    return paid - cost * scenario.rate_rps * HOUR_S
