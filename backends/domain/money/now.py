"""What to do with a GPU that is already paid for: another question than the plan's.

Until it is destroyed the GPU costs the same busy or idle, so a request that it can carry costs
nothing more. A meter that mixed this with the plan would never recommend the API, or change its
mind in every idle minute.
"""

from dataclasses import dataclass
from decimal import Decimal

from backends.domain.money.amounts import figure, usd
from backends.domain.money.kinds import VerdictKind
from backends.domain.money.request_cost import usd_per_request
from backends.domain.money.scenario import Scenario


@dataclass(frozen=True, slots=True)
class NowVerdict:
    """Where the next requests should go while the GPU is rented.

    Attributes:
        to_api_rps: the rate that should overflow to the API.
        saved_by_destroying_usd_per_hour: what the rental costs and the API would not, negative
            where the API would cost more; None where a price is missing.
    """

    kind: VerdictKind
    reason: str
    to_api_rps: Decimal | None = None
    saved_by_destroying_usd_per_hour: Decimal | None = None


def now_verdict(scenario: Scenario, *, ready: bool, replicas: int = 1) -> NowVerdict:
    """Return where requests should go right now, given GPUs that are rented and perhaps ready."""
    saved = _saved(scenario, replicas)
    if not ready:
        reason = "The server does not answer yet: until it does, only the API can."
        return NowVerdict(VerdictKind.API_CHEAPER, reason, scenario.rate_rps, saved)
    idle = "The GPU is paid for until it is destroyed: one more request on it costs nothing."
    rate, capacity = scenario.rate_rps, scenario.capacity_rps
    if rate is None or capacity is None or rate <= capacity * replicas:
        return NowVerdict(VerdictKind.SELF_HOST_CHEAPER, idle, None, saved)
    over = rate - capacity * replicas
    reason = (
        f"{figure(rate)} req/s is more than the {figure(capacity * replicas)} req/s that the GPU "
        f"carries: send {figure(over)} req/s to the API."
    )
    cost = usd_per_request(scenario)
    if cost is not None:
        reason += f" They cost {usd(cost * over * 3600, 'h')} there."
    return NowVerdict(VerdictKind.OVER_CAPACITY, reason, over, saved)


def _saved(scenario: Scenario, replicas: int) -> Decimal | None:
    cost = usd_per_request(scenario)
    if scenario.gpu_usd_per_hour is None or cost is None or scenario.rate_rps is None:
        return None
    return scenario.gpu_usd_per_hour * replicas - cost * scenario.rate_rps * 3600
