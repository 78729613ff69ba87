"""``cost`` and ``verdict`` for scripts: exit codes, CSV, the report with its pictures."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.domain.server import Owner
from backends.operations.capacity import keep_capacity
from backends.settings.paths import state_folder
from tests.console.cli.conftest import Cli, configure
from tests.console.sessions import READY
from tests.console.tui.test_cost_pictures import CAPACITY

PRICES = "gpu_usd_per_hour = 1.88\ninput_usd_per_mtok = 0.10\noutput_usd_per_mtok = 0.70\n"
TRAFFIC = "input_tokens = 80\noutput_tokens = 220\ncapacity_rps = 5\n"
CONFIGURATION = """
[server.chat]
model = "org/model"
gpu_usd_per_hour = "1.88"
[endpoint.cheap]
base_url = "http://127.0.0.1:9/v1"
model = "m"
input_usd_per_mtok = "0.10"
output_usd_per_mtok = "0.70"
[endpoint.unknown]
base_url = "http://127.0.0.1:9/v1"
model = "m"
[billing]
budget_usd_per_day = "0.01"
switching_usd = "10"
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return tmp_path / "scenario.toml"


@pytest.mark.parametrize(
    ("rate", "option", "code", "decided"),
    [
        ("rate_rps = 2\n", "api", 0, True),
        ("rate_rps = 2\n", "self_host", 4, True),
        ("rate_rps = 4\n", "self_host", 0, True),
        ("rate_rps = 4\n", "api", 4, True),
        ("rate_rps = 4\ngpu_price_spread_percent = 50\n", "self_host", 4, False),
        ("rate_rps = 4\ngpu_price_spread_percent = 50\n", "api", 4, False),
        ("", "self_host", 4, False),
    ],
)
def test_only_a_decided_yes_is_a_yes(
    cli: Cli, scenario: Path, rate: str, option: str, code: int, *, decided: bool
) -> None:
    scenario.write_text(PRICES + TRAFFIC + rate)
    ran = cli("verdict", "--scenario", str(scenario), "--require", option, "--json")
    assert ran.code == code
    assert ran.json()["required"] == {"option": option, "met": code == 0, "decided": decided}
    assert ran.json()["now"] is None
    assert ("there is no decision" in ran.err) is not decided


def test_the_measured_verdict_answers_both_questions(cli: Cli) -> None:
    configure(CONFIGURATION)
    told = cli("verdict", "--json").json()
    assert told["verdict"] == "INSUFFICIENT_DATA"
    assert told["now"]["verdict"] == "SEND_TO_API"
    assert told["advice"]["kind"] == "UNDECIDED"
    assert [rival["endpoint"] for rival in told["endpoints"]] == ["cheap", "unknown"]
    printed = cli("verdict").out
    places = [
        printed.index(each) for each in ("Right now: ", "Long-term: ", "Recommended action: ")
    ]
    assert places == sorted(places)


def test_a_traffic_file_is_the_traffic(cli: Cli, tmp_path: Path) -> None:
    configure(CONFIGURATION)
    log = tmp_path / "requests.csv"
    rows = "\n".join(f"{1_790_000_000 + second / 2},80,220" for second in range(4000))
    log.write_text(f"at,input_tokens,output_tokens\n{rows}\n")
    told = cli("verdict", "--traffic", str(log), "--json").json()
    assert told["traffic"]["requests"] == 4000
    assert told["break_even_rps"] == pytest.approx(3.2236, abs=0.001)
    fleet = cli("cost", "--traffic", str(log), "--json").json()["fleet"]
    assert float(fleet["api_equivalent"][0]["usd"]) == pytest.approx(4000 * 0.000162)
    assert cli("verdict", "--traffic", str(tmp_path / "none.csv")).code == 2


def test_a_price_by_tiers_says_that_the_mean_prompt_decides(cli: Cli, tmp_path: Path) -> None:
    endpoint = """
[endpoint.claude]
base_url = "https://api.anthropic.com/v1"
model = "claude-sonnet-4-5"
"""
    configure(CONFIGURATION + endpoint)
    log = tmp_path / "requests.csv"
    rows = "\n".join(f"{1_790_000_000 + second},{210_000},500" for second in range(40))
    log.write_text(f"at,input_tokens,output_tokens\n{rows}\n")
    printed = cli("cost", "--traffic", str(log)).out.splitlines()
    told = {line.strip().partition(":")[0]: line for line in printed if "for its tokens" in line}
    assert told["claude"].endswith("$50.85 for its tokens; the mean prompt decides the tier")
    assert told["cheap"].endswith("for its tokens")


