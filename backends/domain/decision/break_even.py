"""Whether a GPU can carry at all the rate from which it would be cheaper."""

from dataclasses import dataclass
from decimal import Decimal

from backends.domain.decision.option import (
    break_even_rps,
    cheapest_gpu_usd_per_hour,
    fixed_usd_per_hour,
    gpu_usd_per_hour,
    tokens_of,
    usd_per_request,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import Band, break_even_band, load_of
from backends.domain.durations import HOUR_S
from backends.domain.traffic.shape import HOURS, ceiling

SEGMENTS = 3
_HALVINGS = 60
_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Segment:
    """The mean rates at which this many GPUs, and nothing else, beat the API alone.

    Attributes:
        from_rps: below it the API alone is cheaper.
        cheapest_from_rps: below it a hybrid of one GPU less is cheaper still.
        to_rps: the most that the GPUs carry at this shape of traffic.
    """

    replicas: int
    from_rps: Decimal
    cheapest_from_rps: Decimal
    to_rps: Decimal


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where one GPU costs what the API costs, and whether it can carry that.

    Attributes:
        break_even_rps: for one GPU with everything that hosting costs; mean over all hours.
        interval: where it may lie; None where nothing uncertain was given.
        utilisation: break-even rate over measured capacity; above one there is no crossover.
        output_tokens_per_s: the same rate in output tokens, which hardly depends on their number.
        feasible: whether some number of GPUs beats the API; None without a measured capacity.
        hours_per_day: busy hours from which an always-on GPU beats what is billed by use: the GPU
            billed by the second where it has a price, else the API at `rate_rps`. Above 24 no day
            is long enough.
    """

    break_even_rps: Decimal | None = None
    interval: Band | None = None
    utilisation: Decimal | None = None
    output_tokens_per_s: Decimal | None = None
    feasible: bool | None = None
    hours_per_day: Decimal | None = None
    segments: tuple[Segment, ...] = ()


def crossover(scenario: Scenario) -> Crossover:
    """Return the crossover of one scenario; None in it for what cannot be told."""
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    share = serverless_break_even(scenario)
    hours = hours_at_rate(scenario) if share is None else share * HOURS
    if gpu is None or request is None:
        fits = None if share is None else share <= 1
        return Crossover(utilisation=share, feasible=fits, hours_per_day=hours)
    rate = break_even_rps(gpu + fixed_usd_per_hour(scenario), request)
    tokens = tokens_of(scenario)
    if rate is None:
        return Crossover(feasible=False, hours_per_day=hours)
    capacity = scenario.capacity_rps
    band = break_even_band(gpu + fixed_usd_per_hour(scenario), scenario)
    return Crossover(
        rate,
        None if band is None or band.certain else band,
        None if capacity is None else rate / capacity,
        None if tokens is None else rate * tokens[1],
        None if capacity is None else _pays_off(scenario, request, capacity),
        hours,
        segments(scenario),
    )


def usable_capacity_rps(scenario: Scenario) -> Decimal | None:
    """Return the mean rate that one GPU carries without failing the peak; None if not measured."""
    if scenario.capacity_rps is None:
        return None
    load = load_of(scenario)
    if load is None or load.mean_rps == 0:
        return scenario.capacity_rps / (scenario.peak_over_average or 1)
    return scenario.capacity_rps * load.mean_rps / load.peak_rps


def never_crosses(scenario: Scenario) -> bool:
    """Return whether even the lowest break-even rate is beyond what one GPU carries.

    Costs are linear in the number of GPUs, so more of them do not help either.
    """
    gpu, capacity = cheapest_gpu_usd_per_hour(scenario), scenario.capacity_rps
    if gpu is None or capacity is None:
        return False
    if usd_per_request(scenario) == 0:
        return gpu > 0
    band = break_even_band(gpu, scenario)
    return band is not None and band.low > capacity


def needed_capacity_rps(scenario: Scenario) -> Decimal | None:
    """Return what one GPU must carry before it pays off under this load, or under any."""
    gpu, request = cheapest_gpu_usd_per_hour(scenario), usd_per_request(scenario)
    if gpu is None or not request:
        return None
    even, load = _marginal(gpu, request), load_of(scenario)
    if load is None or load.mean_rps <= even:
        return even
    low, high = even, load.peak_rps
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if load.between(_NONE, middle) >= even else (middle, high)
    return high


def segments(scenario: Scenario) -> tuple[Segment, ...]:
    """Return the first intervals of rates, and those up to the load, where GPUs alone beat it."""
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    capacity = usable_capacity_rps(scenario)
    if gpu is None or not request or capacity is None:
        return ()
    load = load_of(scenario)
    wanted = 0 if load is None or load.mean_rps == 0 else load.mean_rps / capacity
    fixed = break_even_rps(fixed_usd_per_hour(scenario), request) or _NONE
    each = _marginal(gpu, request)
    found = []
    for count in range(1, max(SEGMENTS, min(int(wanted) + 2, 64)) + 1):
        begin, end = count * each + fixed, count * capacity
        if begin < end:
            cheapest = begin if count == 1 else max(begin, (count - 1) * capacity + each)
            found.append(Segment(count, begin, cheapest, end))
    return tuple(found)


def serverless_break_even(scenario: Scenario) -> Decimal | None:
    """Return the busy share of time from which an always-on GPU beats one billed by the second."""
    gpu, rate = gpu_usd_per_hour(scenario), scenario.serverless_usd_per_second
    if gpu is None or not rate:
        return None
    return (gpu + fixed_usd_per_hour(scenario)) / (rate * HOUR_S)


def hours_at_rate(scenario: Scenario) -> Decimal | None:
    """Return the hours a day at `rate_rps` from which GPUs around the clock beat the API.

    ``24 n λ* / λ``, with the n replicas that the rate takes; None without a rate, or where hourly
    rates are given instead of hours.
    """
    gpu, request, rate = gpu_usd_per_hour(scenario), usd_per_request(scenario), scenario.rate_rps
    if gpu is None or not request or not rate or scenario.profile_rps is not None:
        return None
    peak = rate * (scenario.peak_over_average or 1)
    capacity = scenario.capacity_rps
    count = 1 if capacity is None else max(1, ceiling(peak / capacity))
    even = break_even_rps(gpu * count + fixed_usd_per_hour(scenario), request)
    return None if even is None else HOURS * even / rate


def _pays_off(scenario: Scenario, request: Decimal, capacity_rps: Decimal) -> bool:
    gpu = cheapest_gpu_usd_per_hour(scenario)
    return gpu is not None and _marginal(gpu, request) <= capacity_rps


def _marginal(gpu: Decimal, request: Decimal) -> Decimal:
    return break_even_rps(gpu, request) or _NONE
