"""Dollars, and what is held against them, are of the same time and the same users."""

from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.billing.meter import MeterState, Tariff, read_meter
from backends.domain.traffic.totals import TokenTotals
from backends.operations.rental import why_unlike
from tests.widgets.money_samples import METER
from widgets.cost_panel import CostView, draw

HOUR_S = 3600.0
SERVED = TokenTotals(requests=100.0, input_tokens=9_000.0, output_tokens=91_000.0)


def unlike(unwatched_s: float, totals: TokenTotals = SERVED) -> str:
    spent = MeterState("given", 0.0, HOUR_S, HOUR_S - unwatched_s, unwatched_s=unwatched_s)
    return why_unlike(read_meter(spent, Tariff(Decimal("1.88"))), totals)


@pytest.mark.parametrize(("unwatched_s", "is_said"), [(0.0, False), (180.0, False), (181.0, True)])
def test_time_that_nobody_saw_is_too_much_from_a_twentieth_on(
    unwatched_s: float, is_said: bool
) -> None:
    assert unlike(unwatched_s).startswith("much of the billed time") is is_said


@pytest.mark.parametrize(("own", "is_said"), [(5_000.0, False), (5_300.0, True)])
def test_own_tests_are_too_much_from_a_twentieth_of_the_tokens_on(
    own: float, is_said: bool
) -> None:
    assert ("own tests" in unlike(0.0, replace(SERVED, own_output_tokens=own))) is is_said


def test_an_api_is_held_against_this_gpu_only_where_both_are_of_one_time() -> None:
    def drawn(of: CostView) -> str:
        return "\n".join(each.plain for each in draw(of, 120, 10))

    assert "x as much" in drawn(METER)
    assert "x as much" not in drawn(replace(METER, unlike=True))
