"""How far the break-even and the load may lie from their estimates."""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product
from math import cos, pi, sin
from operator import itemgetter

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
from backends.domain.traffic.requests import Errors, Observed
from backends.domain.traffic.scales import student
from backends.domain.traffic.shape import ZERO, Load, bursts_of_peak, hourly, steady

Z95 = Decimal("1.96")
"""Two-sided 95 % quantile of the normal distribution."""
_STEPS = 16


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


def request_band(scenario: Scenario, z: Decimal = Z95) -> Band | None:
    """Return the API's price of one request with its interval and the spread of prices.

    Args:
        scenario: prices and what was seen.
        z: how wide, as a normal quantile; of 95 % unless given.
    """
    middle = usd_per_request(scenario)
    if middle is None:
        return None
    error, seen = ZERO, scenario.observed
    if seen is not None and seen.errors is not None:
        error = middle * Decimal(repr(cost_error(scenario, seen.errors, float(z))))
    elif seen is not None and seen.counted > 0:
        error = z * (_variance(scenario, seen, middle) / seen.counted).sqrt()
    prices = api_band(scenario)
    return Band(max(ZERO, middle - error) * prices.low, middle, (middle + error) * prices.high)


def cost_error(scenario: Scenario, errors: Errors, z: float) -> float:
    """Return how far the price of a request may be from its estimate, as a share of it."""
    into, out, other = _cost_shares(scenario)
    own = (into * errors.input_tokens, out * errors.output_tokens)
    square = own[0] ** 2 + own[1] ** 2 + 2 * own[0] * own[1] * errors.tokens_correlation
    return (max(0.0, square) ** 0.5 * student(z, errors.tokens_freedom)) if other < 1 else 0.0


def _cost_shares(scenario: Scenario) -> tuple[float, float, float]:
    """Return which share of a request's price is for input, for output, and for itself."""
    middle, tokens = usd_per_request(scenario), tokens_of(scenario)
    if not middle or tokens is None:
        return 0.0, 0.0, 1.0
    into, out = _usd_per_token(scenario)
    shares = float(into * tokens[0] / middle), float(out * tokens[1] / middle)
    return *shares, max(0.0, 1 - sum(shares))


def _usd_per_token(scenario: Scenario) -> tuple[Decimal, Decimal]:
    """Return what one more input and output token cost at the mean request."""
    tokens = tokens_of(scenario)
    prices = prices_in(scenario).of_prompt(tokens[0] if tokens else ZERO)
    cached_share = scenario.cached_input_share or ZERO
    into, out = prices.input_usd_per_mtok or ZERO, prices.output_usd_per_mtok or ZERO
    cached = prices.cached_input_usd_per_mtok
    into = into * (1 - cached_share) + (into if cached is None else cached) * cached_share
    batch = Decimal(1) if prices.batch_multiplier is None else prices.batch_multiplier
    scale = batch * (1 + (prices.fee_percent or ZERO) / 100) / MTOK
    return into * scale, out * scale


def _variance(scenario: Scenario, seen: Observed, mean: Decimal) -> Decimal:
    """Return the variance of the cost of one request, in square US dollars.

    Of a token distribution it is exact. Otherwise it follows from the observed spread of tokens:
    ``p_in² s_in² + p_out² s_out² + 2 p_in p_out cov``.
    """
    costs = usd_by_kind(scenario)
    if costs is not None and len(costs) > 1:
        return sum((share * (usd - mean) ** 2 for share, usd in costs), ZERO)
    into, out = _usd_per_token(scenario)
    variance = (
        into**2 * seen.input_tokens_sd**2
        + out**2 * seen.output_tokens_sd**2
        + 2 * into * out * seen.covariance
    )
    return max(ZERO, variance)


def gpu_band(scenario: Scenario) -> Band:
    """Return the factor on GPU prices: one, more or less the spread of prices."""
    spread = (scenario.gpu_price_spread_percent or ZERO) / 100
    return Band(1 - spread, Decimal(1), 1 + spread)


def api_band(scenario: Scenario) -> Band:
    """Return the factor on the API's prices: one, with their spread and what sources say."""
    spread = (scenario.api_price_spread_percent or ZERO) / 100
    low, high = scenario.api_price_range
    return Band(min(1 - spread, low), Decimal(1), max(1 + spread, high))


def load_of(scenario: Scenario) -> Load | None:
    """Return the load that the scenario describes, None where no rate is given or observed."""
    seen, rate = scenario.observed, scenario.rate_rps
    if scenario.profile_rps is not None:
        load = hourly(scenario.profile_rps, scenario.starts_per_day)
        mean = load.mean_rps
        if rate is not None and mean > 0:
            load = load.scaled(rate / mean)
    else:
        if rate is None and seen is not None and seen.window_s is not None:
            rate = seen.n / seen.window_s
        if rate is None:
            return None
        load = steady(rate, scenario.hours_per_day, scenario.starts_per_day)
    if scenario.peak_over_average is None:
        return replace(load, bursts=scenario.bursts)
    return replace(load, bursts=bursts_of_peak(scenario.peak_over_average))


