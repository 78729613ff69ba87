"""Every way to serve the traffic, with what it costs at one point of the prices and the load."""

from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.money.request_cost import (
    SECONDS_PER_HOUR,
    api_prices_given,
    fixed_usd_per_hour,
    owned_usd_per_hour,
    tokens_of,
)
from backends.domain.money.scale_to_zero import scale_to_zero
from backends.domain.money.scenario import Scenario
from backends.domain.money.shape import HOURS, Load, ceiling

CAPACITY_UNKNOWN = "CAPACITY_UNKNOWN"
OVER_CAPACITY = "OVER_CAPACITY"
SLO_EXCLUDES = "SLO_EXCLUDES"
UNPRICED = "UNPRICED"
MEASURE = "inferctl load ENDPOINT"
P99_SHARE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Option:
    """One way to serve the traffic.

    Attributes:
        usd_per_hour: mean over the whole day; None where a price or a figure is missing. For an
            option whose capacity is unknown it is the least that it can cost.
        replicas: GPUs, or provisioned units; None where they are not the user's to count.
        excluded_because: why it cannot be chosen, one sentence that begins with its kind; empty
            for an option that can.
    """

    name: str
    usd_per_hour: Decimal | None
    replicas: int | None = None
    excluded_because: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of what is uncertain: the price of a request, of a GPU, and the load."""

    usd_per_request: Decimal | None
    load: Load
    gpu_factor: Decimal = Decimal(1)


def options(scenario: Scenario, point: Point) -> tuple[Option, ...]:
    """Return every option that the scenario has any price for, in a fixed order."""
    found = [
        _api(scenario, point),
        *_always_on(scenario, point),
        _destroyed_when_idle(scenario, point),
        *_serverless(scenario, point),
        _provisioned(scenario, point),
        _hybrid(scenario, point),
    ]
    return tuple(option for option in found if option is not None)


def _api(scenario: Scenario, point: Point) -> Option | None:
    if not api_prices_given(scenario):
        return None
    if point.usd_per_request is None:
        return Option("api", None, None, f"{UNPRICED}: a token price or a token count is missing")
    cost = SECONDS_PER_HOUR * point.usd_per_request * point.load.mean_rps
    return Option("api", cost, None, _api_slo(scenario))


def _api_slo(scenario: Scenario) -> str:
    limit, seen = scenario.ttft_slo_s, scenario.api_ttft_p99_s
    if limit is None:
        return ""
    if scenario.batch_multiplier is not None and scenario.batch_multiplier < 1:
        return f"{SLO_EXCLUDES}: batch prices come without any limit on the time to first token"
    if seen is not None and seen > limit:
        return f"{SLO_EXCLUDES}: the API's p99 TTFT is {seen} s, the limit is {limit} s"
    return ""


def _replicas(scenario: Scenario, load: Load) -> tuple[int, str]:
    """Return how many GPUs hold the peak, and why they cannot, if so."""
    seen, limit = scenario.gpu_ttft_p99_s, scenario.ttft_slo_s
    if seen is not None and limit is not None and seen > limit:
        return 1, f"{SLO_EXCLUDES}: the GPU's p99 TTFT is {seen} s, the limit is {limit} s"
    if scenario.capacity_rps is None:
        return 1, (
            f"{CAPACITY_UNKNOWN}: whether one GPU carries {load.peak_rps.normalize():f} req/s is "
            f"not measured; run: {MEASURE}"
        )
    count = load.replicas(scenario.capacity_rps)
    if scenario.max_replicas is not None and count > scenario.max_replicas:
        return count, (
            f"{OVER_CAPACITY}: the peak of {load.peak_rps.normalize():f} req/s needs {count} GPUs, "
            f"there are {scenario.max_replicas}"
        )
    return count, ""


def _prices(scenario: Scenario, point: Point) -> tuple[tuple[str, Decimal], ...]:
    """Return the hourly price of one GPU under each contract that has one."""
    month = scenario.gpu_usd_per_month
    hourly = (
        ("on_demand", scenario.gpu_usd_per_hour),
        ("reserved", None if month is None else month / scenario.hours_per_month),
        ("owned", owned_usd_per_hour(scenario)),
    )
    return tuple((name, usd * point.gpu_factor) for name, usd in hourly if usd is not None)


def _always_on(scenario: Scenario, point: Point) -> list[Option]:
    count, why_not = _replicas(scenario, point.load)
    fixed = fixed_usd_per_hour(scenario)
    return [
        Option(name, usd * count + fixed, count, why_not) for name, usd in _prices(scenario, point)
    ]


def _destroyed_when_idle(scenario: Scenario, point: Point) -> Option | None:
    usd, load = scenario.gpu_usd_per_hour, point.load
    if usd is None or load.active_share == 1 or load.starts_per_day == 0:
        return None
    name, (count, why_not) = "destroyed_when_idle", _replicas(scenario, load)
    if scenario.cold_start_s is None:
        return Option(name, None, count, f"{UNPRICED}: cold_start_s is missing, and it is billed")
    each_s = scenario.cold_start_s + (scenario.idle_timeout_s or 0)
    hours = load.active_share * HOURS + load.starts_per_day * each_s / SECONDS_PER_HOUR
    share = min(Decimal(1), hours / HOURS)
    cost = usd * point.gpu_factor * count * share + fixed_usd_per_hour(scenario)
    return Option(name, cost, count, why_not)


def _serverless(scenario: Scenario, point: Point) -> list[Option]:
    rate = scenario.serverless_usd_per_second
    if rate is None:
        return []
    if scenario.service_s is None:
        return [_serverless_by_hours(scenario, point, rate)]
    cold, timeout = scenario.cold_start_s, scenario.idle_timeout_s
    if cold is None or timeout is None:
        missing = "cold_start_s" if cold is None else "idle_timeout_s"
        return [Option("serverless_gpu", None, None, f"{UNPRICED}: {missing} is missing")]
    count, why_not = _replicas(scenario, point.load)
    billed, delayed, requests = Decimal(0), Decimal(0), point.load.mean_rps
    for share, level in point.load.bursts:
        each = _holding(scenario, level)
        run = scale_to_zero(level / each, scenario.service_s, timeout, cold)
        billed += share * run.billed_share * each
        delayed += share * level * run.delayed_share
    delayed = delayed / requests if requests else Decimal(0)
    zero = Option(
        "serverless_gpu",
        rate * SECONDS_PER_HOUR * billed,
        count,
        why_not or _cold_slo(scenario, delayed, cold),
    )
    return [zero, *_kept_warm(scenario, point, rate)]


def _holding(scenario: Scenario, level_rps: Decimal) -> int:
    """Return how many replicas hold one level; one where their capacity is not known."""
    if scenario.capacity_rps is None:
        return 1
    return max(1, ceiling(level_rps / scenario.capacity_rps))


def _cold_slo(scenario: Scenario, delayed: Decimal, cold_start_s: Decimal) -> str:
    limit = scenario.ttft_slo_s
    if limit is None or cold_start_s <= limit or delayed <= P99_SHARE:
        return ""
    return (
        f"{SLO_EXCLUDES}: {delayed * 100:.0f} % of requests meet a cold start of {cold_start_s} s, "
        f"the p99 TTFT limit is {limit} s"
    )


def _kept_warm(scenario: Scenario, point: Point, rate: Decimal) -> list[Option]:
    """Return the option that never lets some replicas go: busy at one price, warm at another.

    A replica is busy while any request is on it, a share of ``1 − e^{−λS}``. Those beyond the warm
    ones are taken as busy whenever their level lasts.
    """
    if not scenario.keep_warm or scenario.service_s is None:
        return []
    warm = rate if scenario.warm_usd_per_second is None else scenario.warm_usd_per_second
    count, why_not = _replicas(scenario, point.load)
    kept = int(scenario.keep_warm)
    if not why_not and count > kept and scenario.ttft_slo_s is not None:
        why_not = f"{SLO_EXCLUDES}: {kept} warm of {count} that the peak needs; the rest start cold"
    cost = Decimal(0)
    for share, level in point.load.bursts:
        each = _holding(scenario, level)
        busy = min(each, kept) * (1 - (-level / each * scenario.service_s).exp())
        cost += share * ((busy + max(0, each - kept)) * rate + (kept - busy) * warm)
    # Between bursts nothing is busy, and the warm replicas still cost.
    idle = 1 - sum(share for share, _ in point.load.bursts)
    cost = SECONDS_PER_HOUR * (cost + idle * kept * warm)
    return [Option("serverless_gpu_kept_warm", cost, max(count, kept), why_not)]


def _serverless_by_hours(scenario: Scenario, point: Point, rate: Decimal) -> Option:
    """Return the cost where only busy hours are known: those hours and each start are billed."""
    if scenario.hours_per_day is None:
        missing = "service_s (or hours_per_day, the busy hours) is missing"
        return Option("serverless_gpu", None, None, f"{UNPRICED}: {missing}")
    count, why_not = _replicas(scenario, point.load)
    each_s = (scenario.cold_start_s or 0) + (scenario.idle_timeout_s or 0)
    seconds = scenario.hours_per_day * SECONDS_PER_HOUR + point.load.starts_per_day * each_s
    cost = rate * min(seconds, HOURS * SECONDS_PER_HOUR) / HOURS * count
    return Option("serverless_gpu", cost, count, why_not)


def _provisioned(scenario: Scenario, point: Point) -> Option | None:
    usd, unit = scenario.provisioned_unit_usd_per_hour, scenario.provisioned_unit_tokens_per_s
    if usd is None:
        return None
    tokens, name = tokens_of(scenario), "provisioned_throughput"
    if unit is None:
        return Option(name, None, None, f"{UNPRICED}: provisioned_unit_tokens_per_s is missing")
    if tokens is None:
        return Option(name, None, None, f"{UNPRICED}: output_tokens is missing")
    units = max(1, ceiling(point.load.peak_rps * tokens[1] / unit))
    return Option(name, usd * units, units, _api_slo(replace(scenario, batch_multiplier=None)))


def _hybrid(scenario: Scenario, point: Point) -> Option | None:
    """Return n replicas for the base and the API for what exceeds them.

    A further replica pays for itself when the load that falls to it, at the API's price, costs more
    than it does: its marginal utilisation is above the break-even utilisation.
    """
    capacity, usd_request = scenario.capacity_rps, point.usd_per_request
    prices = _prices(scenario, point)
    if capacity is None or usd_request is None or not prices:
        return None
    usd = min(price for _, price in prices)
    api_hour = SECONDS_PER_HOUR * usd_request
    limit = point.load.replicas(capacity)
    if scenario.max_replicas is not None:
        limit = min(limit, int(scenario.max_replicas))
    count = _paying(point.load, capacity, usd / api_hour, limit) if api_hour else 0
    overflow = point.load.above(count * capacity)
    if count == 0 or overflow == 0:
        return None
    cost = usd * count + fixed_usd_per_hour(scenario) + api_hour * overflow
    _, why_not = _replicas(replace(scenario, max_replicas=None), point.load)
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
