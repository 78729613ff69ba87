import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.domain.decision.answer import Verdict
from backends.domain.decision.document import verdict_document
from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.option import Option, usd_per_request
from backends.domain.decision.outcome import VerdictKind, cheaper, priced
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import break_even_sentence, excluded_because, reason

PRICED: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "input_tokens": 80,
}
SHORT = {**PRICED, "output_tokens": 30}
MEDIUM = {**PRICED, "output_tokens": 220}
SECONDS = {
    "serverless_usd_per_second": "0.0005",
    "service_s": 5,
    "idle_timeout_s": 60,
    "cold_start_s": 60,
}


def why(option: Option) -> str:
    return excluded_because(option.exclusion, NO_REMEDIES)


def verdict(data: dict[str, Any], **more: Any) -> Verdict:
    return decide(scenario_from({**data, **more}))


@pytest.mark.parametrize(
    ("data", "more", "kind", "best"),
    [
        (MEDIUM, {"rate_rps": 2, "capacity_rps": 25}, "API_CHEAPER", "api"),
        (MEDIUM, {"rate_rps": 4, "capacity_rps": 25}, "SELF_HOST_CHEAPER", "on_demand"),
        (SHORT, {"rate_rps": 30, "capacity_rps": 25}, "HYBRID_CHEAPER", "hybrid"),
        (SHORT, {"rate_rps": 49, "capacity_rps": 25}, "SELF_HOST_CHEAPER", "on_demand"),
        (SHORT, {"rate_rps": 30, "capacity_rps": 9}, "NO_CROSSOVER", "api"),
        (SHORT, {"rate_rps": 300, "capacity_rps": 9}, "NO_CROSSOVER", "api"),
        (SHORT, {"capacity_rps": 9}, "NO_CROSSOVER", None),
        (
            MEDIUM,
            {"rate_rps": 4, "capacity_rps": 5, "peak_over_average": 3},
            "API_CHEAPER",
            "api",
        ),
        (MEDIUM, {"rate_rps": 2}, "API_CHEAPER", "api"),
        (MEDIUM, {"rate_rps": 4}, "CAPACITY_UNKNOWN", None),
        (MEDIUM, {}, "CAPACITY_UNKNOWN", None),
        (MEDIUM, {"capacity_rps": 25}, "INSUFFICIENT_DATA", None),
        (
            MEDIUM,
            {"rate_rps": 4, "capacity_rps": 25, "gpu_usd_per_month": 1000},
            "RESERVED_CHEAPER",
            "reserved",
        ),
        (
            MEDIUM,
            {
                "rate_rps": 4,
                "capacity_rps": 25,
                "provisioned_unit_usd_per_hour": 1,
                "provisioned_unit_tokens_per_s": 2000,
            },
            "RESERVED_CHEAPER",
            "provisioned_throughput",
        ),
        (
            {"gpu_usd_per_hour": "1.88", "rate_rps": "0.01", "capacity_rps": 5, **SECONDS},
            {},
            "SERVERLESS_GPU_CHEAPER",
            "serverless_gpu",
        ),
        (
            {"gpu_usd_per_hour": "1.88", "rate_rps": "0.016", "capacity_rps": 5, **SECONDS},
            {"ttft_slo_s": 1},
            "SLO_EXCLUDES",
            "on_demand",
        ),
        (
            MEDIUM,
            {"rate_rps": 2, "capacity_rps": 25, "ttft_slo_s": 1, "api_ttft_p99_s": "1.3"},
            "SLO_EXCLUDES",
            "on_demand",
        ),
        (
            MEDIUM,
            {
                "rate_rps": 2,
                "capacity_rps": 25,
                "ttft_slo_s": 1,
                "api_ttft_p99_s": "1.3",
                "gpu_ttft_p99_s": 2,
            },
            "SLO_EXCLUDES",
            None,
        ),
        (
            {"gpu_usd_per_hour": 2, "gpu_usd_per_month": 1000, "rate_rps": 9, "capacity_rps": 1},
            {"max_replicas": 2},
            "OVER_CAPACITY",
            None,
        ),
        (MEDIUM, {"rate_rps": 4, "gpu_usd_per_hour": None}, "UNPRICED", None),
        (MEDIUM, {"rate_rps": 4, "output_usd_per_mtok": None}, "UNPRICED", None),
        ({}, {}, "UNPRICED", None),
        (PRICED, {"rate_rps": 4}, "INSUFFICIENT_DATA", None),
        (MEDIUM, {"observed": {"n": 29, "window_s": 10}}, "INSUFFICIENT_DATA", None),
        (
            MEDIUM,
            {"rate_rps": 4, "model": "openai/gpt-oss-120b", "api_model": "gpt-oss-20b"},
            "NOT_COMPARABLE",
            None,
        ),
        (MEDIUM, {"quantisation": "mxfp4", "api_quantisation": "bf16"}, "NOT_COMPARABLE", None),
        (MEDIUM, {"context_tokens": 8192, "api_context_tokens": 131072}, "NOT_COMPARABLE", None),
        (MEDIUM, {"api_input_tokens": 84}, "NOT_COMPARABLE", None),
        (
            MEDIUM,
            {
                "rate_rps": 4,
                "capacity_rps": 25,
                "today": "2026-11-21",
                "api_price_as_of": "2026-05-21",
            },
            "STALE_PRICES",
            "on_demand",
        ),
    ],
)
def test_the_verdict(data: dict[str, Any], more: dict[str, Any], kind: str, best: str) -> None:
    got = verdict(data, **more)
    assert got.kind == kind, reason(got)
    assert (got.best.name if got.best else None) == best
    assert reason(got).endswith((".", "ENDPOINT"))


