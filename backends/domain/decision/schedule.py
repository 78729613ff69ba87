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
from operator import gt, itemgetter

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
from backends.domain.traffic.shape import Load, Shares

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
    _, why_not = replicas_for(scenario, load)
    layers = _layers(load, capacity, usable)
    alone = [_alone(load, layer, terms) for layer in layers]
    fixed = fixed_usd_per_hour(scenario)
    reserved = contract != "on_demand"
    if usable == count and _comes_and_goes(alone, load):
        mixed = reserved and any(not gpu.scheduled for gpu in alone)
        name = "reserved_and_on_demand" if mixed else "scheduled"
        usd = sum(gpu.usd_per_hour for gpu in alone)
        yield Option(name, Decimal(repr(usd)) + fixed, count, why_not)
    if terms.request_usd_hour is None:
        return
    beside = [each for layer in layers if (each := _beside_api(load, layer, terms)) is not None]
    left = float(load.mean_rps) - sum(gpu.carries_rps for gpu in beside)
    if beside and any(gpu.scheduled for gpu in beside) and left > 1e-9 * float(load.mean_rps):
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
    """Return whether a schedule does what no other option does already."""
    active = sum(1 for _, rate in load.cells if rate > 0)
    return any(gpu.scheduled for gpu in gpus) and active > 1


def _within(scenario: Scenario, count: int) -> int:
    most = scenario.max_replicas
    return count if most is None else min(count, int(most))


@by_identity
def _layers(load: Load, capacity_rps: Decimal, count: int) -> tuple[tuple[float, ...], ...]:
    """Return what each GPU carries in each cell, in req/s; the busiest cells come first."""
    times, capacity = float(load.times), float(capacity_rps)
    factors, shares, volumes = _above(load.bursts)
    peak, mean = -factors[0], volumes[-1]
    rows = []
    for _, rate in _floats(load.cells):
        scale = rate * times
        row, left = [], scale * mean
        for nth in range(1, count + 1):
            level = nth * capacity
            if scale * peak <= level:
                row += [left, *[0.0] * (count - nth)]
                break
            at = bisect_left(factors, -level / scale)
            over = scale * volumes[at] - level * shares[at]
            row.append(left - over)
            left = over
        rows.append(row)
    return tuple(zip(*rows, strict=True))


@by_identity
def _above(bursts: Shares) -> tuple[list[float], list[float], list[float]]:
    """Return factors, negated and the highest first, with sums of shares and volumes above each."""
    pairs = sorted(_floats(bursts), key=itemgetter(1), reverse=True)
    shares = accumulate((share for share, _ in pairs), initial=0.0)
    volumes = accumulate((share * factor for share, factor in pairs), initial=0.0)
    return [-factor for _, factor in pairs], list(shares), list(volumes)


@by_identity
def _floats(shares: Shares) -> tuple[tuple[float, float], ...]:
    return tuple((float(share), float(value)) for share, value in shares)


def _alone(load: Load, layer: Sequence[float], terms: _Terms) -> _Gpu:
    """Return the cheaper way of a GPU that must run whenever it carries anything."""
    needed = [carried > 0 for carried in layer]
    on = _on_hours(load, [0.0 if each else -terms.by_hour_usd for each in needed], terms, needed)
    usd = _billed_usd(load, on, terms)
    if usd < terms.always_usd and not all(on):
        return _Gpu(usd, scheduled=True, carries_rps=0.0)
    return _Gpu(terms.always_usd, scheduled=False, carries_rps=0.0)


def _beside_api(load: Load, layer: Sequence[float], terms: _Terms) -> _Gpu | None:
    """Return the cheaper way of a GPU beside an API; None where the API is cheaper for it all."""
    price = terms.request_usd_hour or 0.0
    on = _on_hours(load, [carried * price - terms.by_hour_usd for carried in layer], terms, None)
    mean = _mean(load, layer, [True] * (len(load.order) or len(layer)))
    ways = [
        (0.0, None),
        (
            terms.always_usd - mean * price,
            _Gpu(terms.always_usd, scheduled=False, carries_rps=mean),
        ),
    ]
    if any(on) and not all(on):
        usd, part = _billed_usd(load, on, terms), _mean(load, layer, on)
        ways.append((usd - part * price, _Gpu(usd, scheduled=True, carries_rps=part)))
    return min(ways, key=lambda way: way[0])[1]


