"""From what is measured and configured to the bill and the scenario."""

from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.money.kinds import VerdictKind
from backends.domain.session import Session
from backends.settings.config import Billing, Endpoint, TokenPrices
from console import economics
from tests.backends.domain.journals import at
from tests.console.sessions import DAY, EMPTY, PROFILE, READY, SERVERLESS, SETTINGS


def priced(**prices: str | None) -> Endpoint:
    values = {name: None if text is None else Decimal(text) for name, text in prices.items()}
    return replace(SERVERLESS, prices=TokenPrices(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "endpoint",
    [
        priced(),
        priced(input_usd_per_mtok="0.1"),
        priced(output_usd_per_mtok="0.7"),
        priced(input_usd_per_mtok="0.1", usd_per_request="0.01"),
    ],
    ids=["nothing", "input", "output", "request"],
)
def test_half_a_price_is_no_price(endpoint: Endpoint) -> None:
    assert economics.tokens_price(endpoint) is None
    assert economics.elsewhere(READY, endpoint) is None


def test_elsewhere_is_the_price_of_the_tokens_that_were_served() -> None:
    usd = economics.elsewhere(READY, SERVERLESS)
    assert usd is not None
    requests = READY.totals.requests
    assert requests == 222
    expected = Decimal(222) * (80 * Decimal("0.10") + 220 * Decimal("0.70")) / 10**6
    assert usd == pytest.approx(expected)


def test_cached_input_has_its_own_price_where_one_is_known() -> None:
    cheaper = priced(
        input_usd_per_mtok="0.10", output_usd_per_mtok="0.70", cached_input_usd_per_mtok="0.01"
    )
    usd, full = economics.elsewhere(READY, cheaper), economics.elsewhere(READY, SERVERLESS)
    assert usd is not None
    assert full is not None
    assert full - usd == pytest.approx(Decimal(222 * 20) * Decimal("0.09") / 10**6)


def test_the_rival_is_the_first_endpoint_with_a_price() -> None:
    unpriced = Endpoint("unpriced", "http://127.0.0.1:9/v1", "m")
    both = replace(SETTINGS, endpoints=(unpriced, SERVERLESS))
    assert economics.rival(both) is SERVERLESS
    assert economics.rival(replace(SETTINGS, endpoints=(unpriced,))) is unpriced
    assert economics.rival(replace(SETTINGS, endpoints=())) is None


def test_the_scenario_holds_what_was_measured_and_nothing_invented() -> None:
    scenario = economics.scenario(READY, SETTINGS, DAY)
    assert (scenario.input_tokens, scenario.output_tokens) == (Decimal(80), Decimal(220))
    assert scenario.rate_rps == pytest.approx(Decimal(2), rel=Decimal("0.02"))
    assert scenario.capacity_rps is None
    empty = economics.scenario(EMPTY, SETTINGS, DAY)
    assert (empty.input_tokens, empty.output_tokens, empty.rate_rps) == (None, None, None)


def test_no_verdict_without_traffic_or_price() -> None:
    assert economics.verdict(EMPTY, SETTINGS, DAY).kind is VerdictKind.INSUFFICIENT_DATA
    unpriced = replace(SETTINGS, servers=(replace(PROFILE, gpu_usd_per_hour=None),))
    assert economics.verdict(READY, unpriced, DAY).kind is VerdictKind.UNPRICED


def test_the_bill_is_unknown_before_the_meter_runs() -> None:
    assert economics.spent(Session(at(90)), SETTINGS) is None


def test_the_bill_is_rate_times_time_rounded_as_the_provider_rounds() -> None:
    exact = economics.spent(READY, SETTINGS)
    hourly = economics.spent(READY, replace(SETTINGS, billing=Billing(granularity_s=3600)))
    assert exact is not None
    assert hourly is not None
    assert exact.usd == pytest.approx(Decimal("1.88") * 278 / 3600)
    assert hourly.usd == Decimal("1.88")


def test_a_foreign_server_has_no_profile_and_so_no_price() -> None:
    settings = replace(SETTINGS, servers=(replace(PROFILE, name="other"),))
    bill = economics.spent(READY, settings)
    assert economics.watched_profile(READY, settings) is None
    assert bill is not None
    assert bill.usd is None
