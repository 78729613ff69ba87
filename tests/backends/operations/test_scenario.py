"""From what is measured and configured to the bill and the scenario."""

from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.decision.exclusion import TooShort
from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.routing import NowKind
from backends.domain.decision.wording.reasons import reason
from backends.domain.prices.cost import request_prices
from backends.domain.session import Session
from backends.operations import scenario as economics
from backends.operations.pricing import gpus_of, ranked, server_usd_per_hour
from backends.operations.rental import api_equivalent
from backends.settings.config import Billing, Endpoint, TokenPrices
from tests.backends.domain.journals import at
from tests.console.sessions import (
    EMPTY,
    EMPTY_LEDGER,
    PROFILE,
    READY,
    SERVERLESS,
    SETTINGS,
    decided,
)


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
    assert not request_prices(endpoint.prices).known
    assert api_equivalent(READY.totals, endpoint).usd is None


def test_elsewhere_is_the_price_of_the_tokens_that_were_served() -> None:
    usd = api_equivalent(READY.totals, SERVERLESS).usd
    assert usd is not None
    requests = READY.totals.requests
    assert requests == 222
    expected = Decimal(222) * (80 * Decimal("0.10") + 220 * Decimal("0.70")) / 10**6
    assert usd == pytest.approx(expected)


def test_cached_input_has_its_own_price_where_one_is_known() -> None:
    cheaper = priced(
        input_usd_per_mtok="0.10", output_usd_per_mtok="0.70", cached_input_usd_per_mtok="0.01"
    )
    usd, full = (api_equivalent(READY.totals, each).usd for each in (cheaper, SERVERLESS))
    assert usd is not None
    assert full is not None
    assert full - usd == pytest.approx(Decimal(222 * 20) * Decimal("0.09") / 10**6)


def test_every_endpoint_competes_and_the_cheapest_for_these_requests_is_the_rival() -> None:
    dear_input = Endpoint(
        "a", "http://127.0.0.1:9/v1", "m", prices=TokenPrices(Decimal(9), Decimal("0.1"))
    )
    dear_output = replace(dear_input, name="b", prices=TokenPrices(Decimal("0.1"), Decimal(9)))
    unpriced = replace(dear_input, name="c", prices=TokenPrices())
    settings = replace(SETTINGS, endpoints=(unpriced, dear_output, dear_input, SERVERLESS))
    live = economics.live_demand(READY)
    names = [rival.endpoint.name for rival in ranked(settings, live, {})]
    assert names == ["serverless", "a", "b", "c"]
    means = replace(live.seen, input_tokens_mean=Decimal(10_000), output_tokens_mean=Decimal(1))
    much_input = replace(live, seen=means)
    names = [rival.endpoint.name for rival in ranked(settings, much_input, {})]
    assert names == ["serverless", "b", "a", "c"]
    found = decided(READY, settings)
    assert any("cheapest of 3 endpoints" in said for said in found.plan.assumptions)
    assert found.plan.usd_per_request == ranked(settings, live, {})[0].usd_per_request


def test_an_unpriced_endpoint_is_no_rival_and_says_so() -> None:
    unpriced = Endpoint("c", "http://127.0.0.1:9/v1", "m")
    (rival,) = ranked(replace(SETTINGS, endpoints=(unpriced,)), economics.live_demand(READY), {})
    assert (rival.usd_per_request, rival.reason) == (None, "UNPRICED")


def test_two_minutes_of_traffic_decide_nothing() -> None:
    """Readings of every quarter of a minute are many, but they know of no burst of minutes."""
    begun = replace(READY, account=replace(READY.account, ledger=EMPTY_LEDGER))
    found = decided(begun)
    for answer in (found.plan, found.right_now):
        assert answer.kind is VerdictKind.INSUFFICIENT_DATA
        assert isinstance(answer.refusal, TooShort)
        assert reason(answer) == "106 s of traffic is too short to measure bursts; needs 5 minutes."
        totals = replace(answer, refusal=TooShort(Decimal(7200)))
        assert reason(totals).startswith("The 2 h of traffic are totals, which hide bursts; needs ")


