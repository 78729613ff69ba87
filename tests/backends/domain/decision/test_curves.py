"""Both curves of cost over load agree with the scenario they are drawn for."""

from decimal import Decimal
from typing import Any

import pytest

from backends.domain.decision.curves import CostCurves, cost_curves
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide

PRICED: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "input_tokens": 80,
    "output_tokens": 220,
    "capacity_rps": 5,
    "rate_rps": 4,
}


def curves(**more: Any) -> CostCurves:
    scenario = scenario_from({**PRICED, **more})
    return cost_curves(scenario, decide(scenario))


def test_the_api_starts_at_nothing_and_a_gpu_at_the_price_of_one() -> None:
    found = curves()
    assert found.serverless[0] == (0.0, Decimal(0))
    assert found.self_hosted[0] == (0.0, Decimal("1.88"))


def test_a_replica_is_added_wherever_the_load_passes_what_the_others_carry() -> None:
    found = curves()
    assert found.capacity_rps is not None
    for rps, usd in found.self_hosted:
        replicas = usd / Decimal("1.88")
        assert replicas == int(replicas)
        assert (replicas - 1) * Decimal(found.capacity_rps) <= Decimal(rps) * Decimal("1.0001")
        assert Decimal(rps) <= replicas * Decimal(found.capacity_rps) * Decimal("1.0001")


def test_nothing_is_drawn_beyond_what_the_allowed_replicas_carry() -> None:
    found = curves(max_replicas=1, rate_rps=20)
    assert found.capacity_rps is not None
    assert max(rps for rps, _ in found.self_hosted) <= found.capacity_rps
    assert max(rps for rps, _ in found.serverless) > 20


def test_at_the_break_even_both_cost_the_same() -> None:
    found = curves(capacity_rps=25)
    assert found.break_even_rps is not None
    (_, api_usd), rps = found.serverless[-1], found.serverless[-1][0]
    assert float(api_usd) / rps * found.break_even_rps == pytest.approx(1.88)


def test_without_a_price_there_is_a_reason_and_no_point() -> None:
    found = curves(output_usd_per_mtok=None)
    assert found.self_hosted == ()
    assert found.serverless == ()
    assert found.reason
