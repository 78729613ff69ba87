from decimal import Decimal
from typing import Any

from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind, now_verdict
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import now_reason

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
    assert now.kind is NowKind.KEEP_ON_GPU
    assert now.saved_by_destroying_usd_per_hour == Decimal("1.88") - Decimal("1.1664")


def test_what_the_gpu_cannot_carry_overflows() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 7}), ready=True)
    assert now.kind is NowKind.SPILL_TO_API
    assert now.to_api_rps == 2
    assert "$1.17/h" in now_reason(now)


def test_several_gpus_carry_more() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 7}), ready=True, replicas=2)
    assert now.kind is NowKind.KEEP_ON_GPU


def test_a_server_that_does_not_answer_carries_nothing() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 2}), ready=False)
    assert now.kind is NowKind.SEND_TO_API
    assert now.to_api_rps == 2


def test_of_a_server_that_nobody_can_ask_it_is_not_said_that_it_does_not_answer() -> None:
    now = now_verdict(scenario_from({**MEDIUM, "rate_rps": 2}), ready=False, asked=False)
    assert now_reason(now) == "Whether the server is up cannot be checked from here."


def test_a_gpu_over_its_latency_limit_spills_what_it_cannot_answer_in_time() -> None:
    slow = {**MEDIUM, "rate_rps": 2, "gpu_ttft_p99_s": "2.3", "ttft_slo_s": 1}
    now = now_verdict(scenario_from(slow), ready=True)
    assert now.kind is NowKind.SPILL_TO_API
    assert "2.3 s now, over the limit of 1 s" in now_reason(now)


def test_without_an_endpoint_nothing_can_be_sent_away() -> None:
    now = now_verdict(scenario_from({"gpu_usd_per_hour": "1.88"}), ready=False)
    assert now.kind is NowKind.NO_GPU_SERVES
    assert now.paid_usd_per_hour == Decimal("1.88")


def test_no_word_of_now_is_a_word_of_the_plan() -> None:
    assert not {kind.value for kind in NowKind} & {kind.value for kind in VerdictKind}


def test_without_prices_nothing_is_said_to_be_saved() -> None:
    now = now_verdict(scenario_from({"rate_rps": 2}), ready=True)
    assert now.saved_by_destroying_usd_per_hour is None
