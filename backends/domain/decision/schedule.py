"""GPUs that come and go by the hour, over those that always run, with or without an API.

Of n GPUs the first carries the most, and each further one what the others leave. What a GPU saves
and costs is therefore its own, whatever is chosen for the others, and the best of all schedules is
the best for each.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate, compress, groupby
from math import inf
from operator import gt, itemgetter, mul, neg, sub

from backends.domain.decision.exclusion import Exclusion
from backends.domain.decision.option import (
    Option,
    Point,
    fixed_usd_per_hour,
    gpu_prices,
    replicas_for,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.bins import by_identity
from backends.domain.traffic.shape import HOURS, Load, Shares, floats

MOST_GPUS = 64
"""More of them are hardly rented one by one."""


@dataclass(frozen=True, slots=True)
class _Gpu:
    """One GPU: what it costs an hour, whether it comes and goes, and what it carries."""

    usd_per_hour: float
    scheduled: bool
    carries_rps: float


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a schedule is made of.

    Attributes:
        always_usd: one GPU under the cheapest contract, an hour.
        by_hour_usd: one on demand, an hour.
        start_s: what each rental adds to its hours: the start and the idle timeout, rounded up.
        least_s: the least that is billed of a rental.
        request_usd_hour: the API's price of one request a second for an hour; None without one.
    """

    always_usd: float
    by_hour_usd: float
    start_s: float
    least_s: float
    request_usd_hour: float | None


def scheduled(scenario: Scenario, point: Point, api_slo: Exclusion | None) -> Iterator[Option]:
    """Yield GPUs by schedule alone, and with the API for what exceeds them.

    Only where the rate changes over the day or the week, and the length of a start is known.
    """
    capacity, start_s = scenario.capacity_rps, scenario.cold_start_s
    if scenario.gpu_usd_per_hour is None or capacity is None or start_s is None:
        return
    load, prices = point.load, dict(gpu_prices(scenario, point))
    count = load.replicas(capacity)
    if len(load.cells) < 2 or count > MOST_GPUS or not (load.starts_per_day or load.order):
        return
    contract = min(prices, key=lambda name: prices[name])
    terms = _terms(scenario, point, prices[contract], prices["on_demand"], start_s)
    usable = _within(scenario, count)
    fixed = fixed_usd_per_hour(scenario)
    reserved = contract != "on_demand"
    alone = _alone(load, capacity, usable, terms)
    if usable == count and _comes_and_goes(alone, load):
        mixed = reserved and any(not gpu.scheduled for gpu in alone)
        name = "reserved_and_on_demand" if mixed else "scheduled"
        usd = sum(gpu.usd_per_hour for gpu in alone)
        _, why_not = replicas_for(scenario, load)
        yield Option(name, Decimal(repr(usd)) + fixed, count, why_not)
    if terms.request_usd_hour is None:
        return
    beside = _beside_api(load, capacity, usable, terms)
    left = float(load.mean_rps) - sum(gpu.carries_rps for gpu in beside)
    if any(gpu.scheduled for gpu in beside) and left > 1e-9 * float(load.mean_rps):
        usd = sum(gpu.usd_per_hour for gpu in beside) + left * terms.request_usd_hour
        _, slow = replicas_for(scenario, load, overflows=True)
        yield Option("scheduled_hybrid", Decimal(repr(usd)) + fixed, len(beside), slow or api_slo)