def test_now_and_plan_answer_two_questions() -> None:
    found = decided(READY)
    assert found.plan.kind is VerdictKind.API_CHEAPER
    assert found.now.kind is NowKind.KEEP_ON_GPU
    assert found.now.paid_usd_per_hour == Decimal("1.88")


@pytest.mark.parametrize(
    ("args", "gpus"),
    [
        ((), 1),
        (("--tensor-parallel-size", "4"), 4),
        (("-tp=2", "--pipeline_parallel_size=2", "-dp", "2"), 8),
        (("--tensor-parallel-size",), 1),
        (("-tp", "2", "-tp", "4"), 4),
        (("-tp", "2", "--tensor_parallel_size=4"), 4),
        (("--tensor-parallel", "4"), 4),
        (("--pipeline=2", "-tp4"), 8),
        (("--", "-tp", "4"), 1),
    ],
)
def test_the_gpus_of_a_server_are_those_it_asks_for(args: tuple[str, ...], gpus: int) -> None:
    profile = replace(PROFILE, args=args)
    assert gpus_of(profile) == gpus
    assert server_usd_per_hour(profile, Billing()) == Decimal("1.88")
    assert server_usd_per_hour(profile, Billing(gpus=8)) == Decimal("1.88") * gpus


def test_a_host_with_several_gpus_is_billed_for_all_of_them() -> None:
    settings = replace(SETTINGS, billing=Billing(gpus=8))
    one, eight = decided(READY, SETTINGS).rental.spent, decided(READY, settings).rental.spent
    assert one is not None
    assert eight is not None
    assert one.usd is not None
    assert eight.usd == one.usd * 8


def test_the_scenario_holds_what_was_measured_and_nothing_invented() -> None:
    scenario = decided(READY, SETTINGS).scenario
    assert (scenario.input_tokens, scenario.output_tokens) == (Decimal(80), Decimal(220))
    assert scenario.rate_rps == pytest.approx(Decimal(2), rel=Decimal("0.02"))
    assert scenario.capacity_rps is None
    empty = decided(EMPTY, SETTINGS).scenario
    assert (empty.input_tokens, empty.output_tokens, empty.rate_rps) == (None, None, None)


def test_no_verdict_without_traffic_or_price() -> None:
    assert decided(EMPTY, SETTINGS).plan.kind is VerdictKind.INSUFFICIENT_DATA
    unpriced = replace(SETTINGS, servers=(replace(PROFILE, gpu_usd_per_hour=None),))
    assert decided(READY, unpriced).plan.kind is VerdictKind.UNPRICED


def test_the_bill_is_unknown_before_the_meter_runs() -> None:
    assert decided(Session(at(90))).rental.spent is None


def test_the_bill_is_rate_times_time_rounded_as_the_provider_rounds() -> None:
    exact = decided(READY, SETTINGS).rental.spent
    hourly = decided(READY, replace(SETTINGS, billing=Billing(granularity_s=3600))).rental.spent
    assert exact is not None
    assert hourly is not None
    assert exact.usd == pytest.approx(Decimal("1.88") * 278 / 3600)
    assert hourly.usd == Decimal("1.88")


def test_an_external_server_has_the_price_of_the_host_it_runs_on() -> None:
    settings = replace(SETTINGS, servers=(replace(PROFILE, name="other"),))
    assert economics.watched_profile(READY, settings) is None
    bill = decided(READY, settings).rental.spent
    assert bill is not None
    assert bill.usd_per_hour == Decimal("1.88")
    assert decided(READY, settings).scenario.gpu_usd_per_hour == Decimal("1.88")


def test_profiles_that_disagree_on_the_price_leave_the_bill_without_one() -> None:
    others = (replace(PROFILE, name="a"), replace(PROFILE, name="b", gpu_usd_per_hour=Decimal(3)))
    bill = decided(READY, replace(SETTINGS, servers=others)).rental.spent
    assert bill is not None
    assert bill.usd is None
