"""What a redraw decides on is computed once, and read by every view."""

import pytest

from benchmarks.verdict_walk import situation, walked
from console.tui.views.screen import main_view


@pytest.mark.parametrize(
    "function",
    [
        "backends.operations.decision.decide_all",
        "backends.operations.scenario.watched_profile",
        "backends.operations.scenario.live_demand",
        "backends.operations.scenario.host_scenario",
        "backends.domain.traffic.demand.demand_between",
        "backends.operations.pricing.ranked",
        "backends.operations.capacity.carried",
        "backends.domain.decision.routing.now_verdict",
        "backends.domain.decision.hysteresis.advise",
        "backends.operations.rental.rental_of",
        "backends.operations.rental.tariff_of",
    ],
)
def test_a_redraw_computes_each_part_once(function: str) -> None:
    session, context = situation()
    walk = walked(lambda: main_view(session, context), frozenset())
    module, _, name = function.rpartition(".")
    assert walk.calls[module, name] == 1
