from decimal import Decimal
from typing import Any

from backends.domain.money.kinds import VerdictKind
from backends.domain.money.now import now_verdict
from backends.domain.money.scenario import scenario_from
from backends.domain.money.verdict import decide

MEDIUM: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "input_tokens": 80,
    "output_tokens": 220,
    "capacity_rps": 5,
}


def test_a_paid_gpu_takes_what_the_plan_would_send_away() -> None:
    scenario = scenario_from({**MEDIUM, "rate_rps": 2})
    assert decide(scenario).kind is VerdictKind.API_CHEAPER
    now = now_verdict(scenario, ready=True)
    assert now.kind is VerdictKind.SELF_HOST_CHEAPER
    assert now.saved_by_destroying_usd_per_hour == Decimal("1.88") - Decimal("1.1664")


def test_what_the_gpu_cannot_carry_overflows() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 7}), ready=True)
    assert now.kind is VerdictKind.OVER_CAPACITY
    assert now.to_api_rps == 2
    assert "$1.17/h" in now.reason


def test_several_gpus_carry_more() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 7}), ready=True, replicas=2)
    assert now.kind is VerdictKind.SELF_HOST_CHEAPER


def test_a_server_that_does_not_answer_carries_nothing() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 2}), ready=False)
    assert now.kind is VerdictKind.API_CHEAPER
    assert now.to_api_rps == 2


def test_without_prices_nothing_is_said_to_be_saved() -> None:
    now = now_verdict(scenario_from({"rate_rps": 2}), ready=True)
    assert now.saved_by_destroying_usd_per_hour is None
