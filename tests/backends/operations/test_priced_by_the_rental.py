"""Prices that once got lost between the configuration and the plan."""

from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.decision.outcome import VerdictKind
from backends.domain.decision.wording import reason
from backends.domain.session import watching
from backends.domain.traffic.demand import Demand
from backends.domain.traffic.requests import Observed
from backends.operations.capacity import Capacity
from backends.operations.context import Context
from backends.operations.decision import Decision, decide_all
from backends.settings.config import Endpoint, Limits, Profile, Settings, TokenPrices
from tests.console.sessions import DAY, EMPTY, READY

D = Decimal
PROFILE = Profile("tiny", "org/model", gpu_usd_per_hour=D("1.88"), gpu_price_as_of=DAY)
BY_TOKEN = Endpoint(
    "tokens", "https://x.example/v1", "m", prices=TokenPrices(D("0.1"), D("0.7"), as_of=DAY)
)


def by_request(usd: str) -> Endpoint:
    prices = TokenPrices(usd_per_request=D(usd), as_of=DAY)
    return Endpoint("byreq", "https://y.example/v1", "m", prices=prices)


def of_file(rps: int, *endpoints: Endpoint, external: bool = True, model: str = "") -> Decision:
    """Decide a file's traffic beside a server that nobody configured, or beside none."""
    seen = Observed(
        n=D(rps * 3600), input_tokens_mean=D(80), output_tokens_mean=D(220), window_s=D(3600)
    )
    capacity = Capacity("tiny", "org/model", (), D(6), True, 220, "0", 1.0, None, 0.0, 80, 0.5)
    profile = replace(PROFILE, model=model or PROFILE.model)
    settings = Settings((profile,), endpoints, Limits())
    watched = watching(EMPTY, "external-8001", "other/model") if external else READY
    return decide_all(
        watched,
        Context(
            settings,
            capacities=(replace(capacity, model=profile.model),),
            traffic=Demand(seen, "a file"),
        ),
        DAY,
    )


def test_a_server_that_nobody_configured_changes_no_price() -> None:
    found = of_file(4, BY_TOKEN)
    assert found.plan.kind is VerdictKind.SELF_HOST_CHEAPER
    assert found.scenario.gpu_usd_per_hour == D("1.88")


def test_two_profiles_with_two_prices_agree_on_none() -> None:
    settings = Settings(
        (PROFILE, replace(PROFILE, name="other", gpu_usd_per_hour=D("2.50"))), (BY_TOKEN,), Limits()
    )
    found = decide_all(watching(EMPTY, "external-8001", "m"), Context(settings), DAY)
    assert found.scenario.gpu_usd_per_hour is None


@pytest.mark.parametrize(("usd", "rps"), [("0.0001", 4), ("0.00009", 5)])
def test_an_api_priced_by_the_request_competes_with_one_priced_by_the_token(
    usd: str, rps: int
) -> None:
    found = of_file(rps, BY_TOKEN, by_request(usd))
    assert found.plan.kind is VerdictKind.API_CHEAPER
    assert found.ranked[0].endpoint.name == "byreq"
    assert found.plan.best is not None
    assert found.plan.best.usd_per_hour == D(usd) * rps * 3600


def test_models_that_differ_by_name_are_named_in_the_answer() -> None:
    claude = replace(BY_TOKEN, name="claude", model="claude-sonnet-4-5")
    found = of_file(4, claude, model="Qwen/Qwen2.5-0.5B-Instruct")
    assert "claude-sonnet-4-5" in reason(found.plan)
    assert "Qwen2.5-0.5B" in reason(found.plan)
    same = replace(BY_TOKEN, model="qwen2.5-0.5b-instruct")
    assert of_file(4, same, model="Qwen/Qwen2.5-0.5B-Instruct").plan.unlike is None
