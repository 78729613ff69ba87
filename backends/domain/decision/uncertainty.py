"""How far the break-even and the load may lie from their estimates."""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from backends.domain.decision.option import (
    Point,
    break_even_rps,
    prices_in,
    tokens_of,
    usd_by_kind,
    usd_per_request,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.prices.cost import MTOK
from backends.domain.traffic.requests import Observed
from backends.domain.traffic.shape import ZERO, Load, daily, steady

Z95 = Decimal("1.96")
"""Two-sided 95 % quantile of the normal distribution."""
_STEPS = 8


@dataclass(frozen=True, slots=True)
class Band:
    """An estimate with the lowest and highest value it may have."""

    low: Decimal
    middle: Decimal
    high: Decimal

    @property
    def certain(self) -> bool:
        """Whether low and high are the same."""
        return self.low == self.high


def request_band(scenario: Scenario) -> Band | None:
    """Return the API's price of one request with its 95 % interval and the spread of prices."""
    middle = usd_per_request(scenario)
    if middle is None:
        return None
    error, seen = ZERO, scenario.observed
    if seen is not None and seen.counted > 0:
        error = Z95 * (_variance(scenario, seen, middle) / seen.counted).sqrt()
    spread = (scenario.api_price_spread_percent or ZERO) / 100
    return Band(max(ZERO, middle - error) * (1 - spread), middle, (middle + error) * (1 + spread))


def _variance(scenario: Scenario, seen: Observed, mean: Decimal) -> Decimal:
    """Return the variance of the cost of one request, in square US dollars.

    Of a token distribution it is exact. Otherwise it follows from the observed spread of tokens:
    ``p_in² s_in² + p_out² s_out² + 2 p_in p_out cov``.
    """
    costs, tokens = usd_by_kind(scenario), tokens_of(scenario)
    if costs is not None and len(costs) > 1:
        return sum((share * (usd - mean) ** 2 for share, usd in costs), ZERO)
    prices = prices_in(scenario).of_prompt(tokens[0] if tokens else ZERO)
    cached_share = scenario.cached_input_share or ZERO
    into, out = prices.input_usd_per_mtok or ZERO, prices.output_usd_per_mtok or ZERO
    cached = prices.cached_input_usd_per_mtok
    into = into * (1 - cached_share) + (into if cached is None else cached) * cached_share
    variance = (
        into**2 * seen.input_tokens_sd**2
        + out**2 * seen.output_tokens_sd**2
        + 2 * into * out * seen.covariance
    )
    batch = Decimal(1) if prices.batch_multiplier is None else prices.batch_multiplier
    scale = batch * (1 + (prices.fee_percent or ZERO) / 100) / MTOK
    return max(ZERO, variance) * scale**2


def gpu_band(scenario: Scenario) -> Band:
    """Return the factor on GPU prices: one, more or less the spread of prices."""
    spread = (scenario.gpu_price_spread_percent or Decimal(0)) / 100
    return Band(1 - spread, Decimal(1), 1 + spread)


def load_of(scenario: Scenario) -> Load | None:
    """Return the load that the scenario describes, None where no rate is given or observed."""
    seen, rate = scenario.observed, scenario.rate_rps
    if scenario.profile_rps is not None:
        load = daily(scenario.profile_rps, scenario.starts_per_day)
        mean = load.mean_rps
        if rate is not None and mean > 0:
            load = load.scaled(rate / mean)
    else:
        if rate is None and seen is not None and seen.window_s is not None:
            rate = seen.n / seen.window_s
        if rate is None:
            return None
        load = steady(rate, scenario.hours_per_day, scenario.starts_per_day)
    return replace(load, burst=scenario.peak_over_average or Decimal(1))


def load_band(scenario: Scenario) -> Band:
    """Return the factor on the load: one, more or less 1.96 √(n·dispersion) of n requests seen."""
    seen = scenario.observed
    if seen is None or seen.n == 0 or seen.window_s is None:
        return Band(Decimal(1), Decimal(1), Decimal(1))
    half = Z95 * (seen.n * seen.dispersion).sqrt() / seen.n
    return Band(max(Decimal(0), 1 - half), Decimal(1), 1 + half)


def rate_band(scenario: Scenario) -> Band | None:
    """Return where the mean rate may lie, in req/s; None where it is unknown or taken as exact."""
    load, band = load_of(scenario), load_band(scenario)
    if load is None or band.certain:
        return None
    mean = load.mean_rps
    return Band(mean * band.low, mean, mean * band.high)


def break_even_band(gpu_usd_per_hour: Decimal, scenario: Scenario) -> Band | None:
    """Return the break-even rate of a fixed hourly cost, in req/s; None where requests are free."""
    request, gpu = request_band(scenario), gpu_band(scenario)
    if request is None:
        return None
    edges = [
        break_even_rps(gpu_usd_per_hour * factor, cost)
        for factor, cost in ((gpu.low, request.high), (gpu.middle, request.middle))
    ]
    low, middle = edges
    high = break_even_rps(gpu_usd_per_hour * gpu.high, request.low)
    if low is None or middle is None:
        return None
    return Band(low, middle, Decimal("Infinity") if high is None else high)


def centre(scenario: Scenario, load: Load) -> Point:
    """Return the point of the estimates themselves."""
    return Point(usd_per_request(scenario), load)


def points(scenario: Scenario, load: Load) -> tuple[Point, ...]:
    """Return the corners of everything uncertain, and the loads between, the centre first.

    Costs move together: a dearer API makes the hybrid dearer too. Each point is therefore one
    world in which all options are priced alike. Between the ends of the load there are steps,
    because the number of replicas jumps there.
    """
    request, gpu, rate = request_band(scenario), gpu_band(scenario), load_band(scenario)
    costs = {None} if request is None else {request.low, request.high}
    factors = {rate.low + (rate.high - rate.low) * step / _STEPS for step in range(_STEPS + 1)}
    corners = product(costs, sorted(factors), {gpu.low, gpu.high})
    return (
        centre(scenario, load),
        *(Point(cost, load.scaled(factor), price) for cost, factor, price in corners),
    )
