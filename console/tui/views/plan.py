"""The views of the cost screen: both lines of cost over load, and the options ranked."""

import math
from collections.abc import Sequence
from decimal import Decimal

from backends.domain.decision.break_even import usable_capacity_rps
from backends.domain.decision.option import (
    fixed_usd_per_hour,
    gpu_usd_per_hour,
    usd_per_request,
    with_api_prices,
)
from backends.domain.decision.options import no_batch_in_time
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import load_band, load_of
from backends.domain.decision.verdict import Verdict
from backends.domain.decision.wording import excluded_because, name_of, reason
from backends.operations.pricing import RankedEndpoint
from console.tui.views.axis import finite, span
from widgets.cost_chart import CostChartView, CostPoint
from widgets.options_bars import OptionBar, OptionsView

POINTS = 48
BEYOND = Decimal("1.6")
"""How far past the last mark the chart goes."""


def chart_view(scenario: Scenario, verdict: Verdict) -> CostChartView:
    """Return what an hour costs at every load, on GPUs of one's own and at the API."""
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    at, capacity = verdict.crossover, usable_capacity_rps(scenario)
    if gpu is None or request is None:
        return CostChartView(reason=reason(verdict))
    load = load_of(scenario)
    now = None if load is None else load.mean_rps
    wall = _wall(scenario, capacity)
    marks = [mark for mark in (now, at.break_even_rps, wall) if mark and mark.is_finite()]
    top = max(marks, default=Decimal(1)) * BEYOND
    loads = [top * step / POINTS for step in range(POINTS + 1)]
    return CostChartView(
        self_hosted=tuple(
            _self_hosted(load, gpu, capacity, fixed_usd_per_hour(scenario))
            for load in loads
            if _carried(load, scenario, wall)
        ),
        serverless=tuple((float(load), load * request * 3600) for load in loads),
        now_rps=finite(now),
        now_interval_rps=_interval(scenario, now),
        break_even_rps=finite(at.break_even_rps),
        break_even_interval_rps=span(at.interval),
        capacity_rps=finite(wall),
    )


def options_view(
    verdict: Verdict, scenario: Scenario | None = None, ranked: Sequence[RankedEndpoint] = ()
) -> OptionsView:
    """Return the options, the cheapest possible one first; every endpoint is one of them."""
    first = ranked[0].endpoint.name if ranked else ""
    bars = [
        OptionBar(
            name=f"API: {first}" if option.name == "api" and first else name_of(option),
            usd_per_month=(
                None
                if option.usd_per_hour is None
                else option.usd_per_hour * verdict.hours_per_month
            ),
            replicas=option.replicas,
            excluded_because=excluded_because(option.exclusion, verdict.remedies),
            current=option.name == "on_demand",
        )
        for option in verdict.options
    ]
    if bars and scenario is not None:
        bars += _dearer(verdict, scenario, ranked)
    return OptionsView(
        tuple(sorted(bars, key=_rank)), reason=reason(verdict), decided=verdict.best is not None
    )


def _dearer(
    verdict: Verdict, scenario: Scenario, ranked: Sequence[RankedEndpoint]
) -> list[OptionBar]:
    """Return the endpoints that the cheapest one stands before, at the same load."""
    load, batched = load_of(scenario), no_batch_in_time(scenario)
    found = []
    for endpoint in ranked[1:]:
        each = usd_per_request(with_api_prices(scenario, endpoint.endpoint.prices))
        month = None
        if each is not None and load is not None:
            month = each * load.mean_rps * 3600 * verdict.hours_per_month
        why = excluded_because(endpoint.exclusion or batched, verdict.remedies)
        found.append(OptionBar(f"API: {endpoint.endpoint.name}", month, excluded_because=why))
    return found


def _rank(bar: OptionBar) -> tuple[bool, bool, Decimal]:
    cost = bar.usd_per_month
    return bool(bar.excluded_because), cost is None, Decimal(0) if cost is None else cost


def _wall(scenario: Scenario, capacity: Decimal | None) -> Decimal | None:
    """Return what all the GPUs carry that there may be; one where nobody limits them."""
    return None if capacity is None else capacity * (scenario.max_replicas or 1)


def _carried(load: Decimal, scenario: Scenario, wall: Decimal | None) -> bool:
    return scenario.max_replicas is None or wall is None or load <= wall


def _interval(scenario: Scenario, now: Decimal | None) -> tuple[float, float] | None:
    band = load_band(scenario)
    if now is None or band.certain:
        return None
    return float(now * band.low), float(now * band.high)


def _self_hosted(
    load: Decimal, gpu: Decimal, capacity: Decimal | None, fixed: Decimal
) -> CostPoint:
    replicas = math.ceil(load / capacity) if capacity else 1
    return float(load), gpu * max(1, replicas) + fixed