def load_band(scenario: Scenario, z: Decimal = Z95) -> Band:
    """Return the factor on the load: one, more or less its error of 95 %, or of another quantile.

    The error is that of the blocks, or else √(n·dispersion) of n requests seen.
    """
    seen = scenario.observed
    if seen is None or seen.n == 0 or seen.window_s is None:
        return Band(Decimal(1), Decimal(1), Decimal(1))
    if seen.errors is not None:
        half = Decimal(repr(seen.errors.rate * student(float(z), seen.errors.freedom)))
    else:
        half = z * (seen.n * seen.dispersion).sqrt() / seen.n
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
    """Return points of everything uncertain, and the loads between, the centre first.

    Costs move together: a dearer API makes the hybrid dearer too. Each point is therefore one
    world in which all options are priced alike.
    """
    seen = scenario.observed
    if seen is not None and seen.errors is not None:
        found = _around(scenario, seen.errors, load)
    else:
        request, rate = request_band(scenario), load_band(scenario)
        steps = _steps(scenario, load, rate)
        found = {
            (None if request is None else (request.low if low else request.high), step, gpu)
            for (low, gpu), step in product(_corners(scenario), steps)
        }
    loads = {factor: load.scaled(factor) for _, factor, _ in found}
    return (
        centre(scenario, load),
        # Points of one load follow each other: its schedules are worked out once.
        *(
            Point(cost, loads[factor], gpu)
            for cost, factor, gpu in sorted(found, key=itemgetter(1))
        ),
    )


def _corners(scenario: Scenario) -> tuple[tuple[bool, Decimal], ...]:
    """Return whether the API is at its low end, with the factor on the GPU's price.

    What one way costs more than another grows with one of the two prices and falls with the other,
    so that it is at its ends where these are opposite; beside what is priced apart from both, it
    may be where they are not.
    """
    gpu = gpu_band(scenario)
    opposite = ((True, gpu.high), (False, gpu.low))
    apart = (scenario.serverless_usd_per_second, scenario.provisioned_unit_usd_per_hour)
    return opposite if apart == (None, None) else (*opposite, (True, gpu.low), (False, gpu.high))


def _steps(scenario: Scenario, load: Load, rate: Band) -> tuple[Decimal, ...]:
    """Return factors on the load from end to end, the ends alone where no unit more is needed.

    Where the number of replicas jumps, so do their costs.
    """
    capacity = scenario.capacity_rps
    if capacity is not None and scenario.provisioned_unit_usd_per_hour is None:
        counts = {load.scaled(each).replicas(capacity) for each in (rate.low, rate.high)}
        if len(counts) == 1:
            return tuple({rate.low, rate.high})
    width = rate.high - rate.low
    return tuple({rate.low + width * step / _STEPS for step in range(_STEPS + 1)})


SEQUENTIAL = Decimal("2.75")
"""How wide the region is on which a decision must hold that is looked at again and again.

At a quantile of 3 fifteen looks at geometric times show a wrong decision in fewer than 2.5 % of
runs (``make verdict-study``); at 1.96 each look alone would be wrong as often.
"""

_ANGLES = tuple(
    (cos(step * pi / 8), side * sin(step * pi / 8)) for step in range(9) for side in (1, -1)
)


def _around(
    scenario: Scenario, errors: Errors, load: Load
) -> set[tuple[Decimal | None, Decimal, Decimal]]:
    """Return prices of a request, factors on the load and on GPU prices, on the edge of them.

    The errors of the first two are no corners of a box: both at their worst at once is rarer than
    each alone.
    """
    z = float(SEQUENTIAL)
    middle = usd_per_request(scenario)
    rate = errors.rate * student(z, errors.freedom)
    price = cost_error(scenario, errors, z)
    into, out, _ = _cost_shares(scenario)
    tokens = into * errors.input_tokens + out * errors.output_tokens
    both = (
        into * errors.input_tokens * errors.rate_correlations[0]
        + out * errors.output_tokens * errors.rate_correlations[1]
    ) / (tokens or 1.0)
    alone = (1 - both**2) ** 0.5
    api, corners = api_band(scenario), _corners(scenario)
    found: set[tuple[Decimal | None, Decimal, Decimal]] = set()
    for along, across in _ANGLES:
        factor = Decimal(repr(max(0.0, 1 + rate * along)))
        moved = Decimal(repr(max(0.0, 1 + price * (both * along + alone * across))))
        for low, gpu in corners:
            usd = None if middle is None else middle * moved * (api.low if low else api.high)
            found.add((usd, factor, gpu))
    ends = Band(*(Decimal(repr(max(0.0, 1 + rate * side))) for side in (-1, 0, 1)))
    steps = _steps(scenario, load, ends)
    return found | {(middle, step, gpu) for (_, gpu), step in product(corners, steps)}
