"""A GPU billed by the second, which ends when idle or is kept warm."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil, exp, expm1

from backends.domain.decision.exclusion import (
    ColdStarts,
    Exclusion,
    TooFewWarm,
    over_limit,
    unpriced,
)
from backends.domain.decision.option import Option, Point, replicas_for
from backends.domain.decision.scenario import Scenario
from backends.domain.durations import DAY_S, HOUR_S
from backends.domain.traffic.shape import HOURS, Load, floats

_NEVER_IDLE = 700.0
"""Beyond this exponent the chance of an idle gap is below 1e-300."""


@dataclass(frozen=True, slots=True)
class ScaleToZero:
    """What a scale-to-zero replica does in the long run.

    Attributes:
        billed_share: share of all time that is billed: cold starts, requests and idle timeouts.
        cold_starts_per_s: how many cold starts there are each second.
        delayed_share: share of requests that wait for a cold start, wholly or in part.
    """

    billed_share: float
    cold_starts_per_s: float
    delayed_share: float


def scale_to_zero(
    rate_rps: float, service_s: float, idle_timeout_s: float, cold_start_s: float
) -> ScaleToZero:
    """Return the long-run shares of one replica under Poisson traffic."""
    if rate_rps == 0:
        return ScaleToZero(0.0, 0.0, 0.0)
    exponent = rate_rps * (service_s + idle_timeout_s)
    if exponent > _NEVER_IDLE:
        return ScaleToZero(1.0, 0.0, 0.0)
    waiting = rate_rps * cold_start_s
    gap = 1 / (exp(exponent) + waiting)
    billed = min(1.0, (expm1(exponent) + waiting) * gap)
    return ScaleToZero(billed, rate_rps * gap, (1 + waiting) * gap)


P99_SHARE = Decimal("0.01")
"""Delays that more requests than this share meet are in the 99th percentile."""


def serverless(scenario: Scenario, point: Point) -> list[Option]:
    """Return the GPU billed by the second: scaled to zero, and kept warm if that is asked for."""
    rate = scenario.serverless_usd_per_second
    if rate is None:
        return []
    if scenario.service_s is None:
        return [_serverless_by_hours(scenario, point, rate)]
    cold, timeout = scenario.cold_start_s, scenario.idle_timeout_s
    if cold is None or timeout is None:
        missing = "cold_start_s" if cold is None else "idle_timeout_s"
        return [Option("serverless_gpu", None, None, unpriced(missing))]
    count, why_not = _replicas(scenario, point.load)
    lasts_s = float(scenario.service_s), float(timeout), float(cold)
    billed, delayed, requests = 0.0, 0.0, float(point.load.mean_rps)
    for share, level, each in _levels(scenario, point.load):
        run = scale_to_zero(level / each, *lasts_s)
        billed += share * run.billed_share * each
        delayed += share * level * run.delayed_share
    late = Decimal(repr(delayed / requests)) if requests else Decimal(0)
    zero = Option(
        "serverless_gpu",
        rate * HOUR_S * Decimal(repr(billed)),
        count,
        why_not or _cold_slo(scenario, late, cold),
    )
    return [zero, *_kept_warm(scenario, point, rate)]


def _replicas(scenario: Scenario, load: Load) -> tuple[int, Exclusion | None]:
    """Return how many replicas hold the peak: one where even one request at a time does."""
    service_s = scenario.service_s
    if scenario.capacity_rps is None and service_s and load.peak_rps * service_s <= 1:
        scenario = replace(scenario, capacity_rps=1 / service_s)
    return replicas_for(scenario, load)


def _levels(scenario: Scenario, load: Load) -> Iterator[tuple[float, float, int]]:
    """Yield share of time, rate, and the replicas that hold it, of all that is above zero.

    One replica where their capacity is not known.
    """
    times, capacity = float(load.times), float(scenario.capacity_rps or "inf")
    for share, rate in floats(load.cells):
        for part, factor in floats(load.bursts):
            if level := rate * factor * times:
                # A level that is a whole number of capacities, but for its last digit, takes these.
                yield share * part, level, max(1, ceil(level / capacity * (1 - 1e-12)))


def _cold_slo(scenario: Scenario, delayed: Decimal, cold_start_s: Decimal) -> Exclusion | None:
    limit = scenario.ttft_slo_s
    if limit is None or cold_start_s <= limit or delayed <= P99_SHARE:
        return None
    return over_limit(ColdStarts(delayed, cold_start_s, limit))


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
        why_not = over_limit(TooFewWarm(kept, count))
    busy, beyond, service_s = 0.0, 0.0, float(scenario.service_s)
    for share, level, each in _levels(scenario, point.load):
        busy += share * min(each, kept) * -expm1(-level / each * service_s)
        beyond += share * max(0, each - kept)
    on, more = Decimal(repr(busy)), Decimal(repr(beyond))
    # Between bursts nothing is busy, and the warm replicas still cost.
    cost = HOUR_S * (rate * (on + more) + warm * (kept - on))
    return [Option("serverless_gpu_kept_warm", cost, max(count, kept), why_not)]


def _serverless_by_hours(scenario: Scenario, point: Point, rate: Decimal) -> Option:
    """Return the cost where only busy hours are known: those hours and each start are billed."""
    if scenario.hours_per_day is None:
        return Option("serverless_gpu", None, None, unpriced("service_s"))
    count, why_not = replicas_for(scenario, point.load)
    each_s = (scenario.cold_start_s or 0) + (scenario.idle_timeout_s or 0)
    seconds = scenario.hours_per_day * HOUR_S + point.load.starts_per_day * each_s
    cost = rate * min(seconds, Decimal(DAY_S)) / HOURS * count
    return Option("serverless_gpu", cost, count, why_not)