def test_every_word_of_the_vocabulary_is_reached() -> None:
    mark = next(m for m in test_the_verdict.pytestmark if m.name == "parametrize")
    assert {row[2] for row in mark.args[1]} | {"TOO_CLOSE"} == {kind.value for kind in VerdictKind}


def test_the_same_model_under_two_publishers_is_one() -> None:
    names = {"model": "openai/gpt-oss-120b", "api_model": "openai-gpt-oss-120b"}
    assert verdict(MEDIUM, rate_rps=2, **names).kind is VerdictKind.API_CHEAPER


def test_two_percent_of_token_counts_is_tolerated() -> None:
    assert verdict(MEDIUM, rate_rps=2, api_input_tokens="81.6").kind is VerdictKind.API_CHEAPER


@pytest.mark.parametrize(
    ("data", "break_even", "tokens"),
    [(SHORT, 18.0, 540), (MEDIUM, 3.22, 709), ({**PRICED, "output_tokens": 1200}, 0.616, 739)],
)
def test_break_even_in_requests_and_in_tokens(
    data: dict[str, Any], break_even: float, tokens: float
) -> None:
    document = verdict_document(verdict(data))
    assert document["break_even_rps"] == pytest.approx(break_even, rel=2e-3)
    assert document["output_tokens_per_s_at_break_even"] == pytest.approx(tokens, rel=1e-3)
    assert document["feasible"] is None


def test_tokens_per_second_at_break_even_have_a_bound() -> None:
    bound = 1.88 / (3600 * 0.70e-6)
    for output in (30, 220, 1200, 100_000):
        got = verdict(PRICED, input_tokens=0, output_tokens=output)
        assert float(got.crossover.output_tokens_per_s or 0) == pytest.approx(bound)


def test_utilisation_decides_feasibility() -> None:
    beyond = verdict(SHORT, capacity_rps=9).crossover
    assert float(beyond.utilisation or 0) == pytest.approx(2.0, rel=1e-3)
    assert (beyond.feasible, beyond.segments) == (False, ())
    assert verdict(SHORT, capacity_rps=25).crossover.feasible is True


def test_gpus_alone_win_on_a_saw_tooth() -> None:
    segments = verdict(SHORT, capacity_rps=25).crossover.segments
    got = [(round(float(s.from_rps)), round(float(s.to_rps))) for s in segments]
    assert got == [(18, 25), (36, 50), (54, 75)]
    # A hybrid of one GPU less is cheaper until the next one pays for itself.
    assert [round(float(s.cheapest_from_rps)) for s in segments] == [18, 43, 68]


@pytest.mark.parametrize(
    ("more", "low", "high"),
    [({}, 3.00, 3.49), ({"api_price_spread_percent": 15}, 2.60, 4.11)],
)
def test_four_hundred_requests_leave_the_break_even_open(
    more: dict[str, Any], low: float, high: float
) -> None:
    seen = {"n": 400, "input_tokens_mean": 80, "output_tokens_mean": 220, "output_tokens_sd": 180}
    band = verdict(MEDIUM, rate_rps=4, observed=seen, **more).crossover.interval
    assert band is not None
    assert (float(band.low), float(band.high)) == pytest.approx((low, high), abs=0.006)


