"""GPUs that are rented together are all paid for."""

from dataclasses import replace
from decimal import Decimal

from backends.settings.config import Billing, Settings
from tests.console.sessions import PROFILE, READY, SERVERLESS, decided

TWO = Settings((PROFILE,), (SERVERLESS,), billing=Billing(gpus=2))


def test_all_that_is_rented_is_paid_for_and_the_plan_says_what_it_counts() -> None:
    one, two = decided(READY, replace(TWO, billing=Billing())), decided(READY, TWO)
    assert one.now.paid_usd_per_hour == Decimal("1.88")
    assert two.now.paid_usd_per_hour == Decimal("3.76")
    said = "2 replicas are rented, for $3.76/h; the plan counts those that it needs."
    assert said in two.plan.assumptions
    assert said not in one.plan.assumptions


def test_gpus_of_one_replica_are_one() -> None:
    wide = replace(PROFILE, args=("--tensor-parallel-size", "2"))
    found = decided(READY, Settings((wide,), (SERVERLESS,), billing=Billing(gpus=2)))
    assert found.now.paid_usd_per_hour == Decimal("3.76")
    assert not any("are rented" in each for each in found.plan.assumptions)
