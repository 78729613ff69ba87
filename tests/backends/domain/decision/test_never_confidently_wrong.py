"""Inputs that once gave a sure answer that was wrong; each stands for its kind."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.decision.answer import Verdict
from backends.domain.decision.comparability import unlike_models
from backends.domain.decision.document import verdict_document
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import BadScenario, scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import reason
from backends.domain.prices.amounts import is_stale

PLAIN: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "input_tokens": 80,
    "output_tokens": 220,
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "capacity_rps": 6,
    "rate_rps": 4,
}


def plan(**more: Any) -> Verdict:
    given = {key: value for key, value in {**PLAIN, **more}.items() if value is not None}
    return decide(scenario_from(given))


@pytest.mark.parametrize(("rate", "capacity", "gpu"), [(2340, 4, "1.00"), (4110, 7, "1.50")])
def test_what_is_too_close_names_the_ways_between_which_it_is(
    rate: int, capacity: int, gpu: str
) -> None:
    """The rate may exceed one GPU; the API alone is twice as dear wherever it lies."""
    seen = {"n": rate, "window_s": 600, "input_tokens_mean": 80, "output_tokens_mean": 220}
    found = plan(
        gpu_usd_per_hour=gpu, capacity_rps=capacity, rate_rps=None, observed=seen,
        input_tokens=None, output_tokens=None,
    )  # fmt: skip
    assert found.kind is VerdictKind.TOO_CLOSE
    assert set(found.between) == {VerdictKind.SELF_HOST_CHEAPER, VerdictKind.HYBRID_CHEAPER}
    said = reason(found)
    assert "the API alone is dearer" in said
    assert "break-even is between" not in said
    assert verdict_document(found)["between"][0] == "SELF_HOST_CHEAPER"


@pytest.mark.parametrize(
    ("as_of", "today", "stale"),
    [
        ("2020-01-01", "2026-11-29", True),
        ("2027-12-01", "2026-11-29", True),
        ("2026-11-30", "2026-11-29", False),
        ("2026-11-01", "2026-11-29", False),
    ],
)
def test_a_price_of_another_time_decides_nothing(as_of: str, today: str, stale: bool) -> None:
    found = plan(gpu_price_as_of=as_of, today=today)
    assert (found.kind is VerdictKind.STALE_PRICES) is stale
    assert is_stale(date.fromisoformat(as_of), date.fromisoformat(today)) is stale


def test_a_price_of_a_day_to_come_is_called_that() -> None:
    said = reason(plan(gpu_price_as_of="2027-12-01", today="2026-11-29"))
    assert "dated 367 days in the future" in said


def test_the_rate_of_a_currency_that_no_price_is_in_blocks_nothing() -> None:
    old = {"EUR": {"usd": "1.1", "as_of": "2020-01-01"}}
    unused = plan(today="2026-11-29", currencies=old)
    assert unused.kind is VerdictKind.SELF_HOST_CHEAPER
    assert "The rate of EUR is not used: no price is in it." in unused.assumptions
    used = plan(today="2026-11-29", currencies=old, gpu_usd_per_month="900 EUR")
    assert used.kind is VerdictKind.STALE_PRICES


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keep_warm": 2}, "keep_warm is not used: serverless_usd_per_second is not given."),
        (
            {"warm_usd_per_second": "0.001"},
            "warm_usd_per_second is not used: serverless_usd_per_second is not given.",
        ),
        (
            {"profile_rps": [4] * 24, "hours_per_day": 5},
            "hours_per_day is not used: profile_rps is given.",
        ),
        ({"owned_life_months": 36}, "owned_life_months is not used: owned_usd is not given."),
    ],
)
def test_what_is_given_and_not_used_is_named(given: dict[str, Any], said: str) -> None:
    assert said in plan(**given).assumptions


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"owned_usd": 30_000}, "owned_life_months"),
        ({"owned_usd": 9_000, "owned_life_months": 24}, "power_kw"),
        ({"owned_usd": 9_000, "owned_life_months": 24, "power_kw": "0.7"}, "usd_per_kwh"),
    ],
)
def test_owned_hardware_that_lacks_a_figure_is_an_option_that_says_so(
    given: dict[str, Any], missing: str
) -> None:
    rows = {row["name"]: row for row in verdict_document(plan(**given))["options"]}
    assert rows["owned"]["usd_per_hour"] is None
    assert missing in rows["owned"]["excluded_because"]


def test_requests_without_output_need_no_price_of_output() -> None:
    found = plan(output_tokens=0, output_usd_per_mtok=None, input_tokens=1000, rate_rps=5)
    assert found.kind is VerdictKind.API_CHEAPER
    assert found.usd_per_request == Decimal("0.0001")


@pytest.mark.parametrize("rate", ["1e9", "3e8"])
def test_no_flip_leads_to_the_verdict_that_holds(rate: str) -> None:
    found = plan(rate_rps=rate)
    assert found.flip is None or found.flip.to is not found.kind


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"),
        ("openai/gpt-oss-120b", "openai-gpt-oss-120b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Meta-Llama-3.1-8B-Instruct"),
        ("Qwen/Qwen3-32B", "qwen-3-32b"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-instruct-v0.3"),
        ("org/model", "m"),
    ],
)
def test_one_model_by_two_names_is_one(here: str, there: str) -> None:
    assert unlike_models(here, there) is None


@pytest.mark.parametrize(
    ("here", "there", "what"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", "claude-sonnet-4-5", "model"),
        ("meta-llama/Llama-3.1-70B", "meta-llama/Llama-3.3-70B", "model"),
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-70B", "model"),
        ("x/Qwen3-32B-FP8", "qwen3-32b", "quantisation"),
        ("x/Qwen3-32B-AWQ", "x/Qwen3-32B-GPTQ-Int4", "quantisation"),
    ],
)
def test_two_models_are_not_compared_in_silence(here: str, there: str, what: str) -> None:
    found = unlike_models(here, there)
    assert found is not None
    assert found.what == what
    said = reason(replace(plan(), unlike=found))
    assert here in said
    assert there in said


def test_the_same_model_by_two_names_can_be_compared_in_a_scenario() -> None:
    found = plan(model="deepseek-ai/DeepSeek-V3", api_model="deepseek-v3")
    assert found.kind is VerdictKind.SELF_HOST_CHEAPER
    assert plan(model="a/b-7b", api_model="b-8b").kind is VerdictKind.NOT_COMPARABLE


def test_egress_tax_and_support_are_rows_of_one_kind() -> None:
    rows = [
        {"name": "egress", "usd": "73", "per": "month"},
        {"name": "support", "usd": "2.40", "per": "day"},
        {"name": "tax", "usd": "0.05", "per": "hour"},
    ]
    with_rows, without = (
        {row["name"]: row["usd_per_hour"] for row in verdict_document(each)["options"]}
        for each in (plan(costs=rows), plan())
    )
    assert float(with_rows["on_demand"]) == pytest.approx(float(without["on_demand"]) + 0.25)
    assert with_rows["api"] == without["api"]
    assert "Egress at $73.00/month." in plan(costs=rows).assumptions


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"name": "tax", "usd": 1}, "name, usd and per"),
        ({"name": "tax", "usd": 1, "per": "year"}, "per 'year'"),
        ({"name": "tax", "usd": -1, "per": "day"}, r"costs\[0\].usd is -1"),
    ],
)
def test_a_row_that_cannot_be_is_named(row: dict[str, Any], said: str) -> None:
    with pytest.raises(BadScenario, match=said):
        plan(costs=[row])
