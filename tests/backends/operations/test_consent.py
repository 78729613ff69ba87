"""What is asked before a load or a cold-start probe names where, how much and for how long."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from backends.domain.prices.cost import NO_PRICES, RequestPrices
from backends.operations import cold_probe, load_test
from backends.operations.host import Host, open_this_hosts_gpus
from backends.prober.protocol import LoadOrder, Target
from tests.console.sessions import SETTINGS

HOST = Host(SETTINGS, Path("/nowhere"), Path("/nowhere/history"), open_this_hosts_gpus)
PRICED = Target(
    "a", "api", "https://api.example/v1", "m", prices=RequestPrices(Decimal(1), Decimal(2))
)
UNPRICED = replace(PRICED, prices=NO_PRICES)
HERE = replace(UNPRICED, base_url="http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("target", "needed", "cost"),
    [
        (PRICED, True, "costs at most $"),
        (UNPRICED, True, "UNPRICED"),
        (HERE, False, "no price per token"),
        (replace(HERE, prices=PRICED.prices), True, "costs at most $"),
    ],
)
def test_a_load_is_asked_about_with_its_bounds_and_what_it_costs(
    target: Target, cost: str, *, needed: bool
) -> None:
    order = LoadOrder(target=target, prompt="x", max_tokens=9, ttft_limit_s=0.5, max_s=77.0)
    asked = load_test.consent(order, HOST)
    assert asked.needed is needed
    assert asked.most_usd == load_test.most_usd(order)
    for words in (target.base_url, "TTFT 0.5 s", "at most 77 s", cost):
        assert words in asked.sentence


@pytest.mark.parametrize(
    ("target", "needed", "cost"),
    [(PRICED, True, "at most $"), (UNPRICED, True, "UNPRICED"), (HERE, False, "UNPRICED")],
)
def test_a_probe_is_asked_about_with_its_pauses_its_requests_and_those_done(
    target: Target, cost: str, *, needed: bool
) -> None:
    plan = cold_probe.plan_of(target, (60.0, 300.0), 2)
    asked = cold_probe.consent(plan, target, SETTINGS, done=3)
    assert asked.needed is needed
    assert f"{plan.requests} requests to api" in asked.what
    assert "3 of them done" in asked.what
    assert cost in asked.cost_text
    assert "done" not in cold_probe.consent(plan, target, SETTINGS, done=0).what
