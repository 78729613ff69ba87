"""Every way to serve the traffic, with what it costs at one point of the prices and the load."""

from dataclasses import replace
from decimal import Decimal

from backends.domain.decision.exclusion import Batched, Exclusion, Slow, over_limit, unpriced
from backends.domain.decision.option import (
    Option,
    Point,
    api_prices_given,
    fixed_usd_per_hour,
    gpu_prices,
    owned_usd_per_hour,
    replicas_for,
    tokens_of,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.schedule import scheduled
from backends.domain.decision.serverless import serverless
from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.shape import ZERO, Load, ceiling


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
        return Option(name, None, count, unpriced(start_key, billed=True))
    usd = (scenario.gpu_usd_per_hour or ZERO) * point.gpu_factor
    share = billed_share(scenario, point, start_s)
    return Option(name, usd * count * share + fixed_usd_per_hour(scenario), count, why_not)


def billed_share(scenario: Scenario, point: Point, start_s: Decimal) -> Decimal:
    """Return the share of the day that each GPU is billed: traffic, starts and tails, rounded up.

    Each rental lasts for its share of the traffic, one start and one idle timeout.
    """
    load = point.load
    traffic_s = load.active_share * DAY_S / load.starts_per_day
    rental_s = traffic_s + start_s + (scenario.idle_timeout_s or ZERO)
    if scenario.granularity_s is not None:
        rental_s = ceiling(rental_s / scenario.granularity_s) * scenario.granularity_s
    rental_s = max(rental_s, scenario.minimum_charge_s or ZERO)
    return min(Decimal(1), rental_s * load.starts_per_day / DAY_S)


def options(scenario: Scenario, point: Point) -> tuple[Option, ...]:
    """Return every option that the scenario has any price for, in a fixed order."""
    found = [
        _api(scenario, point),
        *_always_on(scenario, point),
        _spot(scenario, point),
        *on_and_off(scenario, point),
        *serverless(scenario, point),
        _provisioned(scenario, point),
        _hybrid(scenario, point),
        *scheduled(scenario, point, _api_slo(scenario)),
    ]
    return tuple(option for option in found if option is not None)


def _api(scenario: Scenario, point: Point) -> Option | None:
    if not api_prices_given(scenario):
        return None
    if point.usd_per_request is None:
        return Option("api", None, None, unpriced("usd_per_request"))
    cost = HOUR_S * point.usd_per_request * point.load.mean_rps
    return Option("api", cost, None, _api_slo(scenario))


def _api_slo(scenario: Scenario) -> Exclusion | None:
    limit, seen = scenario.ttft_slo_s, scenario.api_ttft_p99_s
    if limit is not None and seen is not None and seen > limit:
        return over_limit(Slow("API", seen, limit))
    return no_batch_in_time(scenario)


def no_batch_in_time(scenario: Scenario) -> Exclusion | None:
    """Return why no API can be chosen at the price of batches, None where one can."""
    batch, share = scenario.batch_multiplier, scenario.batch_share
    if scenario.ttft_slo_s is None or batch is None or batch >= 1:
        return None
    if share is not None and share < 1:
        return None  # what has to be in time is in no batch
    return over_limit(Batched())


def _always_on(scenario: Scenario, point: Point) -> list[Option]:
    count, why_not = replicas_for(scenario, point.load)
    fixed = fixed_usd_per_hour(scenario)
    found = [
        Option(name, usd * count + fixed, count, why_not)
        for name, usd in gpu_prices(scenario, point)
    ]
    if scenario.owned_usd is not None and owned_usd_per_hour(scenario) is None:
        needed = ("owned_life_months", "power_kw", "usd_per_kwh")
        missing = next(name for name in needed if getattr(scenario, name) is None)
        found.append(Option("owned", None, count, unpriced(missing)))
    return found


def _spot(scenario: Scenario, point: Point) -> Option | None:
    """Return GPUs that may be taken away, and the API while the next one starts, billed as well."""
    usd, taken = scenario.spot_usd_per_hour, scenario.spot_interruptions_per_day or ZERO
    if usd is None:
        return None
    count, why_not = replicas_for(scenario, point.load)
    if taken and scenario.cold_start_s is None:
        return Option("spot", None, count, unpriced("cold_start_s"))
    if taken and point.usd_per_request is None:
        return Option("spot", None, count, unpriced("usd_per_request"))
    away = min(Decimal(1), taken * (scenario.cold_start_s or ZERO) / DAY_S)
    elsewhere = HOUR_S * (point.usd_per_request or ZERO) * point.load.mean_rps * away
    cost = usd * point.gpu_factor * count + fixed_usd_per_hour(scenario) + elsewhere
    return Option("spot", cost, count, why_not or (_api_slo(scenario) if away else None))


def _provisioned(scenario: Scenario, point: Point) -> Option | None:
    usd, unit = scenario.provisioned_unit_usd_per_hour, scenario.provisioned_unit_tokens_per_s
    if usd is None:
        return None
    tokens, name = tokens_of(scenario), "provisioned_throughput"
    if unit is None:
        return Option(name, None, None, unpriced("provisioned_unit_tokens_per_s"))
    if tokens is None:
        return Option(name, None, None, unpriced("output_tokens"))
    units = max(1, ceiling(point.load.peak_rps * tokens[1] / unit))
    return Option(name, usd * units, units, _api_slo(replace(scenario, batch_multiplier=None)))


def _hybrid(scenario: Scenario, point: Point) -> Option | None:
    """Return n replicas for the base and the API for what exceeds them.

    A further replica pays for itself when the load that falls to it, at the API's price, costs more
    than it does: its marginal utilisation is above the break-even utilisation.
    """
    capacity, usd_request = scenario.capacity_rps, point.usd_per_request
    prices = gpu_prices(scenario, point)
    if capacity is None or usd_request is None or not prices:
        return None
    usd = min(price for _, price in prices)
    api_hour = HOUR_S * usd_request
    limit = point.load.replicas(capacity)
    if scenario.max_replicas is not None:
        limit = min(limit, int(scenario.max_replicas))
    count = _paying(point.load, capacity, usd / api_hour, limit) if api_hour else 0
    overflow = point.load.above(count * capacity)
    if count == 0 or overflow == 0:
        return None
    cost = usd * count + fixed_usd_per_hour(scenario) + api_hour * overflow
    _, why_not = replicas_for(scenario, point.load, overflows=True)
    return Option("hybrid", cost, count, why_not or _api_slo(scenario))


def _paying(load: Load, capacity_rps: Decimal, break_even_rps: Decimal, limit: int) -> int:
    """Return how many replicas carry, each, more than pays for it; the first carries the most."""
    pays, too_many = 0, limit + 1
    while too_many - pays > 1:
        nth = (pays + too_many) // 2
        if load.between((nth - 1) * capacity_rps, nth * capacity_rps) > break_even_rps:
            pays = nth
        else:
            too_many = nth
    return pays
