"""The last figure on one side of each rule of an operation, and the first on the other."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.billing.meter import Tariff
from backends.domain.session import Session
from backends.domain.stamp import Stamp
from backends.operations.capacity import carried
from backends.operations.rental import BudgetState, _budget_state
from backends.settings.config import Limits
from tests.backends.operations.test_capacity import MEASURED, PROFILE


@pytest.mark.parametrize(
    ("output_tokens", "input_tokens", "carries"),
    [
        ("160", "80", True),
        ("159", "80", False),
        ("250", "80", True),
        ("251", "80", False),
        ("200", "54", True),  # two thirds of 81
        ("200", "53", False),
        ("200", "121.5", True),
        ("200", "122", False),
    ],
)
def test_how_long_replies_and_prompts_may_be_beside_those_that_were_measured(
    output_tokens: str, input_tokens: str, *, carries: bool
) -> None:
    measured = replace(MEASURED, input_tokens=81)
    found = carried((measured,), PROFILE, Decimal(output_tokens), Decimal(input_tokens))
    assert (found.rps is not None) is carries


@pytest.mark.parametrize(
    ("measured", "limits", "carries"),
    [
        ({"ttft_limit_s": 1.0}, Limits(ttft_p99_s=1.0), True),
        ({"ttft_limit_s": 1.1}, Limits(ttft_p99_s=1.0), False),
        ({"ttft_limit_s": 1.1, "ttft_p99_s": 1.0}, Limits(ttft_p99_s=1.0), True),
        ({"ttft_limit_s": 1.1, "ttft_p99_s": 1.01}, Limits(ttft_p99_s=1.0), False),
        ({"itl_limit_s": 0.05}, Limits(itl_p99_s=0.05), True),
        ({"itl_limit_s": 0.06}, Limits(itl_p99_s=0.05), False),
        ({"itl_limit_s": None}, Limits(itl_p99_s=0.05), False),
    ],
)
def test_a_capacity_is_of_limits_that_are_as_tight_as_those_of_today(
    measured: dict[str, Any], limits: Limits, *, carries: bool
) -> None:
    found = carried((replace(MEASURED, **measured),), PROFILE, Decimal(200), limits=limits)
    assert (found.rps is not None) is carries


TODAY = date(2026, 11, 30)
TWO_HOURS_BEFORE_MIDNIGHT_S = datetime(2026, 11, 30, 22, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("spent", "state"),
    [
        (None, "none"),
        ("5", "within"),
        ("6", "within"),  # and four dollars more until midnight are the budget
        ("6.01", "near"),
        ("8", "near"),
        ("10", "near"),
        ("10.01", "over"),
    ],
)
def test_how_a_day_stands_to_its_budget(spent: str | None, state: BudgetState) -> None:
    session = Session(Stamp(1.0, TWO_HOURS_BEFORE_MIDNIGHT_S))
    tariff = Tariff(Decimal(1), gpus=2)
    amount = None if spent is None else Decimal(spent)
    assert _budget_state(Decimal(10), amount, tariff, session, TODAY) == state


def test_four_fifths_of_a_budget_are_near_it_with_no_time_left() -> None:
    session = Session(Stamp(1.0, TWO_HOURS_BEFORE_MIDNIGHT_S + 7200))
    tariff = Tariff(Decimal(1))
    states = [
        _budget_state(Decimal(10), Decimal(spent), tariff, session, TODAY)
        for spent in ("7.99", "8")
    ]
    assert states == ["within", "near"]
    assert _budget_state(None, Decimal(8), tariff, session, TODAY) == "none"
    assert _budget_state(Decimal(10), Decimal(8), Tariff(None), session, TODAY) == "none"
