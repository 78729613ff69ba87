"""The ``[plan]`` table is read as a scenario is, and only for what nothing here measures."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.decision.scenario import KEYS, Scenario, scenario_from
from backends.domain.prices.currencies import ConvertedPrice, Currency
from backends.scenarios.reading import scenario_of
from backends.settings.config import Settings
from backends.settings.faults import ConfigError, Fault
from backends.settings.plan import BELONGS_IN
from backends.settings.read import parse_settings
from tests.backends.domain.decision.test_every_key import BASE, OTHER

PATH = Path("config.toml")
EVERYTHING = """
hours_per_day = 10
starts_per_day = 2
gpu_usd_per_month = "900"
contract_price_as_of = 2026-11-01
contract_price_source = "an offer"
serverless_usd_per_second = 0.0006
warm_usd_per_second = "0.0003"
keep_warm = 1
service_s = 2.5
idle_timeout_s = 30
cold_start_s = 300
restart_s = 61
billed_when_stopped = false
provisioned_unit_usd_per_hour = 2
provisioned_unit_tokens_per_s = 500
owned_usd = 30_000
owned_life_months = 36
power_kw = 0.7
usd_per_kwh = "0.15"
pue = 1.3
storage_usd_per_month = 20
ops_usd_per_month = 100
costs = [{ name = "egress", usd = "40", per = "month" }]
batch_multiplier = 0.5
batch_share = 0.3
cached_input_share = 0.2
commit_months = 12
needed_months = 6
spot_usd_per_hour = "0.9"
spot_interruptions_per_day = 2
max_replicas = 4
peak_over_average = 2
gpu_price_spread_percent = 5
api_price_spread_percent = 15
hours_per_month = 720
model = "org/model"
api_model = "model"
quantisation = "fp8"
api_quantisation = "fp8"
context_tokens = 32768
api_context_tokens = 32768
[{table}currencies.GBP]
usd = "1.31"
as_of = 2026-11-20
"""


def settings(toml: str) -> Settings:
    return parse_settings(toml, PATH)


def faults(toml: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(toml, PATH)
    return caught.value.faults


def test_a_plan_says_what_the_same_lines_say_in_a_scenario_file() -> None:
    file = scenario_of(EVERYTHING.replace("{table}", ""), "file", json_text=False)
    plan = settings("[plan]" + EVERYTHING.replace("{table}", "plan.")).plan
    assert plan == file
    assert plan.power_kw == Decimal("0.7")


def test_every_key_is_a_plans_or_has_a_place() -> None:
    in_plan = {line.partition(" ")[0] for line in EVERYTHING.splitlines() if " = " in line}
    in_plan = (in_plan - {"usd", "as_of"}) | {"currencies"}
    assert in_plan | set(BELONGS_IN) == set(KEYS)
    assert in_plan & set(BELONGS_IN) == set()


def test_without_a_plan_there_is_none() -> None:
    assert settings("").plan == Scenario()


def test_a_price_may_be_in_another_currency() -> None:
    text = """[plan]
gpu_usd_per_month = "399 GBP"
[plan.currencies.GBP]
usd = "1.29"
as_of = 2026-11-20
"""
    plan = settings(text).plan
    assert plan.gpu_usd_per_month == Decimal("514.71")
    assert plan.converted == (ConvertedPrice("gpu_usd_per_month", Decimal(399), "GBP"),)
    assert plan.currencies == (Currency("GBP", Decimal("1.29"), date(2026, 11, 20)),)


@pytest.mark.parametrize("key", sorted(BELONGS_IN))
def test_what_has_a_place_of_its_own_names_it(key: str) -> None:
    value = {**OTHER, **BASE}.get(key, "2026-11-20" if key.endswith("as_of") else "1")
    shown = "{n = 9}" if isinstance(value, dict) else f'"{value}"'
    (fault,) = faults(f"[plan]\npue = 1.2\n{key} = {shown}\n")
    assert (fault.key, fault.line) == (f"plan.{key}", 3)
    assert str(fault) == f"config.toml:3: plan.{key} does not belong in a plan; {BELONGS_IN[key]}"


def test_the_places_are_named_as_the_configuration_names_them() -> None:
    tables = {"gpu_usd_per_hour": "[server.NAME]", "granularity_s": "[billing]"}
    tables |= {"ttft_slo_s": "[limits]", "rate_rps": "[traffic]", "tiers": "prices update"}
    tables |= {"input_usd_per_mtok": "[endpoint.NAME]", "capacity_rps": "inferctl load"}
    for key, place in tables.items():
        assert place in BELONGS_IN[key]


@pytest.mark.parametrize(
    ("line", "key", "what", "remedy"),
    [
        ("pue = -1", "pue", "is -1, which is not a number", "0 or more"),
        ('pue = "much"', "pue", "is 'much', which is not a number", "digits"),
        ("hours_per_day = 25", "hours_per_day", "is 25, which is too much", "at most 24"),
        ("billed_when_stopped = 1", "billed_when_stopped", "neither", "true or false"),
        ("model = 7", "model", "not a string", "in double quotes"),
        ('contract_price_as_of = "soon"', "contract_price_as_of", "not a date", "2026-11-21"),
        ('owned_usd = "9 GBP"', "owned_usd", "one GBP is worth", "[plan.currencies.GBP]"),
        ("currencies = 1", "currencies", "", "[plan.currencies.GBP]"),
        ("currencies.GBP = 1", "currencies.GBP", "", "usd and as_of"),
        (
            "[plan.currencies.GBP]\nusd=0\nas_of=2026-01-01",
            "currencies.GBP.usd",
            "is 0, which cannot be",
            "out",
        ),
        ("puw = 1", "puw", "is unknown", "did you mean pue?"),
        ("zzzzzz = 1", "zzzzzz", "is unknown", "remove it"),
        ('api_key = "sk-1"', "api_key", "secret", "api_key_env"),
    ],
)
def test_a_fault_of_a_plan(line: str, key: str, what: str, remedy: str) -> None:
    (fault,) = faults(f"[plan]\n{line}\n")
    assert fault.key == f"plan.{key}"
    assert fault.line in {2, 3}
    assert what in fault.what
    assert remedy in fault.remedy


def test_all_faults_of_a_plan_are_told() -> None:
    found = faults('[plan]\nrate_rps = 1\npue = -1\nusd_per_kwh = "x"\n[limits]\nttft_p99_s = 0\n')
    assert [fault.key for fault in found] == [
        "plan.rate_rps",
        "plan.pue",
        "plan.usd_per_kwh",
        "limits.ttft_p99_s",
    ]


def test_a_plan_that_is_no_table_says_how_to_write_one() -> None:
    (fault,) = faults("plan = 1\n")
    assert (fault.key, fault.what) == ("plan", "is not a table")
    assert "[plan]" in fault.remedy


def test_one_date_in_a_file_is_of_all_gpu_prices_and_a_plan_has_its_own() -> None:
    day = date(2026, 11, 1)
    one = scenario_from({"gpu_price_as_of": "2026-11-01", "gpu_price_source": "list"})
    assert (one.contract_price_as_of, one.contract_price_source) == (day, "list")
    two = scenario_from({"gpu_price_as_of": "2026-11-01", "contract_price_as_of": "2026-10-01"})
    assert two == replace(
        one, contract_price_as_of=date(2026, 10, 1), gpu_price_source="", contract_price_source=""
    )
