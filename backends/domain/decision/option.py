"""One way to serve the traffic: what its requests and GPUs cost, and whether they carry it."""

from dataclasses import dataclass, replace
from decimal import Decimal

from backends.domain.decision.exclusion import (
    Exclusion,
    ExclusionKind,
    Slow,
    TooFewGpus,
    Unmeasured,
    over_limit,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.durations import HOUR_S
from backends.domain.prices.cost import Priced, RequestPrices, request_prices
from backends.domain.traffic.bins import by_identity
from backends.domain.traffic.shape import HOURS, Load


@dataclass(frozen=True, slots=True)
class Option:
    """One way to serve the traffic.

    Attributes:
        usd_per_hour: mean over the whole day; None where a price or a figure is missing. For an
            option whose capacity is unknown it is the least that it can cost.
        replicas: GPUs, or provisioned units; None where they are not the user's to count.
        exclusion: why it cannot be chosen, None for an option that can.
    """

    name: str
    usd_per_hour: Decimal | None
    replicas: int | None = None
    exclusion: Exclusion | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of what is uncertain: the price of a request, of a GPU, and the load."""

    usd_per_request: Decimal | None
    load: Load
    gpu_factor: Decimal = Decimal(1)


def api_prices_given(scenario: Scenario) -> bool:
    """Return whether the scenario has any price of an API, be it all that is needed or not."""
    prices = (scenario.input_usd_per_mtok, scenario.output_usd_per_mtok, scenario.usd_per_request)
    return any(price is not None for price in prices)


def prices_in(scenario: Scenario) -> RequestPrices:
    """Return what the API of a scenario charges, for batches where the scenario has them."""
    return request_prices(scenario, batch_factor(scenario))


def batch_factor(scenario: Scenario) -> Decimal | None:
    """Return the factor on token prices: of a batch for those requests that may wait for one."""
    times, share = scenario.batch_multiplier, scenario.batch_share
    return times if times is None or share is None else 1 - share * (1 - times)


def with_api_prices(scenario: Scenario, of: Priced) -> Scenario:
    """Return a scenario with what another API charges."""
    return replace(
        scenario,
        input_usd_per_mtok=of.input_usd_per_mtok,
        output_usd_per_mtok=of.output_usd_per_mtok,
        cached_input_usd_per_mtok=of.cached_input_usd_per_mtok,
        usd_per_request=of.usd_per_request,
        fee_percent=of.fee_percent,
        tiers=of.tiers,
    )


def missing_token_prices(scenario: Scenario) -> list[str]:
    """Return the keys of token prices that the requests need and that are not given."""
    if prices_in(scenario).by_request_alone:
        return []
    needed = ["input_usd_per_mtok", "output_usd_per_mtok"]
    if scenario.input_tokens == 0:
        needed.remove("input_usd_per_mtok")
    if scenario.output_tokens == 0:
        needed.remove("output_usd_per_mtok")
    return [name for name in needed if getattr(scenario, name) is None]


def shares_of_requests(scenario: Scenario) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
    """Return share, input and output tokens of each kind of request; one kind where means are.

    Means that are given stand above a distribution, and that above what was observed. Empty where
    nothing is known of the tokens.
    """
    seen, kinds = scenario.observed, scenario.token_distribution
    into, out = scenario.input_tokens, scenario.output_tokens
    total = sum((kind.weight for kind in kinds), Decimal(0))
    if into is None and out is None and total:
        return tuple((kind.weight / total, kind.input_tokens, kind.output_tokens) for kind in kinds)
    if seen is not None:
        into = seen.input_tokens_mean if into is None else into
        out = seen.output_tokens_mean if out is None else out
    return () if into is None or out is None else ((Decimal(1), into, out),)


def tokens_of(scenario: Scenario) -> tuple[Decimal, Decimal] | None:
    """Return mean input and output tokens of one request, given or observed; None if unknown."""
    kinds = shares_of_requests(scenario)
    if not kinds:
        return None
    into = sum((share * into for share, into, _ in kinds), Decimal(0))
    return into, sum((share * out for share, _, out in kinds), Decimal(0))


def usd_by_kind(scenario: Scenario) -> tuple[tuple[Decimal, Decimal], ...] | None:
    """Return share and API cost of each kind of request, None where a price or count is missing."""
    prices, cached = prices_in(scenario), scenario.cached_input_share or Decimal(0)
    kinds = shares_of_requests(scenario)
    if not kinds:
        usd = prices.cost(None, None)
        return None if usd is None else ((Decimal(1), usd),)
    costs = []
    for share, into, out in kinds:
        usd = prices.cost(into, out, into * cached)
        if usd is None:
            return None
        costs.append((share, usd))
    return tuple(costs)


def usd_per_request(scenario: Scenario) -> Decimal | None:
    """Return what the mean request costs at the API, None where a price or a count is missing."""
    costs = usd_by_kind(scenario)
    return None if costs is None else sum((share * usd for share, usd in costs), Decimal(0))


def gpu_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return what one always-on GPU costs an hour: on demand if priced so, else by the month."""
    if scenario.gpu_usd_per_hour is not None:
        return scenario.gpu_usd_per_hour
    reserved = reserved_usd_per_hour(scenario)
    return owned_usd_per_hour(scenario) if reserved is None else reserved


def reserved_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return what one reserved GPU costs for each hour that it is needed; None without a price."""
    month, bound, needed = (
        scenario.gpu_usd_per_month,
        scenario.commit_months,
        scenario.needed_months,
    )
    if month is None:
        return None
    longer = 1 if bound is None or needed is None else max(Decimal(1), bound / needed)
    return month * longer / scenario.hours_per_month


def cheapest_gpu_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return what one always-on GPU costs an hour under the cheapest contract that is priced."""
    prices = (
        scenario.gpu_usd_per_hour,
        reserved_usd_per_hour(scenario),
        owned_usd_per_hour(scenario),
    )
    return min((price for price in prices if price is not None), default=None)


def owned_usd_per_hour(scenario: Scenario) -> Decimal | None:
    """Return purchase over life plus electricity for one owned GPU, None if either is unknown."""
    power = (scenario.power_kw, scenario.usd_per_kwh)
    if scenario.owned_usd is None or scenario.owned_life_months is None or None in power:
        return None
    purchase = scenario.owned_usd / (scenario.owned_life_months * scenario.hours_per_month)
    kwh = (scenario.power_kw or Decimal(0)) * (scenario.usd_per_kwh or Decimal(0))
    return purchase + kwh * (Decimal(1) if scenario.pue is None else scenario.pue)


@by_identity
def fixed_usd_per_hour(scenario: Scenario) -> Decimal:
    """Return what hosting costs beside the GPUs, whatever their number: storage, people, rows."""
    monthly = (scenario.ops_usd_per_month or 0) + (scenario.storage_usd_per_month or 0)
    hours = {"hour": Decimal(1), "day": Decimal(HOURS), "month": scenario.hours_per_month}
    rows = (row.usd / hours[row.per] for row in scenario.costs)
    return Decimal(monthly) / scenario.hours_per_month + sum(rows, Decimal(0))


def break_even_rps(usd_per_hour: Decimal, usd_per_request: Decimal) -> Decimal | None:
    """Return the rate at which requests cost as much as an hourly price; None if they are free."""
    if usd_per_request == 0:
        return None
    return usd_per_hour / (HOUR_S * usd_per_request)


def slow_gpu(scenario: Scenario) -> Slow | None:
    """Return the GPU's p99 TTFT where it is known to be over the limit."""
    limit, seen, above = (
        scenario.ttft_slo_s,
        scenario.gpu_ttft_p99_s,
        scenario.gpu_ttft_p99_above_s,
    )
    if limit is None:
        return None
    if seen is not None:
        return Slow("GPU", seen, limit) if seen > limit else None
    if above is not None and above >= limit:
        return Slow("GPU", above, limit, at_least=True)
    return None


def replicas_for(
    scenario: Scenario, load: Load, *, overflows: bool = False
) -> tuple[int, Exclusion | None]:
    """Return how many GPUs hold the peak, and why they cannot, if so.

    Where what exceeds them `overflows` to an API, any number can.
    """
    if slow := slow_gpu(scenario):
        return 1, over_limit(slow)
    peak = load.peak_rps
    if scenario.capacity_rps is None:
        return 1, Exclusion(ExclusionKind.CAPACITY_UNKNOWN, Unmeasured(peak))
    count, most = load.replicas(scenario.capacity_rps), scenario.max_replicas
    if not overflows and most is not None and count > most:
        return count, Exclusion(ExclusionKind.OVER_CAPACITY, TooFewGpus(peak, count, most))
    return count, None


@by_identity
def gpu_prices(scenario: Scenario, point: Point) -> tuple[tuple[str, Decimal], ...]:
    """Return the hourly price of one GPU under each contract that has one."""
    hourly = (
        ("on_demand", scenario.gpu_usd_per_hour),
        ("reserved", reserved_usd_per_hour(scenario)),
        ("owned", owned_usd_per_hour(scenario)),
    )
    return tuple((name, usd * point.gpu_factor) for name, usd in hourly if usd is not None)
