"""The last month at each way of serving is what was recorded, priced by each way."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide
from backends.domain.session import Session
from backends.domain.traffic.bins import Bin
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.requests import Observed
from backends.operations.last_month import last_month, month_lines
from backends.operations.scenario import host_scenario
from backends.settings.config import Settings, TokenPrices
from console.cli.cost_month import month_document, month_section
from tests.backends.domain.journals import at
from tests.console.sessions import DAY, PROFILE, SERVERLESS

BEGAN_S = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
NOW_S = BEGAN_S + 20 * 86_400
PRICES = scenario_from(
    {
        "gpu_usd_per_hour": "1.88",
        "input_usd_per_mtok": "0.10",
        "output_usd_per_mtok": "0.70",
        "capacity_rps": 6,
        "rate_rps": 99,
        "input_tokens": 1,
        "output_tokens": 1,
    }
)
EACH_USD = (80 * 0.10 + 220 * 0.70) / 1e6


def hours(*rates: float, days: int = 20) -> tuple[Bin, ...]:
    found = []
    for hour in range(24 * days):
        n = rates[hour % len(rates)] * 3600
        found.append(Bin(BEGAN_S + hour * 3600, 3600.0, n, n, n * 80, n * 220))
    return tuple(found)


def test_each_way_costs_what_really_came_would_have_cost_there() -> None:
    past = last_month(PRICES, hours(2.0, 8.0), NOW_S)
    assert past is not None
    usd = {option.name: float(past.usd(option) or 0) for option in past.options}
    requests = 240 * 3600 * (2 + 8)
    assert past.requests == requests
    assert usd["api"] == pytest.approx(requests * EACH_USD)
    assert usd["on_demand"] == pytest.approx(2 * 1.88 * 480)
    assert usd["hybrid"] == pytest.approx(1.88 * 480 + 240 * 3600 * 2 * EACH_USD)
    assert next(iter(usd)) == "hybrid"


def test_what_was_before_the_month_or_not_watched_costs_nothing() -> None:
    old = Bin(BEGAN_S - 40 * 86_400, 3600.0, 1e9, 1e9, 8e10, 2.2e11)
    half = tuple(each for each in hours(4.0) if int(each.began_s) % 86_400 < 43_200)
    past = last_month(PRICES, (old, *half), NOW_S)
    assert past is not None
    assert past.hours == 240
    usd = {option.name: float(past.usd(option) or 0) for option in past.options}
    assert usd["on_demand"] == pytest.approx(1.88 * 240)
    assert usd["api"] == pytest.approx(240 * 3600 * 4 * EACH_USD)
    assert last_month(PRICES, (old,), NOW_S) is None


def test_how_busy_a_gpu_was_stands_beside_where_it_pays() -> None:
    past = last_month(PRICES, hours(3.0), NOW_S, Decimal("0.537"))
    assert past is not None
    assert [share for _, share in past.utilisation] == pytest.approx([0.5] * 20)
    told = "\n".join(month_lines(past))
    assert "Utilisation of one GPU by day: 50.0%; one GPU pays off from 53.7 %." in told
    assert any("2026-11-02" in line for line in month_section(past))
    document = month_document(past)
    assert document is not None
    assert document["watched_hours"] == 480
    assert month_lines(None) is not None


def test_an_endpoint_competes_for_the_servers_that_it_serves() -> None:
    cheap = TokenPrices(Decimal("0.01"), Decimal("0.07"), as_of=DAY)
    other = replace(SERVERLESS, name="other", prices=cheap, serves=("elsewhere",))
    seen = Observed(Decimal(1000), Decimal(80), Decimal(220), window_s=Decimal(1000))
    for serves, first in ((("elsewhere",), "serverless"), (("chat",), "other"), ((), "other")):
        settings = Settings((PROFILE,), (replace(other, serves=serves), SERVERLESS))
        made = host_scenario(Session(at(0.0)), settings, DAY, Demand(seen, "a file"))
        assert made.ranked[0].endpoint.name == first


BASE = {
    "gpu_usd_per_hour": "1.88",
    "input_tokens": 80,
    "output_tokens": 220,
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "capacity_rps": 6,
    "rate_rps": 4,
}


@pytest.mark.parametrize(
    ("more", "name", "usd_per_hour"),
    [
        # One GPU, and the API in 4 x 600 s of a day.
        (
            {"spot_usd_per_hour": "1", "spot_interruptions_per_day": 4, "cold_start_s": 600},
            "spot",
            1 + 2.3328 * 2400 / 86_400,
        ),
        # Four requests of ten at half the price.
        ({"batch_multiplier": "0.5", "batch_share": "0.4"}, "api", 2.3328 * 0.8),
        # Twelve months are paid for four.
        (
            {"gpu_usd_per_month": 900, "commit_months": 12, "needed_months": 4},
            "reserved",
            900 * 3 / 730,
        ),
        (
            {"gpu_usd_per_month": 900, "commit_months": 3, "needed_months": 4},
            "reserved",
            900 / 730,
        ),
    ],
)
def test_terms_of_a_contract_are_in_its_cost(
    more: dict[str, object], name: str, usd_per_hour: float
) -> None:
    found = decide(scenario_from({**BASE, **more}))
    option = next(each for each in found.options if each.name == name)
    assert float(option.usd_per_hour or 0) == pytest.approx(usd_per_hour)


def test_a_spot_gpu_that_may_be_taken_needs_the_length_of_a_start() -> None:
    asked = {**BASE, "spot_usd_per_hour": "1", "spot_interruptions_per_day": 1}
    option = next(each for each in decide(scenario_from(asked)).options if each.name == "spot")
    assert option.usd_per_hour is None


def test_a_share_of_batches_leaves_the_rest_in_time() -> None:
    limit = {**BASE, "batch_multiplier": "0.5", "ttft_slo_s": 1}
    rows = {each.name: each for each in decide(scenario_from(limit)).options}
    assert rows["api"].exclusion is not None
    rows = {
        each.name: each for each in decide(scenario_from({**limit, "batch_share": "0.5"})).options
    }
    assert rows["api"].exclusion is None


def test_hardware_of_ones_own_pays_back_by_what_it_saves() -> None:
    own = {"owned_usd": 9000, "owned_life_months": 36, "power_kw": "0.7", "usd_per_kwh": "0.20"}
    found = decide(scenario_from({**BASE, **own}))
    saved = (1.88 - 0.14) * 730
    assert found.payback_months == pytest.approx(9000 / saved)
    assert decide(scenario_from({**BASE, **own, "usd_per_kwh": "9"})).payback_months is None
