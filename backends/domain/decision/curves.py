"""What an hour costs at every load: two curves, and the loads that are marked on them."""

import math
from dataclasses import dataclass
from decimal import Decimal

from backends.domain.decision.answer import Verdict
from backends.domain.decision.break_even import usable_capacity_rps
from backends.domain.decision.option import (
    fixed_usd_per_hour,
    gpu_usd_per_hour,
    usd_per_request,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import Band, load_band, load_of
from backends.domain.decision.wording import reason

POINTS = 48
BEYOND = Decimal("1.6")
"""How far past the last mark the curves go."""

CostPoint = tuple[float, Decimal]
"""Requests per second, and US dollars an hour at that load."""


@dataclass(frozen=True, slots=True)
class CostCurves:
    """Cost over load, self-hosted and at the API; without points where a price is unknown.

    Attributes:
        self_hosted: points in order of load; a staircase where replicas are added, and no point
            beyond what the allowed replicas carry.
        serverless: points of the API in order of load.
        now_rps: today's load, `now_interval_rps` what it may be; None where it is unknown.
        break_even_rps: where the curves cross, `break_even_interval_rps` what it may be; None
            where they do not cross at a finite load.
        capacity_rps: the load that the allowed replicas carry; of one where no number is given.
        reason: why there are no points; empty where there are.
    """

    self_hosted: tuple[CostPoint, ...] = ()
    serverless: tuple[CostPoint, ...] = ()
    now_rps: float | None = None
    now_interval_rps: tuple[float, float] | None = None
    break_even_rps: float | None = None
    break_even_interval_rps: tuple[float, float] | None = None
    capacity_rps: float | None = None
    reason: str = ""


def cost_curves(scenario: Scenario, verdict: Verdict) -> CostCurves:
    """Return what an hour costs at every load; `verdict` is that of the scenario.

    Self-hosted is the GPU price of as many replicas as the load needs plus the fixed costs,
    serverless the price of a request times the requests of an hour.
    """
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    if gpu is None or request is None:
        return CostCurves(reason=reason(verdict))
    at, capacity, load = verdict.crossover, usable_capacity_rps(scenario), load_of(scenario)
    now = None if load is None else load.mean_rps
    most = None if capacity is None else capacity * (scenario.max_replicas or 1)
    marks = [mark for mark in (now, at.break_even_rps, most) if mark and mark.is_finite()]
    top = max(marks, default=Decimal(1)) * BEYOND
    loads = [top * step / POINTS for step in range(POINTS + 1)]
    fixed = fixed_usd_per_hour(scenario)
    last = None if scenario.max_replicas is None else most
    return CostCurves(
        self_hosted=tuple(
            (float(rps), gpu * _replicas(rps, capacity) + fixed)
            for rps in loads
            if last is None or rps <= last
        ),
        serverless=tuple((float(rps), rps * request * 3600) for rps in loads),
        now_rps=finite(now),
        now_interval_rps=_now_interval(scenario, now),
        break_even_rps=finite(at.break_even_rps),
        break_even_interval_rps=span(at.interval),
        capacity_rps=finite(most),
    )


def finite(value: Decimal | None) -> float | None:
    """Return a figure as a number that can be drawn; unknown and infinite are None."""
    return None if value is None or not value.is_finite() else float(value)


def span(band: Band | None) -> tuple[float, float] | None:
    """Return an interval that can be drawn; few requests leave one without an end: None."""
    if band is None or not (band.low.is_finite() and band.high.is_finite()):
        return None
    return float(band.low), float(band.high)


def _replicas(rps: Decimal, capacity_rps: Decimal | None) -> int:
    return max(1, math.ceil(rps / capacity_rps)) if capacity_rps else 1


def _now_interval(scenario: Scenario, now: Decimal | None) -> tuple[float, float] | None:
    band = load_band(scenario)
    if now is None or band.certain:
        return None
    return float(now * band.low), float(now * band.high)
