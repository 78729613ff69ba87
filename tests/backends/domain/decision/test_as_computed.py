"""Verdicts of drawn scenarios: what changes is looked at, and taken by --snapshot-update."""

import random
from decimal import Decimal
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from backends.domain.decision.document import verdict_document
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.verdict import decide

PRICES = {
    "gpu_usd_per_hour": ("0.4", "6"),
    "input_usd_per_mtok": ("0.05", "3"),
    "output_usd_per_mtok": ("0.2", "15"),
    "input_tokens": ("30", "4000"),
    "output_tokens": ("10", "900"),
    "capacity_rps": ("1", "40"),
}
SOMETIMES = {
    "cached_input_usd_per_mtok": ("0.01", "0.05"),
    "cached_input_share": ("0.1", "0.9"),
    "peak_over_average": ("1", "6"),
    "hours_per_day": ("4", "24"),
    "usd_per_request": ("0.00001", "0.001"),
    "fee_percent": ("1", "6"),
    "gpu_usd_per_month": ("300", "3000"),
    "gpu_price_spread_percent": ("1", "40"),
    "api_price_spread_percent": ("1", "40"),
    "ops_usd_per_month": ("5", "900"),
    "batch_multiplier": ("0.4", "0.6"),
}
SERVERLESS = {
    "serverless_usd_per_second": ("0.0001", "0.001"),
    "service_s": ("1", "9"),
    "idle_timeout_s": ("10", "600"),
    "cold_start_s": ("5", "200"),
}
OWNED = {"owned_usd": ("3000", "40000"), "owned_life_months": ("24", "48")}
POWER = {"power_kw": ("0.3", "1.2"), "usd_per_kwh": ("0.1", "0.4"), "pue": ("1.1", "1.8")}
PROVISIONED = {
    "provisioned_unit_usd_per_hour": ("0.3", "4"),
    "provisioned_unit_tokens_per_s": ("50", "3000"),
}


def drawn(seed: int) -> dict[str, Any]:
    draw = random.Random(seed)

    def of(ends: tuple[str, str]) -> str:
        low, high = map(float, ends)
        return str(Decimal(repr(low * (high / low) ** draw.random())).quantize(Decimal("1e-6")))

    data: dict[str, Any] = {name: of(ends) for name, ends in PRICES.items()}
    data |= {name: of(ends) for name, ends in SOMETIMES.items() if draw.random() < 0.4}
    if draw.random() < 0.5:
        data |= {name: of(ends) for name, ends in SERVERLESS.items()}
    if draw.random() < 0.5:
        n = draw.randint(20, 5000)
        seen = {"n": n, "window_s": draw.randint(1000, 90_000), "output_tokens_sd": 120}
        data["observed"] = seen | {"input_tokens_mean": 300, "output_tokens_mean": 200}
    elif draw.random() < 0.4:
        data["profile_rps"] = [str(draw.randint(0, 90) / 10) for _ in range(24)]
    else:
        data["rate_rps"] = of(("0.05", "30"))
    for group in (OWNED, POWER, PROVISIONED):
        if draw.random() < 0.4:
            data |= {name: of(ends) for name, ends in group.items()}
    return data


@pytest.mark.parametrize("seed", range(24))
def test_a_verdict_changes_only_on_purpose(seed: int, snapshot: SnapshotAssertion) -> None:
    assert verdict_document(decide(scenario_from(drawn(seed)))) == snapshot
