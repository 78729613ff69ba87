"""What a redraw decides on is computed once, and read by every view."""

import pytest

from benchmarks.verdict_walk import situation, walked
from console.tui.views.screen import main_view


@pytest.mark.parametrize(
    "name",
    [
        "decide_all",
        "watched_profile",
        "live_demand",
        "demand_between",
        "host_scenario",
        "ranked",
        "carried",
        "now_verdict",
        "advise",
        "rental_of",
        "tariff_of",
    ],
)
def test_a_redraw_computes_each_part_once(name: str) -> None:
    session, context = situation()
    walk = walked(lambda: main_view(session, context), frozenset())
    assert sum(times for (_, called), times in walk.calls.items() if called == name) == 1
