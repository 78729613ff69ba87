"""Every key of a scenario is honoured: another value of it gives another answer."""

from typing import Any

import pytest

from backends.domain.decision.document import verdict_document
from backends.domain.decision.scenario import KEYS, scenario_from
from backends.domain.decision.verdict import decide

BASE: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "gpu_usd_per_month": "1300",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "cached_input_usd_per_mtok": "0.05",
    "cached_input_share": "0.2",
    "usd_per_request": "0.00001",
    "fee_percent": 5,
    "input_tokens": 80,
    "output_tokens": 220,
    "rate_rps": 4,
    "hours_per_day": 10,
    "peak_over_average": "1.5",
    "capacity_rps": 5,
    "starts_per_day": 2,
    "cold_start_s": 300,
    "restart_s": 61,
    "billed_when_stopped": False,
    "granularity_s": 60,
    "idle_timeout_s": 30,
    "service_s": 2,
    "serverless_usd_per_second": "0.0006",
    "warm_usd_per_second": "0.0003",
    "keep_warm": 1,
    "provisioned_unit_usd_per_hour": 2,
    "provisioned_unit_tokens_per_s": 500,
    "owned_usd": 30_000,
    "owned_life_months": 36,
    "power_kw": "0.7",
    "usd_per_kwh": "0.15",
    "pue": "1.3",
    "storage_usd_per_month": 20,
    "ops_usd_per_month": 100,
    "observed": {"n": 400, "output_tokens_sd": 180, "window_s": 100},
}
OTHER: dict[str, Any] = {
    "gpu_usd_per_hour": "2.59",
    "gpu_usd_per_month": "900",
    "input_usd_per_mtok": "0.15",
    "output_usd_per_mtok": "0.60",
    "cached_input_usd_per_mtok": "0.025",
    "cached_input_share": "0.5",
    "usd_per_request": "0.001",
    "fee_percent": "5.5",
    "batch_multiplier": "0.5",
    "tiers": [{"above_input_tokens": 50, "input_usd_per_mtok": 1, "output_usd_per_mtok": 1}],
    "input_tokens": 100,
    "output_tokens": 30,
    "rate_rps": 2,
    "hours_per_day": 4,
    "profile_rps": [1] * 12 + [5] * 12,
    "peak_over_average": 3,
    "capacity_rps": 9,
    "starts_per_day": 6,
    "cold_start_s": 900,
    "restart_s": 120,
    "billed_when_stopped": True,
    "granularity_s": 3600,
    "minimum_charge_s": 36_000,
    "idle_timeout_s": 300,
    "service_s": 4,
    "serverless_usd_per_second": "0.001",
    "warm_usd_per_second": "0.0004",
    "keep_warm": 3,
    "ttft_slo_s": 1,
    "provisioned_unit_usd_per_hour": 3,
    "provisioned_unit_tokens_per_s": 700,
    "owned_usd": 20_000,
    "owned_life_months": 24,
    "power_kw": 1,
    "usd_per_kwh": "0.30",
    "pue": "1.1",
    "storage_usd_per_month": 40,
    "ops_usd_per_month": 6250,
    "hours_per_month": 720,
    "max_replicas": 1,
    "gpu_price_spread_percent": 10,
    "api_price_spread_percent": 15,
    "quantisation": "mxfp4",
    "observed": {"n": 100, "output_tokens_sd": 90, "window_s": 20},
}
TOGETHER: dict[str, dict[str, Any]] = {
    "gpu_ttft_p99_above_s": {"gpu_ttft_p99_above_s": 1, "ttft_slo_s": 1},
    "gpu_ttft_p99_s": {"gpu_ttft_p99_s": 2, "ttft_slo_s": 1},
    "api_ttft_p99_s": {"api_ttft_p99_s": 2, "ttft_slo_s": 1},
    "gpu_price_as_of": {"gpu_price_as_of": "2026-01-01", "today": "2026-11-21"},
    "contract_price_as_of": {"contract_price_as_of": "2026-01-01", "today": "2026-11-21"},
    "api_price_as_of": {"api_price_as_of": "2026-01-01", "today": "2026-11-21"},
    "today": {"today": "2026-11-21", "api_price_as_of": "2026-01-01"},
    "model": {"model": "a", "api_model": "b"},
    "api_model": {"model": "a", "api_model": "b"},
    "quantisation": {"quantisation": "fp8", "api_quantisation": "bf16"},
    "api_quantisation": {"quantisation": "fp8", "api_quantisation": "bf16"},
    "context_tokens": {"context_tokens": 8192, "api_context_tokens": 131_072},
    "api_context_tokens": {"context_tokens": 8192, "api_context_tokens": 131_072},
    "api_input_tokens": {"api_input_tokens": 90},
    "token_distribution": {
        "input_tokens": None,
        "output_tokens": None,
        "token_distribution": [{"weight": 1, "input_tokens": 9, "output_tokens": 9}],
    },
    "costs": {"costs": [{"name": "egress", "usd": "40", "per": "month"}]},
    "batch_share": {"batch_multiplier": "0.5", "batch_share": "0.3"},
    "commit_months": {"gpu_usd_per_month": 900, "commit_months": 12, "needed_months": 6},
    "needed_months": {"gpu_usd_per_month": 900, "commit_months": 12, "needed_months": 3},
    "spot_usd_per_hour": {"spot_usd_per_hour": "0.9"},
    "spot_interruptions_per_day": {
        "spot_usd_per_hour": "0.9",
        "spot_interruptions_per_day": 4,
    },
    "currencies": {
        "gpu_usd_per_hour": "1.88 EUR",
        "currencies": {"EUR": {"usd": "1.08", "as_of": "2026-11-20"}},
    },
    "gpu_price_source": {"gpu_price_source": "a price list"},
    "contract_price_source": {"contract_price_source": "a price list"},
    "api_price_source": {"api_price_source": "a price list"},
}
ONLY_SAID = {"gpu_price_source", "contract_price_source", "api_price_source"}
"""These change what is said of the prices, and nothing else."""


def answer(data: dict[str, Any], *, said: bool) -> dict[str, Any]:
    document = verdict_document(decide(scenario_from(data)))
    return document if said else {**document, "assumptions": None}


@pytest.mark.parametrize("key", list(KEYS))
def test_another_value_gives_another_answer(key: str) -> None:
    changes = TOGETHER.get(key) or {key: OTHER[key]}
    said = key in ONLY_SAID
    assert answer({**BASE, **changes}, said=said) != answer(BASE, said=said)