def test_the_bill_as_rows(cli: Cli) -> None:
    configure(CONFIGURATION)
    ran = cli("cost", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    by_kind = {(row["kind"], row["name"]): row for row in rows}
    parts = [float(row["usd"]) for row in rows if row["kind"] in {"spent", "rounding"}]
    assert sum(parts) == pytest.approx(float(by_kind["total", ""]["usd"]), abs=1e-6)
    assert by_kind["api_equivalent", "unknown"]["usd"] == ""
    assert by_kind["api_equivalent", "unknown"]["reason"].startswith("UNPRICED")
    assert ("day", f"{datetime.now(UTC):%Y-%m-%d}") in by_kind


def test_a_budget_that_is_spent_says_so(cli: Cli) -> None:
    configure(CONFIGURATION)
    budget = cli("cost", "--json").json()["budget"]
    assert budget["state"] == "over"
    assert "OVER" in cli("cost").out


def test_a_report_of_a_period_has_its_pictures_beside_it(cli: Cli, tmp_path: Path) -> None:
    configure(CONFIGURATION)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    report = tmp_path / "a report.md"
    ran = cli("cost", "--since", today, "--until", today, "--output", str(report))
    assert ran.code == 0, ran.err
    text = report.read_text()
    assert f"{today} to {today}" in text
    assert "![What each day cost](a%20report-days.svg)" in text
    assert "**Plan: " in text
    assert "**Now: " in text
    picture = ET.parse(tmp_path / "a report-days.svg").getroot()
    drawn = [each.tag.rpartition("}")[2] for each in picture.iter()]
    assert drawn.count("rect") > 6


def test_a_period_that_ends_before_it_begins_is_refused(cli: Cli) -> None:
    ran = cli("cost", "--since", "2026-11-02", "--until", "2026-11-01")
    assert ran.code == 2
    assert "exchange them" in ran.err


PLAN = """
[plan]
hours_per_day = 10
gpu_usd_per_month = "900"
serverless_usd_per_second = 0.0006
service_s = 2.5
idle_timeout_s = 30
provisioned_unit_usd_per_hour = 2
provisioned_unit_tokens_per_s = 500
owned_usd = 30_000
owned_life_months = 36
power_kw = 0.7
usd_per_kwh = "0.15"
"""


def test_the_plan_of_the_configuration_ranks_every_way(cli: Cli, tmp_path: Path) -> None:
    configure(CONFIGURATION + PLAN + "cold_start_s = 300\n")
    keep_capacity(state_folder(), CAPACITY)
    log = tmp_path / "traffic.csv"
    began = datetime.now(UTC).timestamp() - 3600
    rows = "".join(f"{began + 30 * n},4800,13200,60\n" for n in range(120))
    log.write_text(f"at,input_tokens,output_tokens,requests\n{rows}")
    told = cli("verdict", "--traffic", str(log), "--json").json()
    assert {option["name"] for option in told["options"]} == {
        "api",
        "on_demand",
        "destroyed_when_idle",
        "reserved",
        "serverless_gpu",
        "provisioned_throughput",
        "owned",
    }
    assert all(option["usd_per_hour"] for option in told["options"])
    report = tmp_path / "report.md"
    assert cli("cost", "--traffic", str(log), "--report", "--output", str(report)).code == 0
    text = report.read_text()
    assert "| one GPU reserved | $1.23 | $29.59 | $900.00 |  |" in text
    assert "- Traffic: " in text
    assert "![" in text
    people = cli("verdict", "--traffic", str(log)).out
    assert re.search(r"reserved +\$1\.2329/h +\$29\.59/day +\$900\.00/month", people)
    assert re.search(r"break-even: [\d.]+ req/s.* output tokens/s, [\d.]+ % utilisation", people)
    assert "reserved" in people
    assert "GPU reserved at $900.00/month, without a date." in people


def test_what_is_measured_is_no_plans_and_the_place_is_named(cli: Cli) -> None:
    path = configure("[plan]\npue = 1.2\nrate_rps = 3\n")
    ran = cli("verdict")
    assert (ran.code, ran.out) == (2, "")
    assert f"{path}:3: plan.rate_rps does not belong in a plan; " in ran.err
    assert "[traffic]" in ran.err


@pytest.mark.usefixtures("configured")
def test_a_start_that_no_console_watched_tells_the_cold_start(cli: Cli) -> None:
    before = " ".join(cli("verdict", "--json").json()["assumptions"])
    assert "A cold start takes" not in before
    assert cli("start", "chat", "--wait").code == 0
    after = " ".join(cli("verdict", "--json").json()["assumptions"])
    assert cli("stop", "chat").code == 0
    assert "the median of one start of chat on this host" in after


def test_days_of_which_nothing_was_recorded_cost_nothing_that_is_known(cli: Cli) -> None:
    ran = cli("cost", "--since", "2020-01-01", "--until", "2020-01-02")
    assert ran.code == 0
    assert "Nothing was recorded from 2020-01-01 to 2020-01-02." in ran.out
    assert "$0.00" not in ran.out
    document = cli("cost", "--since", "2020-01-01", "--until", "2020-01-02", "--json").json()
    assert document["spent"] is None


def test_the_prices_that_would_change_a_verdict_are_printed(cli: Cli, scenario: Path) -> None:
    scenario.write_text(PRICES + TRAFFIC + "rate_rps = 4\n")
    printed = cli("verdict", "--scenario", str(scenario)).out
    assert "price: above $2.33 an hour for a GPU on demand the API wins; now $1.88" in printed
    told = cli("verdict", "--scenario", str(scenario), "--json").json()["price_flips"]
    assert [row["price"] for row in told] == ["gpu_usd_per_hour", "output_usd_per_mtok"]


def test_without_a_configuration_the_server_that_is_judged_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert READY.life is not None
    server = replace(READY.life.server, name="vllm-8000", owner=Owner.EXTERNAL, model="org/theirs")
    theirs = replace(READY, life=replace(READY.life, server=server))
    monkeypatch.setattr("console.cli.measured.snapshot", lambda *_: theirs)
    assert cli("verdict").out.startswith("Server: vllm-8000, external, org/theirs\n")
    told = cli("verdict", "--json").json()
    assert told["server"] == {"name": "vllm-8000", "owner": "external", "model": "org/theirs"}
