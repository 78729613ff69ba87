"""Scenarios that were decided wrongly in the wild, each with the right answer; skipped without."""

from pathlib import Path
from typing import Any

import pytest

from backends.domain.decision.document import verdict_document
from backends.domain.decision.scenario import BadScenario
from backends.domain.decision.verdict import decide
from backends.scenarios.reading import scenario_at
from console.cli import verdict as verb


def answer(shared: Path, name: str) -> dict[str, Any]:
    path = shared / "wild" / "scenarios" / f"{name}.json"
    if not path.exists():
        pytest.skip("no wild/scenarios in ../shared")
    found = verb._from_file(str(path))  # the clock of the verb is part of the answer
    return verdict_document(decide(found))


@pytest.mark.parametrize(
    ("name", "kind", "usd_per_hour"),
    [
        ("01_hybrid_duty", "HYBRID_CHEAPER", 1.0277),
        ("02_tooclose_disjoint", "TOO_CLOSE", None),
        ("03_price_from_2020_no_today", "STALE_PRICES", None),
        ("04_price_of_next_year", "STALE_PRICES", None),
        ("05_unused_stale_currency", "SELF_HOST_CHEAPER", 1.88),
        ("07_owned_without_life", "SELF_HOST_CHEAPER", 1.88),
        ("08_keep_warm_without_price", "SELF_HOST_CHEAPER", 1.88),
        ("09_deepseek_same_model", "SELF_HOST_CHEAPER", 1.88),
        ("10_free_api_no_tokens", "API_CHEAPER", None),
        ("11_serverless_vs_kept_warm", "SERVERLESS_GPU_CHEAPER", 3.7682),
        ("12_rate_1e9", "SELF_HOST_CHEAPER", 313_333_333.96),
        ("23_columns_glued", "HYBRID_CHEAPER", 170.32),
        ("24_selfhost_or_hybrid_is_too_close", "TOO_CLOSE", None),
    ],
)
def test_the_right_answer(shared: Path, name: str, kind: str, usd_per_hour: float | None) -> None:
    found = answer(shared, name)
    assert found["verdict"] == kind
    if usd_per_hour is not None:
        assert float(found["options"][0]["usd_per_hour"]) == pytest.approx(usd_per_hour, rel=1e-3)


@pytest.mark.parametrize("name", ["02_tooclose_disjoint", "24_selfhost_or_hybrid_is_too_close"])
def test_what_is_open_is_named(shared: Path, name: str) -> None:
    assert "the API alone is dearer" in answer(shared, name)["reason"]


def test_a_scale_to_zero_gpu_and_one_kept_warm_are_two_ways(shared: Path) -> None:
    rows = answer(shared, "11_serverless_vs_kept_warm")["options"]
    assert {row["name"] for row in rows} == {"serverless_gpu", "serverless_gpu_kept_warm"}
    assert all(row["excluded_because"] is None for row in rows)


def test_nobody_is_sent_above_a_rate_at_which_the_same_way_wins(shared: Path) -> None:
    found = answer(shared, "12_rate_1e9")
    assert "req/s your own GPU wins" not in found["reason"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("06_pue_zero", "pue is 0"),
        ("13_impossible_covariance", "observed.covariance"),
        ("14_month_9999h", "hours_per_month is 9999"),
    ],
)
def test_what_cannot_be_is_refused(shared: Path, name: str, said: str) -> None:
    path = shared / "wild" / "scenarios" / f"{name}.json"
    if not path.exists():
        pytest.skip("no wild/scenarios in ../shared")
    with pytest.raises(BadScenario, match=said):
        scenario_at(str(path))