SEEN = {"n": 400, "output_tokens_sd": 180}


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"rate_rps": 4}, "SELF_HOST_CHEAPER"),
        ({"rate_rps": "3.4"}, "TOO_CLOSE"),
        ({"rate_rps": "2.9"}, "API_CHEAPER"),
        ({"rate_rps": 4, "api_price_spread_percent": 15}, "TOO_CLOSE"),
        ({"rate_rps": "4.2", "api_price_spread_percent": 15}, "SELF_HOST_CHEAPER"),
        ({"rate_rps": "3.6", "gpu_price_spread_percent": 10}, "TOO_CLOSE"),
        ({"observed": {**SEEN, "window_s": 100}}, "SELF_HOST_CHEAPER"),
        ({"observed": {**SEEN, "window_s": 110}}, "TOO_CLOSE"),
        ({"observed": {**SEEN, "window_s": 100, "dispersion": 4}}, "TOO_CLOSE"),
    ],
)
def test_no_verdict_inside_the_noise(more: dict[str, Any], kind: str) -> None:
    assert verdict(MEDIUM, **{"capacity_rps": 25, "observed": SEEN, **more}).kind == kind


def test_covariance_widens_the_interval() -> None:
    def width(covariance: int) -> Decimal:
        seen = {**SEEN, "input_tokens_sd": 400, "covariance": covariance}
        band = verdict(MEDIUM, observed=seen, input_tokens=800).crossover.interval
        assert band is not None
        return band.high - band.low

    assert width(-40_000) < width(0) < width(40_000)


def test_exactly_at_break_even_nothing_is_decided() -> None:
    even = {**MEDIUM, "gpu_usd_per_hour": "1.1664", "rate_rps": 2, "capacity_rps": 25}
    assert verdict(even).kind is VerdictKind.TOO_CLOSE


def test_the_plan_names_the_number_that_flips_it() -> None:
    got = verdict(MEDIUM, rate_rps=2, capacity_rps=25)
    assert got.flip is not None
    assert got.flip.quantity == "rate_rps"
    assert got.flip.now == 2
    assert float(got.flip.value) == pytest.approx(3.2236, rel=1e-4)
    assert got.flip.to is VerdictKind.SELF_HOST_CHEAPER
    assert "Above 3.22 req/s your own GPU wins; you are at 2." in reason(got)


@given(
    st.decimals("0.1", "60", places=1),
    st.decimals("1", "40", places=1),
    st.sampled_from([SHORT, MEDIUM]),
)
def test_the_verdict_changes_at_the_flip(
    rate: Decimal, capacity: Decimal, data: dict[str, Any]
) -> None:
    got = verdict(data, rate_rps=rate, capacity_rps=capacity)
    if got.flip is None or got.flip.quantity != "rate_rps" or got.kind is VerdictKind.TOO_CLOSE:
        return
    beyond = Decimal("1.0001") if got.flip.value > rate else Decimal("0.9999")
    inside = 2 - beyond
    here = verdict(data, rate_rps=got.flip.value * inside, capacity_rps=capacity)
    there = verdict(data, rate_rps=got.flip.value * beyond, capacity_rps=capacity)
    assert here.kind is got.kind
    assert there.kind is not got.kind


@given(
    st.decimals("0", "60", places=1),
    st.decimals("0.5", "40", places=1),
    st.decimals("0.1", "8", places=1),
    st.one_of(st.none(), st.decimals("1", "6", places=1)),
)
def test_the_best_option_is_never_dominated(
    rate: Decimal, capacity: Decimal, gpu: Decimal, peak: Decimal | None
) -> None:
    got = verdict(
        {**MEDIUM, **SECONDS},
        rate_rps=rate,
        capacity_rps=capacity,
        gpu_usd_per_hour=gpu,
        peak_over_average=peak,
    )
    assert got.best is not None
    costs = [cost for cost, _ in priced(got.options)]
    assert got.best.usd_per_hour == min(costs)
    if got.kind not in {VerdictKind.TOO_CLOSE, VerdictKind.NO_CROSSOVER}:
        assert cheaper(got.best.name) is got.kind


