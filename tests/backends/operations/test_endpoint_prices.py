"""One cost of a request: the ranking, the verdict, the bill and the tests agree on it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.decision.outcome import VerdictKind
from backends.domain.prices.cost import Tier
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.requests import Observed
from backends.operations import ab
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all
from backends.operations.rental import api_equivalent
from backends.prober.prompts import Prompt
from backends.settings.config import Endpoint, Settings, TokenPrices
from console.tui.views.cost import cost_view
from console.tui.views.plan import options_view
from tests.console.sessions import DAY, PROFILE, READY

LONG_PROMPTS = Demand(
    Observed(
        Decimal(1000),
        input_tokens_mean=Decimal(250_000),
        output_tokens_mean=Decimal(500),
        window_s=Decimal(100_000),
    ),
    "a file",
)


def endpoint(name: str, prices: TokenPrices) -> Endpoint:
    return Endpoint(name, "http://127.0.0.1:9/v1", "m", prices=replace(prices, as_of=DAY))


TIERED = endpoint(
    "tiered",
    TokenPrices(
        Decimal("1.25"),
        Decimal(10),
        tiers=(Tier(Decimal(200_000), Decimal("2.50"), Decimal(15)),),
    ),
)
FLAT = endpoint("flat", TokenPrices(Decimal("1.50"), Decimal(10)))
BY_REQUEST = endpoint("byreq", TokenPrices(usd_per_request=Decimal("0.0001")))
TOKENS = endpoint("tokens", TokenPrices(Decimal("0.1"), Decimal("0.7")))


def settings(*endpoints: Endpoint, gpu: str = "18") -> Settings:
    return Settings((replace(PROFILE, gpu_usd_per_hour=Decimal(gpu)),), endpoints)


def decided(*endpoints: Endpoint) -> Decision:
    return decide_all(READY, Context(settings(*endpoints), traffic=LONG_PROMPTS), DAY)


@pytest.mark.parametrize("endpoints", [(FLAT,), (TIERED, FLAT), (FLAT, TIERED)])
def test_a_dearer_endpoint_turns_no_verdict_over(endpoints: tuple[Endpoint, ...]) -> None:
    found = decided(*endpoints)
    assert found.plan.kind is VerdictKind.API_CHEAPER
    assert found.plan.usd_per_request == Decimal("0.38")
    assert found.ranked[0].endpoint is FLAT


def test_every_endpoint_is_ranked_and_drawn_at_what_it_really_costs() -> None:
    found = decided(TIERED, FLAT)
    assert [rival.usd_per_request for rival in found.ranked] == [Decimal("0.38"), Decimal("0.6325")]
    bars = options_view(found.plan, found.scenario, found.ranked).options
    costs = {bar.name: bar.usd_per_month for bar in bars}
    assert costs["API: flat"] == pytest.approx(Decimal("13.68") * 730)
    assert costs["API: tiered"] == pytest.approx(Decimal("22.77") * 730)


def test_an_endpoint_priced_by_the_request_competes_and_is_priced_everywhere() -> None:
    steady = replace(
        LONG_PROMPTS,
        seen=replace(
            LONG_PROMPTS.seen,
            n=Decimal(400_000),
            input_tokens_mean=Decimal(80),
            output_tokens_mean=Decimal(220),
        ),
    )
    both = settings(TOKENS, BY_REQUEST, gpu="1.88")
    context = Context(both, traffic=steady)
    found = decide_all(READY, context, DAY)
    assert found.ranked[0].endpoint is BY_REQUEST
    assert found.plan.kind is VerdictKind.API_CHEAPER
    assert found.plan.usd_per_request == Decimal("0.0001")
    assert api_equivalent(READY.totals, BY_REQUEST).usd == Decimal("0.0222")
    costs = cost_view(READY, context, found, DAY).api_equivalent
    assert [(each.name, each.reason) for each in costs] == [("tokens", ""), ("byreq", "")]


def test_one_priced_by_the_request_is_known_before_any_request_was_seen() -> None:
    nothing = Demand(Observed(Decimal(0)), "nothing")
    found = decide_all(READY, Context(settings(TOKENS, BY_REQUEST), traffic=nothing), DAY)
    assert [(rival.endpoint.name, rival.reason) for rival in found.ranked] == [
        ("byreq", ""),
        ("tokens", "no request was seen"),
    ]


def test_tokens_elsewhere_are_charged_at_the_tier_of_their_mean_prompt() -> None:
    totals = replace(READY.totals, requests=2.0, input_tokens=500_000.0, output_tokens=1000.0)
    totals = replace(totals, cached_input_tokens=None)
    assert api_equivalent(totals, TIERED).usd == Decimal("1.265")


@pytest.mark.parametrize(
    ("priced", "most"),
    [
        (BY_REQUEST, Decimal("0.0001")),
        (
            replace(BY_REQUEST, prices=replace(BY_REQUEST.prices, fee_percent=Decimal(5))),
            "0.000105",
        ),
        (TOKENS, (Decimal(364) * Decimal("0.1") + 100 * Decimal("0.7")) / 10**6),
        (
            replace(
                TOKENS,
                prices=replace(TOKENS.prices, tiers=(Tier(Decimal(300), Decimal(1), Decimal(7)),)),
            ),
            Decimal(364 + 700) / 10**6,
        ),
        (
            replace(
                TOKENS,
                prices=replace(
                    TOKENS.prices,
                    tiers=(Tier(Decimal(300), Decimal("0.01"), Decimal("0.07")),),
                ),
            ),
            (Decimal(300) * Decimal("0.1") + 100 * Decimal("0.7")) / 10**6,
        ),
    ],
    ids=["request", "fee", "tokens", "dearer tier", "cheaper tier"],
)
def test_what_a_test_costs_at_most_follows_every_price(priced: Endpoint, most: Decimal) -> None:
    targets = ab.targets((priced.name,), settings(priced))
    order = ab.series(targets, Prompt("x", "x", "x" * 600, 100), 1)
    assert ab.most_usd(order) == 2 * Decimal(most)
    assert "UNPRICED" not in ab.cost_text(order, settings(priced))
