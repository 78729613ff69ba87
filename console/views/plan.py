"""The views of the cost screen: both lines of cost over load, and the options ranked."""

import math
from decimal import Decimal

from backends.domain.money.feasibility import usable_capacity_rps
from backends.domain.money.request_cost import gpu_usd_per_hour, usd_per_request
from backends.domain.money.scenario import Scenario
from backends.domain.money.sentences import name_of
from backends.domain.money.verdict import Verdict
from console.views.axis import finite, span
from widgets.cost_chart import CostChartView, CostPoint
from widgets.options_bars import OptionBar, OptionsView

POINTS = 48
BEYOND = Decimal("1.6")
"""How far past the last mark the chart goes."""


def chart_view(scenario: Scenario, verdict: Verdict) -> CostChartView:
    """Return what an hour costs at every load, on a GPU of one's own and at the API."""
    gpu, request = gpu_usd_per_hour(scenario), usd_per_request(scenario)
    at, capacity = verdict.crossover, usable_capacity_rps(scenario)
    if gpu is None or request is None:
        return CostChartView(reason=verdict.reason)
    marks = [
        mark
        for mark in (scenario.rate_rps, at.break_even_rps, capacity)
        if mark and mark.is_finite()
    ]
    top = max(marks, default=Decimal(1)) * BEYOND
    loads = [top * step / POINTS for step in range(POINTS + 1)]
    return CostChartView(
        self_hosted=tuple(_self_hosted(load, gpu, capacity) for load in loads),
        serverless=tuple((float(load), load * request * 3600) for load in loads),
        now_rps=finite(scenario.rate_rps),
        break_even_rps=finite(at.break_even_rps),
        break_even_interval_rps=span(at.interval),
        capacity_rps=finite(capacity),
    )


def options_view(verdict: Verdict) -> OptionsView:
    """Return the options, the cheapest possible one first."""
    return OptionsView(
        tuple(
            OptionBar(
                name=name_of(option),
                usd_per_month=(
                    None
                    if option.usd_per_hour is None
                    else option.usd_per_hour * verdict.hours_per_month
                ),
                replicas=option.replicas,
                excluded_because=option.excluded_because,
                current=option.name == "on_demand",
            )
            for option in verdict.options
        ),
        reason=verdict.reason,
    )


def _self_hosted(load: Decimal, gpu: Decimal, capacity: Decimal | None) -> CostPoint:
    replicas = math.ceil(load / capacity) if capacity else 1
    return float(load), gpu * max(1, replicas)