def _terms(
    scenario: Scenario, point: Point, always_usd: Decimal, by_hour_usd: Decimal, start_s: Decimal
) -> _Terms:
    step = scenario.granularity_s or Decimal(1)
    extra_s = start_s + (scenario.idle_timeout_s or 0)
    return _Terms(
        float(always_usd),
        float(by_hour_usd),
        float(-(-extra_s // step) * step),
        float(scenario.minimum_charge_s or 0),
        None if point.usd_per_request is None else float(point.usd_per_request) * HOUR_S,
    )


def _comes_and_goes(gpus: Sequence[_Gpu], load: Load) -> bool:
    """Return whether a schedule does what no other option does already: more than one rate."""
    _, second_rps = load.cells[1]
    return any(gpu.scheduled for gpu in gpus) and second_rps > 0


def _within(scenario: Scenario, count: int) -> int:
    most = scenario.max_replicas
    return count if most is None else min(count, int(most))


def _layers(load: Load, capacity_rps: Decimal, count: int) -> Iterator[list[float]]:
    """Yield what each GPU carries in each cell, in req/s; the busiest cells come first."""
    times, capacity = float(load.times), float(capacity_rps)
    factors, shares, volumes = _above(load.bursts)
    scales = [rate * times for _, rate in floats(load.cells)]
    left = [scale * volumes[-1] for scale in scales]
    for nth in range(1, count + 1):
        level = nth * capacity
        over = [0.0] * len(scales)
        for cell, scale in enumerate(scales):
            if -scale * factors[0] <= level:
                break
            at = bisect_left(factors, -level / scale)
            over[cell] = scale * volumes[at] - level * shares[at]
        yield list(map(sub, left, over))
        left = over


@by_identity
def _above(bursts: Shares) -> tuple[list[float], list[float], list[float]]:
    """Return factors, negated and the highest first, with sums of shares and volumes above each."""
    pairs = sorted(floats(bursts), key=itemgetter(1), reverse=True)
    shares = accumulate((share for share, _ in pairs), initial=0.0)
    volumes = accumulate((share * factor for share, factor in pairs), initial=0.0)
    return [-factor for _, factor in pairs], list(shares), list(volumes)


def _alone(load: Load, capacity_rps: Decimal, count: int, terms: _Terms) -> list[_Gpu]:
    """Return the cheaper way of each GPU that must run whenever it carries anything."""
    cells, capacity = floats(load.cells), float(capacity_rps)
    peak = -_above(load.bursts)[0][0] * float(load.times)
    found = []
    for below in range(count):
        busy = bisect_left(cells, -below * capacity / peak, key=_slower) if peak else 0
        usd = _billed_usd(*_needed(load, busy, terms.start_s), terms)
        scheduled = busy < len(cells) and usd < terms.always_usd
        found.append(_Gpu(usd if scheduled else terms.always_usd, scheduled, 0.0))
    return found


def _slower(cell: tuple[float, float]) -> float:
    return -cell[1]


def _needed(load: Load, busy: int, start_s: float) -> tuple[float, float]:
    """Return for which share of the time a GPU runs in the busiest cells, and its starts a day."""
    if load.order:
        return _needed_hours(load.order, busy, start_s)
    return sum(share for share, _ in floats(load.cells)[:busy]), float(load.starts_per_day)


@lru_cache(maxsize=256)
def _needed_hours(order: tuple[int, ...], busy: int, start_s: float) -> tuple[float, float]:
    """Return the same by the hour; what is idle for less than a start is bridged."""
    if busy in {0, max(order) + 1}:
        return float(bool(busy)), 0.0
    idle = [len(run) for run in _runs(order, busy)[1::2] if len(run) * HOUR_S > start_s]
    hours = len(order)
    return (hours - sum(idle)) / hours, len(idle) * HOURS / hours


def _beside_api(load: Load, capacity_rps: Decimal, count: int, terms: _Terms) -> list[_Gpu]:
    """Return the cheaper way of each GPU that pays beside an API.

    In no hour a GPU carries more than the one before it: behind one that does not pay none does.
    """
    price, found = terms.request_usd_hour or 0.0, []
    shares = [share for share, _ in floats(load.cells)]
    for layer in _layers(load, capacity_rps, count):
        mean = sum(map(mul, shares, layer))
        always = _Gpu(terms.always_usd, scheduled=False, carries_rps=mean)
        ways = [(0.0, None), (terms.always_usd - mean * price, always)]
        share, starts_a_day, part = _paying(load, layer, price, terms)
        if 0 < share < 1:
            usd = _billed_usd(share, starts_a_day, terms)
            ways.append((usd - part * price, _Gpu(usd, scheduled=True, carries_rps=part)))
        best = min(ways, key=itemgetter(0))[1]
        if best is None:
            break
        found.append(best)
    return found


def _paying(
    load: Load, layer: Sequence[float], price: float, terms: _Terms
) -> tuple[float, float, float]:
    """Return for which share of the time a GPU runs so that gains less starts are the highest.

    With it, how often a day it starts, and what it carries then, in req/s over all hours. Hours
    that pay are never split, and the hours between them are bridged as a whole or not at all: exact
    over these runs of a day or week that repeats. Where only shares are known, it runs in each cell
    that pays.

    Args:
        load: its order of hours, and its cells in order of their rates.
        layer: what the GPU may carry in each cell, in req/s.
        price: of one request a second for an hour, at the API.
        terms: what a start costs.
    """
    busy = bisect_left(layer, -terms.by_hour_usd / price, key=neg) if price else 0
    if busy in {0, len(layer)}:
        return float(bool(busy)), 0.0, 0.0
    if not load.order:
        cells = floats(load.cells)[:busy]
        share = sum(share for share, _ in cells)
        carried = sum(share * each for (share, _), each in zip(cells, layer, strict=False))
        return share, float(load.starts_per_day), carried
    runs = _runs(load.order, busy)
    carries = [sum(map(layer.__getitem__, run)) for run in runs]
    lengths = list(map(len, runs))
    gains = [
        carried * price - hours * terms.by_hour_usd
        for carried, hours in zip(carries, lengths, strict=True)
    ]
    on = _best_runs(gains, terms.by_hour_usd * terms.start_s / HOUR_S)
    hours = len(load.order)
    starts: int = sum(map(gt, on, (on[-1], *on)))
    return (
        sum(compress(lengths, on)) / hours,
        starts * HOURS / hours,
        sum(compress(carries, on)) / hours,
    )


@lru_cache(maxsize=256)
def _runs(order: tuple[int, ...], busy: int) -> tuple[tuple[int, ...], ...]:
    """Return the cells of all runs of hours, busy and not in turn, a first busy one first."""
    first = next(at for at, cell in enumerate(order) if cell < busy <= order[at - 1])
    turned = order[first:] + order[:first]
    return tuple(tuple(run) for _, run in groupby(turned, lambda cell: cell < busy))


def _best_runs(gains: Sequence[float], start: float) -> list[bool]:
    """Return which runs are on so that gains less starts are most.

    Args:
        gains: of each run as a whole.
        start: what each stretch that is on costs at its beginning.
    """
    found: list[tuple[float, list[bool]]] = []
    for last in (False, True):
        on, off = (0.0, -inf) if last else (-inf, 0.0)
        stays: list[tuple[bool, bool]] = []
        for gain in gains:
            begun = off - start
            stays.append((on >= begun, on > off))
            on, off = gain + max(on, begun), max(on, off)
        state, path = last, []
        for was_on in reversed(stays):
            path.append(state)
            state = was_on[0] if state else was_on[1]
        found.append((on if last else off, path[::-1]))
    return max(found, key=itemgetter(0))[1]


def _billed_usd(share: float, starts_a_day: float, terms: _Terms) -> float:
    """Return what a GPU costs an hour that runs for a share of the time: that, and each start."""
    if not starts_a_day:
        return terms.by_hour_usd
    rental_s = max(terms.least_s, share * DAY_S / starts_a_day + terms.start_s)
    return terms.by_hour_usd * min(1.0, rental_s * starts_a_day / DAY_S)
