"""What would flip a verdict, in few words, and for what option."""

from decimal import Decimal

import pytest

from backends.domain.decision.flip import Flip
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.wording import flips_at
from backends.domain.decision.wording.inputs import assumptions
from backends.domain.decision.wording.reasons import horizon_sentence
from backends.domain.traffic.demand import Horizon


@pytest.mark.parametrize(
    ("flip", "sentence"),
    [
        (Flip("rate_rps", Decimal("3.33"), Decimal(2)), "changes above 3.33 req/s"),
        (
            Flip("rate_rps", Decimal("3.33"), Decimal(2), VerdictKind.RESERVED_CHEAPER),
            "reserved GPU becomes cheaper above 3.33 req/s",
        ),
        (
            Flip("rate_rps", Decimal("3.5"), Decimal(9), VerdictKind.API_CHEAPER),
            "API becomes cheaper below 3.5 req/s",
        ),
        (Flip("observed.n", Decimal(30), Decimal(12)), "12 of 30 requests"),
        (Flip("observed.n", Decimal(30), None), "0 of 30 requests"),
        (Flip("capacity_rps", Decimal("3.4"), None), "changes at a capacity of 3.4 req/s"),
        (Flip("gpu_usd_per_hour", Decimal("1.20"), Decimal(2)), "changes at $1.20 an hour"),
        (Flip("hours_per_day", Decimal(12), Decimal(4)), "changes at 12 h/day"),
    ],
)
def test_the_number_that_would_change_a_verdict(flip: Flip, sentence: str) -> None:
    assert flips_at(flip) == sentence


@pytest.mark.parametrize(
    ("horizon", "said"),
    [
        (Horizon(7200), "Valid for the 2 h observed; a weekly plan needs 7 days of traffic."),
        (
            Horizon(40 * 86_400),
            (
                "Valid for the 40 days observed; a weekly plan needs 7 days that cover every "
                "hour of a weekday and of a weekend."
            ),
        ),
    ],
)
def test_more_days_than_a_week_takes_lack_some_of_its_hours(horizon: Horizon, said: str) -> None:
    assert horizon_sentence(horizon) == said


def test_a_rate_that_never_changes_has_no_range() -> None:
    asked = {"profile_rps": [3] * 24, "gpu_usd_per_hour": 1, "usd_per_request": "0.001"}
    said = assumptions(scenario_from(asked))
    assert "24 hourly rates, all of 3 req/s." in said
