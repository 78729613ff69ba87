"""What the screen says while nothing is decided: no winner beside it, and what is missing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.billing.account import Account
from backends.domain.billing.ledger import Ledger, Served
from backends.domain.decision.flip import Flip
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import flips_at
from backends.domain.session import Session
from backends.operations.context import Context
from backends.operations.decision import decide_all
from backends.settings.config import Settings, TokenPrices
from console.tui.views.cost import main_verdict_view, plan_view, verdict_view
from console.tui.views.plan import options_view
from console.tui.views.what_if import estimated_rps, lengths_view, of_length
from tests.backends.operations.test_learnt_week import week_of
from tests.console.sessions import DAY, DESK, EMPTY, PROFILE, READY, SERVERLESS, SETTINGS
from widgets.options_bars import draw as draw_options

PRICES = {
    "gpu_usd_per_hour": "1.88",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "input_tokens": 80,
    "output_tokens": 220,
}


def test_a_rate_has_a_side_and_other_numbers_none() -> None:
    said = {
        name: flips_at(Flip(name, Decimal(30), Decimal(12)))
        for name in ("rate_rps", "observed.n", "capacity_rps", "gpu_usd_per_hour")
    }
    assert said == {
        "rate_rps": "changes above 30 req/s",
        "observed.n": "12 of 30 requests",
        "capacity_rps": "changes at a capacity of 30 req/s",
        "gpu_usd_per_hour": "changes at $30.00 an hour",
    }


def test_too_few_requests_are_shown_as_progress() -> None:
    view = verdict_view(decide(scenario_from({**PRICES, "observed": {"n": 12, "window_s": 60}})))
    assert view.word == "INSUFFICIENT DATA"
    assert view.sentence.startswith("12 of 30 requests")
    assert not view.flip, "the same said twice in one line"


def test_a_quiet_moment_takes_no_plan_back() -> None:
    learnt = replace(EMPTY, account=Account(ledger=Ledger((Served("chat", profile=week_of(2.0)),))))
    view = plan_view(decide_all(learnt, DESK, DAY))
    assert view.word == "API CHEAPER"
    assert "the coming week" in view.sentence


def test_no_option_has_the_star_while_the_capacity_is_unknown() -> None:
    unknown = decide(scenario_from({**PRICES, "rate_rps": 5}))
    known = decide(scenario_from({**PRICES, "rate_rps": 5, "capacity_rps": 25}))
    assert unknown.kind is VerdictKind.CAPACITY_UNKNOWN
    for verdict, stars in ((unknown, 0), (known, 1)):
        rows = draw_options(options_view(verdict), 80, 9)
        assert sum("★" in row.plain for row in rows) == stars


@pytest.mark.parametrize(("seen", "word"), [(6, "6 of 30 requests"), (6000, "API CHEAPER")])
def test_the_cards_state_no_verdict_of_a_few_requests(seen: int, word: str) -> None:
    observed = {"n": seen, "window_s": seen * 2}
    asked = scenario_from({**PRICES, "capacity_rps": 25, "observed": observed})
    medium = lengths_view(asked, asked).cards[1]
    assert medium.word == word


@pytest.mark.parametrize(
    ("session", "settings", "reason"),
    [
        (EMPTY, SETTINGS, "no request was seen"),
        (
            READY,
            replace(SETTINGS, servers=(replace(PROFILE, gpu_usd_per_hour=None),)),
            "the GPU has no price",
        ),
        (
            READY,
            replace(SETTINGS, endpoints=(replace(SERVERLESS, prices=TokenPrices()),)),
            "no endpoint has a price",
        ),
        (READY, SETTINGS, ""),
    ],
)
def test_a_break_even_that_is_unknown_says_what_it_lacks(
    session: Session, settings: Settings, reason: str
) -> None:
    context = Context(settings)
    bar = main_verdict_view(decide_all(session, context, DAY)).crossover
    assert bar is not None
    assert bar.break_even_reason == reason


def test_a_measured_capacity_is_rescaled_to_answers_of_another_length() -> None:
    measured = scenario_from({**PRICES, "capacity_rps": 16.4})
    long = of_length(measured, Decimal(1200), measured)
    assert long.capacity_rps == estimated_rps(measured, Decimal(1200)) == Decimal("3.01")
    short = of_length(long, Decimal(30), measured)
    assert short.capacity_rps == Decimal(120)
    back = of_length(short, Decimal(220), measured)
    assert back.capacity_rps == measured.capacity_rps
    assert estimated_rps(measured, Decimal(220)) is None


def test_a_supposed_capacity_stays_whatever_the_length() -> None:
    measured = scenario_from({**PRICES, "capacity_rps": 16.4})
    supposed = replace(measured, capacity_rps=Decimal(5))
    assert of_length(supposed, Decimal(1200), measured).capacity_rps == Decimal(5)


def test_without_a_measured_capacity_there_is_no_estimate() -> None:
    measured = scenario_from(PRICES)
    assert of_length(measured, Decimal(1200), measured).capacity_rps is None
