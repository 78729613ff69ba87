from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from backends.domain.decision.scenario import BadScenario, Scenario, scenario_from
from backends.domain.traffic.requests import Observed

DOCUMENTED = {
    "gpu_usd_per_hour",
    "gpu_usd_per_month",
    "input_tokens",
    "output_tokens",
    "cached_input_share",
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "usd_per_request",
    "fee_percent",
    "batch_multiplier",
    "rate_rps",
    "profile_rps",
    "peak_over_average",
    "capacity_rps",
    "hours_per_day",
    "starts_per_day",
    "cold_start_s",
    "idle_timeout_s",
    "service_s",
    "serverless_usd_per_second",
    "ttft_slo_s",
    "provisioned_unit_usd_per_hour",
    "provisioned_unit_tokens_per_s",
    "ops_usd_per_month",
    "observed",
}


def test_every_documented_key_is_one() -> None:
    assert {field.name for field in fields(Scenario)} >= DOCUMENTED


def test_everything_may_be_left_out() -> None:
    assert scenario_from({}) == Scenario()


def test_values_are_read_as_written() -> None:
    read = scenario_from(
        {
            "gpu_usd_per_hour": "1.88",
            "input_usd_per_mtok": 0.1,
            "output_tokens": 220,
            "profile_rps": [1] * 24,
            "gpu_price_as_of": "2026-10-07",
            "rate_rps": None,
            "observed": {"n": 400, "output_tokens_sd": 180, "covariance": -12.5},
        }
    )
    assert read.gpu_usd_per_hour == Decimal("1.88")
    assert read.input_usd_per_mtok == Decimal("0.1")
    assert read.profile_rps == (Decimal(1),) * 24
    assert read.gpu_price_as_of == date(2026, 10, 7)
    assert read.rate_rps is None
    assert read.observed == Observed(
        Decimal(400), output_tokens_sd=Decimal(180), covariance=Decimal("-12.5")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"gpu_usd_per_hr": 1}, 'unknown key "gpu_usd_per_hr"; did you mean "gpu_usd_per_hour"'),
        ({"zzz": 1}, "remove it"),
        ({"gpu_usd_per_hour": "$1.88"}, "gpu_usd_per_hour is '\\$1.88', which is not a number"),
        ({"rate_rps": -1}, "rate_rps is -1, which is not a number"),
        ({"capacity_rps": 0}, "leave the key out where it is unknown"),
        ({"cached_input_share": "1.5"}, "at most 1"),
        ({"hours_per_day": 25}, "at most 24"),
        ({"hours_per_month": 9999}, "at most 744"),
        ({"hours_per_month": 24}, "at least 28 days"),
        ({"pue": 0}, "draws at least what its GPUs do"),
        ({"gpu_usd_per_hour": "1e400"}, "is 1e.400, which is too much"),
        ({"observed": {"n": 9, "dispersion": 0}}, "observed.dispersion is 0"),
        (
            {"observed": {"n": 9, "input_tokens_sd": 1, "output_tokens_sd": 2, "covariance": -3}},
            "observed.covariance is -3, which cannot be; it is at most",
        ),
        (
            {
                "tiers": [
                    {"above_input_tokens": 5, "input_usd_per_mtok": 1, "output_usd_per_mtok": 1}
                ]
                * 2
            },
            "two tiers above the same number",
        ),
        ({"profile_rps": [1] * 30}, "168 of a week"),
        ({"peak_over_average": "0.5"}, "at least its average"),
        ({"profile_rps": [1, 2]}, "24 hourly rates"),
        ({"profile_rps": ["x"] * 24}, r"profile_rps\[0\]"),
        ({"today": "yesterday"}, 'for example "2026-11-21"'),
        ({"model": 7}, "put it in double quotes"),
        ({"observed": {}}, '"n"'),
        ({"observed": {"n": 1, "mean": 2}}, 'unknown key "mean"'),
        ({"observed": {"n": 40, "window_s": 0}}, "observed.window_s is 0, which cannot be"),
        ({"observed": {"n": 40, "covariance": "much"}}, "covariance"),
    ],
)
def test_a_bad_key_is_named_with_its_remedy(data: dict[str, Any], message: str) -> None:
    with pytest.raises(BadScenario, match=message):
        scenario_from(data, "plan.toml")


def test_an_instant_is_no_date() -> None:
    """A price's age is counted in days, which an instant cannot be subtracted from."""
    with pytest.raises(BadScenario, match="gpu_price_as_of is a date or time that is not a date"):
        scenario_from({"gpu_price_as_of": datetime(2026, 11, 20, tzinfo=UTC)})


def test_a_covariance_that_is_not_given_is_none_at_all() -> None:
    assert scenario_from({"observed": {"n": 9}}).observed == Observed(Decimal(9))