def test_half_an_engineer_moves_the_break_even() -> None:
    month = {
        "gpu_usd_per_month": 929,
        "hours_per_month": 720,
        "input_usd_per_mtok": "0.54",
        "output_usd_per_mtok": "0.54",
        "input_tokens": 500,
        "output_tokens": 500,
    }

    def tokens_per_month(**more: Any) -> float:
        return float(verdict(month, **more).crossover.break_even_rps or 0) * 1000 * 720 * 3600

    assert tokens_per_month() == pytest.approx(1.720e9, rel=1e-3)
    assert tokens_per_month(ops_usd_per_month=6250) == pytest.approx(13.3e9, rel=1e-3)


def test_the_document_is_json_with_stable_keys() -> None:
    document = verdict_document(verdict(SHORT, rate_rps=30, capacity_rps=25))
    assert list(document) == [
        "verdict", "reason", "horizon", "unlike", "crosses_in_days", "between", "decided_in_s",
        "payback_months",
        "flip", "flip_quantity", "flip_to", "flip_now", "rate_rps_interval",
        "usd_per_request",
        "break_even_rps", "break_even_rps_interval", "break_even_utilisation",
        "break_even_hours_per_day", "output_tokens_per_s_at_break_even", "feasible", "options",
        "best", "segments", "assumptions",
    ]  # fmt: skip
    again = json.loads(json.dumps(document))
    assert again["usd_per_request"] == "0.000029"
    assert again["best"] == {
        "name": "hybrid",
        "usd_per_hour": "2.402",
        "usd_per_day": "57.648",
        "usd_per_month": "1753.46",
        "replicas": 1,
        "excluded_because": None,
        "excluded_kind": None,
    }
    # At 30 requests a second two GPUs pay off against the API from 28.8 hours a day: never.
    assert again["break_even_hours_per_day"] == pytest.approx(28.8, abs=0.05)


def test_an_unpriced_option_is_null_in_the_document() -> None:
    got = verdict(MEDIUM, rate_rps=4, capacity_rps=25, hours_per_day=8)
    rows = {row["name"]: row for row in verdict_document(got)["options"]}
    row = rows["destroyed_when_idle"]
    assert (row["usd_per_hour"], row["usd_per_month"]) == (None, None)
    assert row["excluded_because"].startswith("UNPRICED")
    assert row["excluded_kind"] == "UNPRICED"


def test_prices_carry_their_dates() -> None:
    said = " ".join(verdict(MEDIUM, rate_rps=2, api_price_as_of="2026-11-01").assumptions)
    assert "API at $0.10 input and $0.70 output per million tokens, as of 2026-11-01" in said
    assert "GPU on demand at $1.88/h, without a date" in said


def test_a_stale_price_still_says_what_it_would_mean() -> None:
    got = verdict(MEDIUM, rate_rps=2, today="2026-11-21", gpu_price_as_of="2026-10-06")
    assert got.kind is VerdictKind.STALE_PRICES
    assert "46 days old" in reason(got)
    assert "Cheapest is the API at $1.17/h, against $1.88/h for one GPU on demand." in reason(got)


def test_a_gpu_that_costs_nothing_more_never_loses_to_a_free_api() -> None:
    free = {**MEDIUM, "input_usd_per_mtok": 0, "output_usd_per_mtok": 0}
    got = verdict(free, rate_rps=4, capacity_rps=25)
    assert got.kind is VerdictKind.NO_CROSSOVER
    assert "cost nothing" in reason(got)
    for usd in ("0.5", "1.88"):
        paid = verdict(free, rate_rps=4, capacity_rps=25, gpu_usd_per_hour=usd)
        assert reason(paid) == reason(got).replace("$1.88", f"${Decimal(usd):.2f}")


def test_no_traffic_at_all() -> None:
    got = verdict(MEDIUM, rate_rps=0, capacity_rps=25)
    assert got.kind is VerdictKind.API_CHEAPER
    assert verdict_document(got)["best"]["usd_per_hour"] == "0"


