"""GPUs on demand that are there only while there is traffic."""

from decimal import Decimal

from backends.domain.decision.option import UNPRICED, Option, Point, replicas_for
from backends.domain.decision.request_cost import SECONDS_PER_HOUR, fixed_usd_per_hour
from backends.domain.decision.scenario import Scenario
from backends.domain.traffic.shape import HOURS, ZERO, ceiling

_DAY_S = HOURS * SECONDS_PER_HOUR


def on_and_off(scenario: Scenario, point: Point) -> list[Option]:
    """Return the GPUs destroyed when idle, and powered off when idle where that ends their bill.

    Most providers bill a host that is powered off like one that runs; then powering it off is no
    option of its own, and only destroying saves.
    """
    load = point.load
    if scenario.gpu_usd_per_hour is None or load.active_share == 1 or load.starts_per_day == 0:
        return []
    found = [_option("destroyed_when_idle", "cold_start_s", scenario, point)]
    if scenario.billed_when_stopped is False:
        found.append(_option("stopped_when_idle", "restart_s", scenario, point))
    return found


def _option(name: str, start_key: str, scenario: Scenario, point: Point) -> Option:
    count, why_not = replicas_for(scenario, point.load)
    start_s: Decimal | None = getattr(scenario, start_key)
    if start_s is None:
        return Option(name, None, count, f"{UNPRICED}: {start_key} is missing, and it is billed")
    usd = (scenario.gpu_usd_per_hour or ZERO) * point.gpu_factor
    share = billed_share(scenario, point, start_s)
    return Option(name, usd * count * share + fixed_usd_per_hour(scenario), count, why_not)


def billed_share(scenario: Scenario, point: Point, start_s: Decimal) -> Decimal:
    """Return the share of the day that each GPU is billed: traffic, starts and tails, rounded up.

    Each rental lasts for its share of the traffic, one start and one idle timeout.
    """
    load = point.load
    traffic_s = load.active_share * _DAY_S / load.starts_per_day
    rental_s = traffic_s + start_s + (scenario.idle_timeout_s or ZERO)
    if scenario.granularity_s is not None:
        rental_s = ceiling(rental_s / scenario.granularity_s) * scenario.granularity_s
    rental_s = max(rental_s, scenario.minimum_charge_s or ZERO)
    return min(Decimal(1), rental_s * load.starts_per_day / _DAY_S)
