"""The views of the cost screen: both lines of cost over load, and the options ranked."""

from collections.abc import Sequence
from decimal import Decimal

from backends.domain.decision.answer import Verdict
from backends.domain.decision.curves import cost_curves
from backends.domain.decision.option import usd_per_request, with_api_prices
from backends.domain.decision.options import no_batch_in_time
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import load_of
from backends.domain.decision.wording import excluded_because, name_of, reason
from backends.operations.pricing import RankedEndpoint
from widgets.cost_chart import CostChartView
from widgets.options_bars import OptionBar, OptionsView


def chart_view(scenario: Scenario, verdict: Verdict) -> CostChartView:
    """Return what an hour costs at every load, on GPUs of one's own and at the API."""
    curves = cost_curves(scenario, verdict)
    return CostChartView(
        self_hosted=curves.self_hosted,
        serverless=curves.serverless,
        now_rps=curves.now_rps,
        now_interval_rps=curves.now_interval_rps,
        break_even_rps=curves.break_even_rps,
        break_even_interval_rps=curves.break_even_interval_rps,
        capacity_rps=curves.capacity_rps,
        reason=curves.reason,
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
            # One replica is rented: what the plan needs beyond it is not what runs today.
            current=option.name == "on_demand" and option.replicas == 1,
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