NUMBERS = {
    name: st.decimals("0", "1000", places=3)
    for name in (
        "gpu_usd_per_hour", "gpu_usd_per_month", "input_tokens", "output_tokens",
        "input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok",
        "usd_per_request", "fee_percent", "batch_multiplier", "rate_rps", "starts_per_day",
        "cold_start_s", "idle_timeout_s", "service_s", "serverless_usd_per_second",
        "warm_usd_per_second", "keep_warm", "ttft_slo_s", "gpu_ttft_p99_s", "api_ttft_p99_s",
        "gpu_ttft_p99_above_s",
        "provisioned_unit_usd_per_hour", "owned_usd", "power_kw", "usd_per_kwh",
        "storage_usd_per_month", "ops_usd_per_month", "max_replicas", "api_input_tokens",
        "restart_s", "minimum_charge_s",
    )
}  # fmt: skip
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "cached_input_share": st.decimals("0", "1", places=2),
    "peak_over_average": st.decimals("1", "50", places=1),
    "capacity_rps": st.decimals("0.001", "1000", places=3),
    "hours_per_day": st.decimals("0", "24", places=1),
    "provisioned_unit_tokens_per_s": st.decimals("0.1", "1000", places=1),
    "owned_life_months": st.decimals("1", "60", places=0),
    "hours_per_month": st.sampled_from([720, 730]),
    "pue": st.decimals("1", "3", places=2),
    "gpu_price_spread_percent": st.decimals("0", "99", places=0),
    "api_price_spread_percent": st.decimals("0", "99", places=0),
    "profile_rps": st.lists(st.decimals("0", "50", places=1), min_size=24, max_size=24),
    "granularity_s": st.integers(1, 3600),
    "billed_when_stopped": st.booleans(),
    "tiers": st.lists(
        st.fixed_dictionaries(
            {
                "above_input_tokens": st.integers(0, 1000),
                "input_usd_per_mtok": st.integers(0, 9),
                "output_usd_per_mtok": st.integers(0, 9),
            }
        ),
        min_size=1,
        unique_by=lambda tier: tier["above_input_tokens"],
        max_size=2,
    ),
    "observed": st.fixed_dictionaries(
        {"n": st.integers(0, 1000)},
        optional={
            "window_s": st.integers(1, 1000),
            "input_tokens_mean": st.integers(0, 1000),
            "output_tokens_mean": st.integers(0, 1000),
            "output_tokens_sd": st.integers(0, 1000),
            "covariance": st.integers(-100_000, 100_000),
        },
    ),
}


KINDS = st.lists(
    st.fixed_dictionaries(
        {
            "weight": st.integers(1, 9),
            "input_tokens": st.integers(0, 1000),
            "output_tokens": st.integers(0, 1000),
        }
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(KINDS, st.integers(0, 3), st.integers(0, 3))
def test_a_distribution_without_tiers_costs_what_its_mean_does(
    kinds: list[dict[str, int]], into: int, out: int
) -> None:
    """The price is linear in the tokens, so that their spread moves the interval alone."""
    total = sum(kind["weight"] for kind in kinds)
    means = {
        key: Decimal(sum(kind["weight"] * kind[key] for kind in kinds)) / total
        for key in ("input_tokens", "output_tokens")
    }
    prices = {"input_usd_per_mtok": into, "output_usd_per_mtok": out}
    spread = usd_per_request(scenario_from({**prices, "token_distribution": kinds}))
    mean = usd_per_request(scenario_from({**prices, **means}))
    assert spread is not None
    assert mean is not None
    assert abs(spread - mean) < Decimal("1e-24")


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({}, optional={**NUMBERS, **OTHERS}))
def test_whatever_is_known_there_is_an_answer(data: dict[str, Any]) -> None:
    got = verdict(data)
    document = json.loads(json.dumps(verdict_document(got), allow_nan=False))
    assert document["reason"]
    for row in document["options"]:
        assert (row["usd_per_hour"] is None) <= (row["excluded_because"] is not None)
    if got.best is not None:
        assert why(got.best) == ""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "3.22 req/s, 709 output tokens/s"),
        ({"capacity_rps": 5}, "3.22 req/s, 709 output tokens/s, 64.5 % utilisation"),
        ({"rate_rps": 4}, "3.22 req/s, 709 output tokens/s, 19.3 busy hours a day"),
        ({"rate_rps": 2}, "3.22 req/s, 709 output tokens/s, not reachable within 24 h/day"),
        ({"gpu_price_spread_percent": 10}, "3.22 req/s (2.9 to 3.55), 709 output tokens/s"),
        ({"gpu_price_spread_percent": "0.001"}, "3.22 req/s, 709 output tokens/s"),
        ({"gpu_usd_per_hour": None}, ""),
    ],
)
def test_break_even_is_told_in_every_unit(more: dict[str, Any], told: str) -> None:
    assert break_even_sentence(verdict(MEDIUM, **more).crossover) == told
