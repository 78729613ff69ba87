from decimal import Decimal

import pytest

from backends.domain.decision.hysteresis import (
    AdviceKind,
    ShownPlan,
    add_regret,
    advise,
    fold_window,
    hours_until_worth_moving,
    worth_moving,
)
from backends.domain.decision.outcome import VerdictKind as Kind
from backends.domain.decision.wording import advice_reason

API, SELF, CLOSE = Kind.API_CHEAPER, Kind.SELF_HOST_CHEAPER, Kind.TOO_CLOSE


def shown_after(*windows: tuple[Kind, int] | Kind) -> Kind | None:
    shown = ShownPlan()
    for window in windows:
        kind, requests = window if isinstance(window, tuple) else (window, 100)
        shown = fold_window(shown, kind, requests)
    return shown.kind


def test_the_first_decided_window_is_shown() -> None:
    assert shown_after(CLOSE) is None
    assert shown_after(CLOSE, API) is API


def test_three_opposite_windows_in_a_row_change_it() -> None:
    assert shown_after(API, SELF, SELF) is API
    assert shown_after(API, SELF, SELF, SELF) is SELF


def test_too_close_ends_the_row_and_keeps_what_is_shown() -> None:
    assert shown_after(API, SELF, SELF, CLOSE, SELF, SELF) is API


def test_an_agreeing_window_ends_the_row() -> None:
    assert shown_after(API, SELF, SELF, API, SELF, SELF) is API


def test_two_different_opponents_are_no_row() -> None:
    assert shown_after(API, SELF, SELF, Kind.HYBRID_CHEAPER, SELF, SELF) is API


def test_a_window_with_few_requests_says_nothing() -> None:
    assert shown_after(API, SELF, SELF, (API, 29), SELF) is SELF
    assert shown_after((API, 29)) is None


def test_moving_pays_when_regret_reaches_what_it_costs() -> None:
    api = Decimal("0.000162") * 3600 * 5
    hours = hours_until_worth_moving(api, Decimal("1.88"), Decimal(10))
    assert hours is not None
    assert round(hours, 2) == Decimal("9.65")
    regret = add_regret(ShownPlan(API), api, Decimal("1.88"), hours - Decimal("0.01"))
    assert not worth_moving(regret, Decimal(10))
    assert worth_moving(
        add_regret(regret, api, Decimal("1.88"), Decimal("0.01") + Decimal("1e-20")), Decimal(10)
    )


def test_regret_is_never_negative() -> None:
    assert add_regret(ShownPlan(API), Decimal(1), Decimal(2), Decimal(5)).regret_usd == 0
    assert hours_until_worth_moving(Decimal(1), Decimal(2), Decimal(10)) is None


RENT, ELSEWHERE = Decimal("1.88"), Decimal("0.88")


@pytest.mark.parametrize(
    ("shown", "switching", "kind", "said"),
    [
        (ShownPlan(), "10", AdviceKind.UNDECIDED, "Needs one 10-min window"),
        (ShownPlan(SELF, regret_usd=Decimal(50)), "10", AdviceKind.STAY, "cheapest option"),
        (ShownPlan(API, regret_usd=Decimal(4)), None, AdviceKind.UNDECIDED, "switching_usd"),
        (ShownPlan(API, regret_usd=Decimal(4)), "10", AdviceKind.WAIT, "for 6 h more"),
        (
            ShownPlan(API, regret_usd=Decimal("10.5")),
            "10",
            AdviceKind.MOVE,
            "option: $10.50",
        ),
    ],
)
def test_acting_is_advised_only_once_regret_has_paid_for_it(
    shown: ShownPlan, switching: str | None, kind: AdviceKind, said: str
) -> None:
    cost = None if switching is None else Decimal(switching)
    advice = advise(shown, cost, RENT, ELSEWHERE)
    assert advice.kind is kind
    assert said in advice_reason(advice)
