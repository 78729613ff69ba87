"""The one number that would change a verdict, where that is a limit or the busy hours."""

from decimal import Decimal
from typing import Any

import pytest

from backends.domain.decision.answer import days_to_cross
from backends.domain.decision.flip import Flip, price_flips
from backends.domain.decision.option import Point, usd_per_request
from backends.domain.decision.outcome import VerdictKind, outcome_at
from backends.domain.decision.scenario import scenario_from
from backends.domain.decision.uncertainty import load_of
from backends.domain.decision.verdict import decide
from tests.backends.domain.decision.test_as_computed import drawn

BY_THE_SECOND = {"serverless_usd_per_second": "0.001"}
"""As dear as a GPU at $1.80 an hour that is busy for 12 hours of the day."""


@pytest.mark.parametrize(
    ("data", "now", "kind", "beyond"),
    [
        ({"gpu_usd_per_hour": "1.8"}, 4, "SERVERLESS_GPU_CHEAPER", "SELF_HOST_CHEAPER"),
        ({"gpu_usd_per_hour": "1.8"}, 18, "SELF_HOST_CHEAPER", "SERVERLESS_GPU_CHEAPER"),
        ({"gpu_usd_per_month": "1314"}, 4, "SERVERLESS_GPU_CHEAPER", "RESERVED_CHEAPER"),
        ({"gpu_usd_per_month": "1314"}, 18, "RESERVED_CHEAPER", "SERVERLESS_GPU_CHEAPER"),
    ],
)
def test_the_busy_hours_decide_between_a_gpu_around_the_clock_and_one_by_the_second(
    data: dict[str, Any], now: int, kind: str, beyond: str
) -> None:
    got = decide(scenario_from({**data, **BY_THE_SECOND, "hours_per_day": now}))
    assert got.kind == kind
    assert got.flip is not None
    assert got.flip.quantity == "hours_per_day"
    assert (got.flip.value, got.flip.now) == (Decimal(12), Decimal(now))
    assert got.flip.to == beyond


@pytest.mark.parametrize(
    ("waits", "limit_s"),
    [
        ({"api_ttft_p99_s": 2, "gpu_ttft_p99_s": 3}, 2),
        ({"api_ttft_p99_s": 4, "gpu_ttft_p99_s": 3}, 3),
    ],
)
def test_where_a_limit_excludes_the_shortest_wait_beyond_it_would_be_allowed(
    waits: dict[str, int], limit_s: int
) -> None:
    prices = {"gpu_usd_per_hour": "1.88", "input_usd_per_mtok": "0.1", "output_usd_per_mtok": "0.7"}
    load = {"input_tokens": 80, "output_tokens": 220, "rate_rps": 4, "capacity_rps": 25}
    got = decide(scenario_from({**prices, **load, **waits, "ttft_slo_s": 1}))
    assert got.kind == "SLO_EXCLUDES"
    assert got.flip is not None
    assert (got.flip.quantity, got.flip.value, got.flip.now) == (
        "ttft_slo_s",
        Decimal(limit_s),
        Decimal(1),
    )


@pytest.mark.parametrize(
    ("value", "now", "trend", "days"),
    [
        ("0.8", "0.4", 1.0, 1.0),
        ("0.4", "0.8", -0.5, 1.0),
        ("0.8", "0.4", -0.5, None),
        ("0.8", "0.4", 0.0, None),
        ("0.8", "0.4", -1.0, None),
        ("0", "0.4", -0.5, None),
        ("4", "0.4", 0.001, None),
    ],
)
def test_a_rate_reaches_its_flip_after_as_many_days_as_it_grows(
    value: str, now: str, trend: float, days: float | None
) -> None:
    flip = Flip("rate_rps", Decimal(value), Decimal(now))
    assert days_to_cross(flip, trend) == (days if days is None else pytest.approx(days))


def test_each_price_alone_has_the_value_at_which_the_verdict_changes() -> None:
    asked = {
        "gpu_usd_per_hour": "1.88", "input_tokens": 80, "output_tokens": 220,
        "input_usd_per_mtok": "0.10", "output_usd_per_mtok": "0.70",
        "capacity_rps": 6, "rate_rps": 4,
    }  # fmt: skip
    found = {each.quantity: each for each in price_flips(scenario_from(asked))}
    api_usd = 4 * 3600 * (80 * 0.10 + 220 * 0.70) / 1e6
    output_usd = (1.88e6 / 4 / 3600 - 80 * 0.10) / 220
    assert {key: float(each.value) for key, each in found.items()} == pytest.approx(
        {"gpu_usd_per_hour": api_usd, "output_usd_per_mtok": output_usd}, rel=1e-6
    )
    for key, each in found.items():
        assert each.now == Decimal(asked[key])  # type: ignore[arg-type]
        assert each.to is VerdictKind.API_CHEAPER
        beyond = each.value + (each.value - each.now) / 1000
        assert decide(scenario_from({**asked, key: str(beyond)})).kind is each.to


def test_a_rate_of_zero_has_no_price_that_changes_it() -> None:
    asked = {"gpu_usd_per_hour": 1, "usd_per_request": "0.001", "capacity_rps": 6, "rate_rps": 0}
    assert price_flips(scenario_from(asked)) == ()


@pytest.mark.parametrize("seed", range(24))
def test_an_edge_is_where_the_outcome_changes_to_the_last_digit_that_is_shown(seed: int) -> None:
    scenario = scenario_from(drawn(seed))
    flip, load = decide(scenario).flip, load_of(scenario)
    if flip is None or flip.quantity != "rate_rps" or flip.now is None or load is None:
        return
    usd, times = usd_per_request(scenario), flip.value / flip.now
    before, beyond = (
        outcome_at(scenario, Point(usd, load.scaled(times * (1 + side * Decimal("1e-9")))))
        for side in ((-1, 1) if times > 1 else (1, -1))
    )
    assert before == outcome_at(scenario, Point(usd, load))
    assert beyond == flip.to
