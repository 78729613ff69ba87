"""A live verdict with what only the user knows: every way of serving is ranked."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.wording import excluded_because, reason
from backends.domain.traffic.shape import HourlyProfile
from backends.operations import scenario
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all, decision_document
from backends.settings.config import Settings
from backends.settings.read import parse_settings
from console.tui.views.plan import options_view
from tests.console.sessions import DAY, PLAN, READY, SERVERLESS, SETTINGS
from tests.console.tui.test_cost_pictures import CAPACITY, DEAR

ALWAYS = {"api", "on_demand"}


def planned(plan: dict[str, Any], settings: Settings = SETTINGS) -> Settings:
    return replace(settings, plan=scenario_from(plan))


def decided(plan: dict[str, Any], settings: Settings = SETTINGS) -> Decision:
    return decide_all(READY, Context(planned(plan, settings), capacities=(CAPACITY,)), DAY)


def test_every_way_of_serving_is_ranked() -> None:
    options = {option.name: option for option in decided(PLAN).plan.options}
    assert set(options) == ALWAYS | {
        "reserved",
        "owned",
        "destroyed_when_idle",
        "stopped_when_idle",
        "serverless_gpu",
        "serverless_gpu_kept_warm",
        "provisioned_throughput",
    }
    assert all(option.usd_per_hour is not None for option in options.values())
    usable = [option.usd_per_hour for option in options.values() if option.exclusion is None]
    assert usable == sorted(usable, key=lambda usd: usd or Decimal(0))


def test_the_hybrid_is_ranked_beside_them() -> None:
    light = replace(CAPACITY, rps=Decimal("1.2"))
    cheap = replace(SETTINGS.servers[0], gpu_usd_per_hour=Decimal("0.25"))
    context = Context(
        planned({"max_replicas": 1}, replace(SETTINGS, servers=(cheap,))), capacities=(light,)
    )
    found = decide_all(READY, context, DAY).plan
    assert found.kind is VerdictKind.HYBRID_CHEAPER
    assert {option.name for option in found.options} == ALWAYS | {"hybrid"}


def test_costs_are_those_of_the_formulas() -> None:
    found = {option.name: option.usd_per_hour for option in decided(PLAN).plan.options}
    beside = Decimal(120) / 730
    assert found["reserved"] == Decimal(900) / 730 + beside
    assert found["on_demand"] == Decimal("1.88") + beside
    billed_s = 10 * 3600 + 2 * (300 + 30)
    destroyed = found["destroyed_when_idle"]
    assert destroyed is not None
    assert abs(destroyed - (Decimal("1.88") * billed_s / 86400 + beside)) < Decimal("1e-9")


def test_a_reserved_gpu_can_win() -> None:
    found = decided({"gpu_usd_per_month": 100}).plan
    assert found.kind is VerdictKind.RESERVED_CHEAPER
    assert found.best is not None
    assert found.best.name == "reserved"


def test_batch_prices_are_the_plans_and_no_answer_to_where_the_next_request_goes() -> None:
    no_limit = replace(SETTINGS, limits=type(SETTINGS.limits)())
    whole, half = decided({}, no_limit), decided({"batch_multiplier": "0.5"}, no_limit)
    assert whole.plan.usd_per_request is not None
    assert half.plan.usd_per_request == whole.plan.usd_per_request / 2
    assert half.now == whole.now
    excluded = {
        option.name: excluded_because(option.exclusion, NO_REMEDIES)
        for option in decided({"batch_multiplier": "0.5"}).plan.options
    }
    assert "batch prices come without any limit" in excluded["api"]


def test_batches_are_as_cheap_and_as_late_at_every_endpoint() -> None:
    settings = replace(SETTINGS, endpoints=(SERVERLESS, DEAR))
    found = decided({"batch_multiplier": "0.5"}, settings)
    whole = decided({}, settings)
    bars = [
        {bar.name: bar for bar in options_view(each.plan, each.scenario, each.ranked).options}
        for each in (found, whole)
    ]
    for name in ("API: serverless", "API: dear"):
        half, full = (each[name].usd_per_month for each in bars)
        assert full is not None
        assert half == pytest.approx(full / 2)
        assert "batch prices come without any limit" in bars[0][name].excluded_because
        assert bars[1][name].excluded_because == ""


def test_each_price_has_its_own_date() -> None:
    said = " ".join(decided({**PLAN, "contract_price_as_of": "2026-09-01"}).plan.assumptions)
    assert f"GPU on demand at $1.88/h, as of {DAY}." in said
    assert "GPU reserved at $900.00/month, as of 2026-09-01 (an offer)." in said
    undated = " ".join(decided({"gpu_usd_per_month": 900}).plan.assumptions)
    assert "GPU reserved at $900.00/month, without a date." in undated


def test_an_old_price_of_the_plan_is_stale_and_says_where_to_renew_it() -> None:
    old = {"gpu_usd_per_month": 900, "contract_price_as_of": "2026-01-01"}
    found = decided(old).plan
    assert found.kind is VerdictKind.STALE_PRICES
    assert "set contract_price_as_of" in reason(found)
    assert decided({"contract_price_as_of": "2026-01-01"}).plan.kind is VerdictKind.API_CHEAPER


def test_what_each_side_runs_may_be_said() -> None:
    found = decided({"quantisation": "fp8", "api_quantisation": "bf16"}).plan
    assert found.kind is VerdictKind.NOT_COMPARABLE


def test_the_document_has_every_option_and_every_assumption() -> None:
    document = decision_document(decided(PLAN))
    names = {option["name"] for option in document["options"]}
    assert {"reserved", "owned", "serverless_gpu", "provisioned_throughput"} <= names
    assert all(option["usd_per_month"] for option in document["options"])
    assert any("holds 10 h a day" in said for said in document["assumptions"])


def test_a_learnt_day_stands_above_supposed_hours() -> None:
    asked = scenario.live_demand(READY)
    day = HourlyProfile((3600.0,) * 12 + (7200.0,) * 12, (3600.0,) * 24)
    even, learnt = (
        scenario.host_scenario(READY, planned(PLAN), DAY, replace(asked, profile=each)).scenario
        for each in (None, day)
    )
    assert (even.hours_per_day, even.profile_rps) == (Decimal(10), None)
    assert learnt.hours_per_day is None
    assert learnt.profile_rps == (Decimal(1),) * 12 + (Decimal(2),) * 12


def test_the_table_of_the_configuration_reaches_the_verdict() -> None:
    toml = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    table = toml.split("[plan]", 1)[1].split("\n[", 1)[0]
    plan = parse_settings(f"[plan]{table}", Path("config.toml")).plan
    found = decide_all(READY, Context(replace(SETTINGS, plan=plan), capacities=(CAPACITY,)), DAY)
    assert "reserved" in {option.name for option in found.plan.options}
