"""What is not sure of a price is in the verdict: sources that disagree, days that nobody names."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.verdict import decide
from backends.domain.prices.ends import PriceEnds, ends_of
from backends.domain.prices.prices import ApiPrice
from backends.domain.session import Session
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.requests import Errors, Observed
from backends.history.records import FirstTokens
from backends.operations.scenario import host_scenario
from backends.operations.sure_prices import as_sure_as_prices
from backends.settings.config import Settings, TokenPrices
from tests.backends.domain.journals import at
from tests.console.sessions import DAY, PROFILE, SERVERLESS


def scenario(
    rate_rps: str, prices: TokenPrices, *, gpu_dated: bool = True, capacity: str = "9"
) -> Scenario:
    seen = Observed(Decimal(100_000), Decimal(80), Decimal(220), window_s=Decimal(100_000))
    profile = PROFILE if gpu_dated else replace(PROFILE, gpu_price_as_of=None)
    settings = Settings((profile,), (replace(SERVERLESS, prices=prices),))
    made = host_scenario(Session(at(0.0)), settings, DAY, Demand(seen, "a file")).scenario
    return replace(made, rate_rps=Decimal(rate_rps), capacity_rps=Decimal(capacity), observed=None)


def row(source: str, usd_in: str, usd_out: str) -> ApiPrice:
    return ApiPrice("p", "m", "m", Decimal(usd_in), Decimal(usd_out), source=source, as_of=DAY)


def prices(*others: ApiPrice) -> TokenPrices:
    shown = row("one", "0.10", "0.70")
    return TokenPrices(Decimal("0.10"), Decimal("0.70"), as_of=DAY, ends=ends_of((shown, *others)))


@pytest.mark.parametrize(
    ("other", "rate", "kind"),
    [
        # The other source asks half: the GPU wins from 6.4 req/s on, not from 3.2.
        (row("two", "0.05", "0.35"), "4", VerdictKind.TOO_CLOSE),
        (row("two", "0.05", "0.35"), "7", VerdictKind.SELF_HOST_CHEAPER),
        (row("two", "0.20", "1.40"), "2.5", VerdictKind.TOO_CLOSE),
        (row("two", "0.20", "1.40"), "1", VerdictKind.API_CHEAPER),
        (row("two", "0.11", "0.75"), "4", VerdictKind.SELF_HOST_CHEAPER),
    ],
)
def test_a_verdict_holds_for_both_ends_of_a_price_or_is_too_close(
    other: ApiPrice, rate: str, kind: VerdictKind
) -> None:
    asked = scenario(rate, prices(other))
    assert decide(asked).kind is kind
    said = any(each.startswith("A request costs between") for each in decide(asked).assumptions)
    assert said == isinstance(prices(other).ends, PriceEnds)


@pytest.mark.parametrize(
    ("rate", "gpu_dated", "api_dated", "kind"),
    [
        ("3.4", True, True, VerdictKind.SELF_HOST_CHEAPER),
        ("3.4", False, True, VerdictKind.TOO_CLOSE),
        ("3.4", True, False, VerdictKind.TOO_CLOSE),
        ("4", False, False, VerdictKind.SELF_HOST_CHEAPER),
        ("3.0", False, True, VerdictKind.TOO_CLOSE),
        ("2.5", False, False, VerdictKind.API_CHEAPER),
    ],
)
def test_a_price_of_an_unknown_day_makes_the_verdict_less_sure(
    rate: str, gpu_dated: bool, api_dated: bool, kind: VerdictKind
) -> None:
    api = prices() if api_dated else replace(prices(), as_of=None)
    found = decide(scenario(rate, api, gpu_dated=gpu_dated))
    assert found.kind is kind
    assert any("taken ±10 %" in each for each in found.assumptions) != (gpu_dated and api_dated)


@pytest.mark.parametrize("days", [-400, 90])
def test_a_price_that_is_old_or_of_a_day_to_come_decides_nothing(days: int) -> None:
    api = replace(prices(), as_of=DAY + timedelta(days=days))
    assert decide(scenario("4", api)).kind is VerdictKind.STALE_PRICES


def test_no_more_traffic_decides_what_prices_leave_open() -> None:
    seen = Observed(
        Decimal(400_000), Decimal(80), Decimal(220), window_s=Decimal(100_000),
        errors=Errors(0.01, 0.01, 0.01),
    )  # fmt: skip
    sure = replace(scenario("3.3", prices()), observed=seen)
    open_prices = replace(sure, api_price_range=(Decimal("0.5"), Decimal(1)))
    for asked, helps in ((sure, True), (open_prices, False)):
        found = decide(asked)
        assert found.kind is VerdictKind.TOO_CLOSE
        assert (found.decided_in_s is not None) is helps


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (None, VerdictKind.SELF_HOST_CHEAPER),
        ("1.1", VerdictKind.SELF_HOST_CHEAPER),
        ("0.4", VerdictKind.TOO_CLOSE),
        ("3", VerdictKind.SELF_HOST_CHEAPER),
    ],
)
def test_what_the_replies_themselves_cost_is_one_end_of_the_price(
    told: str | None, kind: VerdictKind
) -> None:
    tail = FirstTokens(
        SERVERLESS.name, SERVERLESS.model, 20, 0, None, 0.0, Decimal(told) if told else None
    )
    asked = as_sure_as_prices(scenario("4", prices()), prices(), tail)
    assert decide(asked).kind is kind