def _on_hours(
    load: Load, gains: Sequence[float], terms: _Terms, needed: Sequence[bool] | None
) -> list[bool]:
    """Return in which hours a GPU runs so that gains less starts are the highest.

    Hours that pay are never split, and the hours between them are bridged as a whole or not at
    all: exact over these runs of a day or week that repeats. Where only shares are known, it runs
    in each cell that pays.

    Args:
        load: its order of hours, and its cells in order of their rates.
        gains: of an hour in each cell.
        terms: what a start costs.
        needed: cells in which it must run; None for those that pay.
    """
    pays = [gain > 0 for gain in gains] if needed is None else list(needed)
    if not load.order:
        return pays
    busy = pays.count(True)
    if busy in {0, len(pays)}:
        return [bool(busy)] * len(load.order)
    first, runs = _runs(load.order, busy)
    start = terms.by_hour_usd * terms.start_s / HOUR_S
    on = _best_runs([sum(map(gains.__getitem__, run)) for run in runs], start, needed is not None)
    hours = [each for run, each in zip(runs, on, strict=True) for _ in run]
    return hours[len(hours) - first :] + hours[: len(hours) - first]


@lru_cache(maxsize=256)
def _runs(order: tuple[int, ...], busy: int) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """Return the hour at which a first busy run begins, and from there all runs, busy and not."""
    first = next(at for at, cell in enumerate(order) if cell < busy <= order[at - 1])
    turned = order[first:] + order[:first]
    return first, tuple(tuple(run) for _, run in groupby(turned, lambda cell: cell < busy))


def _best_runs(gains: Sequence[float], start: float, forced: bool) -> list[bool]:
    """Return which runs are on, the busy ones at even places, so that gains less starts are most.

    Args:
        gains: of each run as a whole.
        start: what each stretch that is on costs at its beginning.
        forced: busy runs must be on.
    """
    found: list[tuple[float, list[bool]]] = []
    for last in (False, True):
        on, off = (0.0, -inf) if last else (-inf, 0.0)
        stays: list[tuple[bool, bool]] = []
        for place, gain in enumerate(gains):
            stays.append((on >= off - start, on > off))
            must = forced and place % 2 == 0
            on, off = gain + max(on, off - start), -inf if must else max(on, off)
        state, path = last, []
        for was_on in reversed(stays):
            path.append(state)
            state = was_on[0] if state else was_on[1]
        found.append((on if last else off, path[::-1]))
    return max(found, key=lambda each: each[0])[1]


def _billed_usd(load: Load, on: Sequence[bool], terms: _Terms) -> float:
    """Return what a GPU costs an hour that runs in some hours: these, and each start."""
    if load.order:
        hours = len(on)
        starts: int = sum(map(gt, on, (on[-1], *on)))
        share, starts_a_day = sum(on) / hours, starts * 24 / hours
    else:
        share = sum(part for (part, _), each in zip(_floats(load.cells), on, strict=True) if each)
        starts_a_day = float(load.starts_per_day)
    if not starts_a_day:
        return terms.by_hour_usd
    rental_s = max(terms.least_s, share * DAY_S / starts_a_day + terms.start_s)
    return terms.by_hour_usd * min(1.0, rental_s * starts_a_day / DAY_S)


def _mean(load: Load, layer: Sequence[float], on: Sequence[bool]) -> float:
    if load.order:
        return sum(map(layer.__getitem__, compress(load.order, on))) / len(on)
    cells = zip(_floats(load.cells), layer, on, strict=True)
    return sum(share * carried for (share, _), carried, each in cells if each)
