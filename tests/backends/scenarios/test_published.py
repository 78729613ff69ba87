"""What published comparisons say, recomputed from the scenarios that ship."""

from pathlib import Path
from typing import Any

import pytest

from backends.domain.decision.document import verdict_document
from backends.domain.decision.scenario import BadScenario
from backends.domain.decision.verdict import decide
from backends.operations.remedies import remedies
from backends.scenarios.reading import (
    read_scenario,
    scenario_at,
    scenario_of,
    shipped_scenario,
    shipped_scenarios,
)

TOKENS_PER_MONTH = 730 * 3600


def document(name: str) -> dict[str, Any]:
    return verdict_document(decide(shipped_scenario(name), remedies()))


def month(name: str, option: str) -> float:
    rows = {row["name"]: row["usd_per_month"] for row in document(name)["options"]}
    return float(rows[option])


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_scenario_decides_something(name: str) -> None:
    assert document(name)["verdict"] not in {"UNPRICED", "NOT_COMPARABLE"}


@pytest.mark.parametrize(("name", "rps"), [("short", 18.0), ("medium", 3.22), ("long", 0.616)])
def test_the_published_mi300x_crossovers(name: str, rps: float) -> None:
    got = document(f"mi300x-{name}")
    assert got["break_even_rps"] == pytest.approx(rps, rel=2e-3)
    assert got["verdict"] == "CAPACITY_UNKNOWN"
    assert "inferctl load ENDPOINT" in got["reason"]


def test_the_published_mi300x_swing_is_29_not_25() -> None:
    short, long = document("mi300x-short"), document("mi300x-long")
    assert short["break_even_rps"] / long["break_even_rps"] == pytest.approx(29.24, abs=0.01)
    tokens = [
        document(f"mi300x-{n}")["output_tokens_per_s_at_break_even"] for n in ("short", "long")
    ]
    assert tokens[1] / tokens[0] == pytest.approx(1.37, abs=0.01)
    # One measured stream of 154 tokens/s is a fifth to a third of what the crossover takes.
    assert [round(rate / 154, 1) for rate in tokens] == [3.5, 4.8]


def test_the_published_rtx_5090_break_even_is_20_percent_not_6() -> None:
    got = document("rtx5090-month-or-second")
    assert got["break_even_utilisation"] == pytest.approx(0.2046, abs=1e-4)
    assert got["break_even_hours_per_day"] == pytest.approx(4.91, abs=0.005)
    assert got["break_even_utilisation"] * 720 == pytest.approx(147, abs=0.5)
    assert got["verdict"] == "SERVERLESS_GPU_CHEAPER"
    assert got["flip_quantity"] == "hours_per_day"


def test_the_published_hosted_apis() -> None:
    pound = 514.311 / 399
    assert month("rtx5090-or-gpt-4o-mini", "api") / pound == pytest.approx(600, abs=1)
    assert month("rtx5090-or-llama-70b-api", "api") / pound == pytest.approx(1947.7, abs=1)


def test_the_published_h100_thresholds() -> None:
    got = document("h100-qwen3-32b")
    assert got["break_even_utilisation"] == pytest.approx(0.7315, abs=1e-4)
    per_month = got["output_tokens_per_s_at_break_even"] * TOKENS_PER_MONTH
    assert per_month == pytest.approx(4806e6, rel=1e-3)
    at_70_percent = 3.5 * 500 * TOKENS_PER_MONTH
    assert at_70_percent == pytest.approx(4.6e9, rel=1e-2)
    assert document("h100-qwen3-32b-at-70-percent")["verdict"] == "API_CHEAPER"
    assert month("h100-qwen3-32b-at-70-percent", "on_demand") == 2883.5


@pytest.mark.parametrize(
    ("volume", "usd", "gpus"),
    [("50M", 27, 929), ("500M", 270, 929), ("2B", 1080, 929), ("10B", 5400, 1858)],
)
def test_the_published_a100_table_charges_every_token_twice(
    volume: str, usd: float, gpus: float
) -> None:
    assert month(f"a100-llama-70b-{volume}", "api") == pytest.approx(usd)
    assert month(f"a100-llama-70b-{volume}", "reserved") == pytest.approx(gpus)


def test_the_published_a100_break_even_is_1720_million_tokens() -> None:
    rps = document("a100-llama-70b-2B")["break_even_rps"]
    assert rps * 1000 * 720 * 3600 == pytest.approx(1720e6, rel=1e-3)


def test_the_published_cold_starts_cost_252_dollars() -> None:
    assert month("a100-cold-starts", "serverless_gpu") == pytest.approx(252)


def test_eighteen_hours_are_a_ratio_of_prices() -> None:
    got = document("reserved-from-18-hours")
    assert got["break_even_hours_per_day"] == 18
    assert got["verdict"] == "TOO_CLOSE"


def test_a_scenario_is_read_as_toml_or_json(tmp_path: Path) -> None:
    toml, json = tmp_path / "plan.toml", tmp_path / "plan.json"
    toml.write_text("rate_rps = 0.1\n[observed]\nn = 40\n")
    json.write_text('{"rate_rps": 0.1, "observed": {"n": 40}}')
    assert read_scenario(toml) == read_scenario(json)


@pytest.mark.parametrize(
    ("text", "is_json", "message"),
    [
        ("rate_rps = ", False, "plan: no TOML"),
        ("{", True, "plan: no JSON"),
        ("[]", True, "write an object"),
        ("rates = 1", False, 'unknown key "rates"; did you mean "rate_rps"'),
    ],
)
def test_a_bad_file_is_named(text: str, is_json: bool, message: str) -> None:
    with pytest.raises(BadScenario, match=message):
        scenario_of(text, "plan", json_text=is_json)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match="cannot be read"):
        read_scenario(tmp_path / "none.toml")


def test_an_unknown_scenario_names_those_that_ship() -> None:
    with pytest.raises(BadScenario, match="mi300x-short"):
        shipped_scenario("mi300x")


def test_a_scenario_that_ships_is_found_by_its_name(tmp_path: Path) -> None:
    assert scenario_at("mi300x-short") == shipped_scenario("mi300x-short")
    assert scenario_at("mi300x-short.toml") == shipped_scenario("mi300x-short")
    own = tmp_path / "mine.toml"
    own.write_text("rate_rps = 7\n")
    assert scenario_at(str(own)).rate_rps == 7
    with pytest.raises(BadScenario, match="cannot be read"):
        scenario_at("mi300x")


def test_the_scenarios_that_ship_are_told_in_the_order_of_their_names() -> None:
    names = shipped_scenarios()
    assert len(names) > 1
    assert list(names) == sorted(names)
