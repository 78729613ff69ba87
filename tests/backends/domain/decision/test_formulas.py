"""Every formula of the model, beside the same one in exact fractions.

One row for each: what it is, what the product computes, and what it must be. The fractions are
worked out here from the inputs alone, with none of the product's code.
"""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import exp
from typing import Any

import pytest

from backends.domain.decision.break_even import crossover, segments, usable_capacity_rps
from backends.domain.decision.document import verdict_document
from backends.domain.decision.exclusion import NO_REMEDIES
from backends.domain.decision.option import (
    Option,
    cheapest_gpu_usd_per_hour,
    fixed_usd_per_hour,
    owned_usd_per_hour,
    usd_per_request,
)
from backends.domain.decision.options import options
from backends.domain.decision.scenario import Scenario, scenario_from
from backends.domain.decision.serverless import scale_to_zero
from backends.domain.decision.uncertainty import (
    break_even_band,
    centre,
    load_of,
    rate_band,
    request_band,
)
from backends.domain.decision.verdict import decide
from backends.domain.decision.wording import excluded_because

ALL: dict[str, Any] = {
    "gpu_usd_per_hour": "1.88",
    "gpu_usd_per_month": "1095",
    "input_usd_per_mtok": "0.10",
    "output_usd_per_mtok": "0.70",
    "cached_input_usd_per_mtok": "0.025",
    "usd_per_request": "0.0001",
    "fee_percent": "5.5",
    "batch_multiplier": "0.5",
    "cached_input_share": "0.25",
    "input_tokens": 800,
    "output_tokens": 220,
    "capacity_rps": 5,
    "cold_start_s": 900,
    "restart_s": 61,
    "idle_timeout_s": 120,
    "billed_when_stopped": False,
    "storage_usd_per_month": "73",
    "ops_usd_per_month": "657",
    "serverless_usd_per_second": "0.001",
    "provisioned_unit_usd_per_hour": "2.5",
    "provisioned_unit_tokens_per_s": 400,
    "owned_usd": "30000",
    "owned_life_months": 36,
    "power_kw": "0.7",
    "usd_per_kwh": "0.15",
    "pue": "1.4",
    "rate_rps": 12,
}
PROFILE = [Fraction(n % 7, 2) for n in range(24)]
TOKENS = 600 * Fraction(1, 10) + 200 * Fraction(25, 1000) + 220 * Fraction(7, 10)
REQUEST = TOKENS / 10**6 / 2 + Fraction(1, 10_000)
C = REQUEST * Fraction(1055, 1000)
"""[ i(1-h) p_in + i h p_cache + o p_out ] / 1e6 · batch + p_req, and the fee on all of it."""
G = Fraction("1.88")
FIXED = Fraction(730, 730)
OWNED = Fraction(30_000, 36 * 730) + Fraction(7, 10) * Fraction(15, 100) * Fraction(14, 10)
EVEN = (G + FIXED) / (3600 * C)


def why(option: Option) -> str:
    return excluded_because(option.exclusion, NO_REMEDIES)


def of(**more: Any) -> Scenario:
    return scenario_from({**ALL, **more})


def cost(name: str, **more: Any) -> Decimal:
    scenario = of(**more)
    load = load_of(scenario)
    assert load is not None
    by_name = {each.name: each for each in options(scenario, centre(scenario, load))}
    found = by_name[name].usd_per_hour
    assert found is not None, why(by_name[name])
    return found


def known(value: Decimal | None) -> Decimal:
    assert value is not None
    return value


def profile() -> dict[str, Any]:
    rates = [Decimal(rate.numerator) / rate.denominator for rate in PROFILE]
    return {"profile_rps": rates, "rate_rps": None}


def hybrid(output: int) -> Fraction:
    """Return the least of n GPUs at the cheapest price with the API above them, by trying all."""
    request = (Fraction(65) + output * Fraction(7, 10)) / 10**6 / 2 + Fraction(1, 10_000)
    api = 3600 * request * Fraction(1055, 1000)
    over = [sum((max(Fraction(0), r - n) for r in PROFILE), Fraction(0)) / 24 for n in range(3)]
    return min(n * OWNED + FIXED + api * over[n] for n in (1, 2))


FORMULAS: list[tuple[str, Callable[[], Decimal], Fraction]] = [
    ("request: tokens, cache, batch, fee", lambda: known(usd_per_request(of())), C),
    (
        "request: a token distribution under tiers",
        lambda: known(
            usd_per_request(
                of(
                    input_tokens=None,
                    output_tokens=None,
                    fee_percent=None,
                    batch_multiplier=None,
                    cached_input_share=None,
                    usd_per_request=None,
                    token_distribution=[
                        {"weight": 3, "input_tokens": 1000, "output_tokens": 100},
                        {"weight": 1, "input_tokens": 300_000, "output_tokens": 2000},
                    ],
                    tiers=[
                        {
                            "above_input_tokens": 200_000,
                            "input_usd_per_mtok": "0.2",
                            "output_usd_per_mtok": "1.05",
                        }
                    ],
                )
            )
        ),
        Fraction(3, 4) * Fraction(170, 10**6) + Fraction(1, 4) * Fraction(62_100, 10**6),
    ),
    ("λ* = g / 3600 c", lambda: known(crossover(of()).break_even_rps), EVEN),
    ("U* = λ* / μ", lambda: known(crossover(of()).utilisation), EVEN / 5),
    ("tokens/s* = λ* o", lambda: known(crossover(of()).output_tokens_per_s), EVEN * 220),
    (
        "hours a day, against the GPU by the second",
        lambda: known(crossover(of()).hours_per_day),
        (G + FIXED) / Fraction(36, 10) * 24,
    ),
    (
        "hours a day, against the API: 24 n λ* / λ",
        lambda: known(crossover(of(serverless_usd_per_second=None)).hours_per_day),
        24 * (3 * G + FIXED) / (3600 * C) / 12,
    ),
    ("API: 3600 c λ", lambda: cost("api"), 3600 * C * 12),
    ("API: 3600 c Σ λ_h", lambda: cost("api", **profile()), 3600 * C * sum(PROFILE) / 24),
    ("on demand: g n + storage + ops", lambda: cost("on_demand"), G * 3 + FIXED),
    (
        "on demand: n = ceil(max λ_h / μ)",
        lambda: cost("on_demand", **profile(), capacity_rps="1.1"),
        G * 3 + FIXED,
    ),
    (
        "on demand: the peak over the average",
        lambda: cost("on_demand", rate_rps=4, peak_over_average=3),
        G * 3 + FIXED,
    ),
    ("storage and people", lambda: fixed_usd_per_hour(of()), FIXED),
    (
        "destroyed: g n (active + starts (t_cold + tail))",
        lambda: cost("destroyed_when_idle", hours_per_day=8, starts_per_day=2),
        G * 3 * (8 + Fraction(2 * (900 + 120), 3600)) / 24 + FIXED,
    ),
    (
        "destroyed: each rental rounded up to the hour",
        lambda: cost(
            "destroyed_when_idle", hours_per_day=8, starts_per_day=2, granularity_s=3600
        ),
        G * 3 * Fraction(2 * 5, 24) + FIXED,
    ),
    (
        "destroyed: a minimum charge for each rental",
        lambda: cost(
            "destroyed_when_idle", hours_per_day=1, starts_per_day=10, minimum_charge_s=3600
        ),
        G * 3 * Fraction(10, 24) + FIXED,
    ),
    (
        "powered off, where that ends the bill",
        lambda: cost("stopped_when_idle", hours_per_day=8, starts_per_day=2),
        G * 3 * (8 + Fraction(2 * (61 + 120), 3600)) / 24 + FIXED,
    ),
    ("reserved: M n / T", lambda: cost("reserved"), Fraction(1095, 730) * 3 + FIXED),
    (
        "reserved: a month of 720 hours",
        lambda: cost("reserved", hours_per_month=720),
        Fraction(1095, 720) * 3 + Fraction(730, 720),
    ),
    (
        "by the second: busy hours, cold starts and tails",
        lambda: cost("serverless_gpu", hours_per_day=8, starts_per_day=4),
        Fraction(1, 1000) * (8 * 3600 + 4 * (900 + 120)) / 24 * 3,
    ),
    (
        "provisioned: ceil(peak tokens/s / unit) u",
        lambda: cost("provisioned_throughput"),
        Fraction(35, 2),
    ),
    ("owned: price / life + kW · tariff · PUE", lambda: known(owned_usd_per_hour(of())), OWNED),
    ("owned: n of them", lambda: cost("owned"), OWNED * 3 + FIXED),
    (
        "hybrid: n g + 3600 c Σ (λ_h - n μ)⁺",
        lambda: cost("hybrid", **profile(), capacity_rps=1, output_tokens=2000),
        hybrid(2000),
    ),
    ("the cheapest contract", lambda: known(cheapest_gpu_usd_per_hour(of())), OWNED),
    (
        "capacity under a profile: μ · mean / peak",
        lambda: known(usable_capacity_rps(of(**profile()))),
        5 * sum(PROFILE, Fraction(0)) / 24 / max(PROFILE),
    ),
    ("saw-tooth: [n λ*, n μ] begins", lambda: segments(of())[1].from_rps,
     2 * G / (3600 * C) + FIXED / (3600 * C)),
    ("saw-tooth: [n λ*, n μ] ends", lambda: segments(of())[1].to_rps, Fraction(10)),
    (
        "saw-tooth: a hybrid of one less until (n-1) μ + λ*",
        lambda: segments(of())[1].cheapest_from_rps,
        5 + G / (3600 * C),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ours", "exact"), FORMULAS, ids=[row[0] for row in FORMULAS])
def test_a_formula_is_exact(name: str, ours: Callable[[], Decimal], exact: Fraction) -> None:
    assert abs(Fraction(ours()) - exact) <= abs(exact) / 10**24


SEEN = {
    "n": 400,
    "input_tokens_sd": 300,
    "output_tokens_sd": 180,
    "covariance": 20_000,
    "window_s": 100,
    "dispersion": 4,
}
SPREAD = {"api_price_spread_percent": 15, "gpu_price_spread_percent": 10}
PER_TOKEN = (
    Fraction(3, 4) * Fraction(1, 10) + Fraction(1, 4) * Fraction(25, 1000),
    Fraction(7, 10),
)


def squared_error() -> Fraction:
    """Return (p_in² s_i² + p_out² s_o² + 2 p_in p_out cov) / n, batch and fee included."""
    into, out = PER_TOKEN
    variance = into**2 * 300**2 + out**2 * 180**2 + 2 * into * out * 20_000
    return variance / 400 * (Fraction(1, 2) * Fraction(1055, 1000) / 10**6) ** 2


def test_the_error_of_the_request_is_that_of_its_tokens() -> None:
    band = request_band(of(observed=SEEN))
    assert band is not None
    half = Fraction(band.high) - Fraction(band.middle)
    assert abs(half**2 - Fraction(196, 100) ** 2 * squared_error()) < Fraction(1, 10**30)


def test_the_break_even_interval_is_mirrored() -> None:
    band = break_even_band(Decimal("1.88"), of(observed=SEEN, **SPREAD))
    assert band is not None
    error = Fraction(196, 100) * Fraction(Decimal(str(float(squared_error()) ** 0.5)))
    low = G * Fraction(9, 10) / (3600 * (C + error) * Fraction(115, 100))
    high = G * Fraction(11, 10) / (3600 * (C - error) * Fraction(85, 100))
    assert float(band.low) == pytest.approx(float(low), rel=1e-12)
    assert float(band.high) == pytest.approx(float(high), rel=1e-12)


def test_the_rate_interval_is_that_of_a_dispersed_count() -> None:
    band = rate_band(of(observed=SEEN, rate_rps=None))
    assert band is not None
    half = Fraction(196, 100) * 40 / 100
    assert (Fraction(band.low), Fraction(band.middle), Fraction(band.high)) == (
        4 - half,
        Fraction(4),
        4 + half,
    )


def test_the_variance_of_a_token_distribution_is_its_own() -> None:
    kinds = [
        {"weight": 1, "input_tokens": 100, "output_tokens": 10},
        {"weight": 3, "input_tokens": 900, "output_tokens": 290},
    ]
    plain = {"fee_percent": None, "batch_multiplier": None, "usd_per_request": None}
    scenario = of(
        input_tokens=None, output_tokens=None, token_distribution=kinds,
        cached_input_share=None, observed={"n": 100}, **plain,
    )  # fmt: skip
    costs = [(Fraction(10) + 7) / 10**6, (Fraction(90) + 203) / 10**6]
    mean = costs[0] / 4 + costs[1] * Fraction(3, 4)
    variance = (costs[0] - mean) ** 2 / 4 + (costs[1] - mean) ** 2 * Fraction(3, 4)
    band = request_band(scenario)
    assert band is not None
    half = Fraction(band.high) - Fraction(band.middle)
    assert abs(half**2 - Fraction(196, 100) ** 2 * variance / 100) < Fraction(1, 10**30)


@pytest.mark.parametrize("rate", [1 / 600, 1 / 60, 0.05])
def test_scale_to_zero(rate: float) -> None:
    service, timeout, cold = 5.0, 60.0, 61.0
    got = scale_to_zero(rate, 5, 60, 61)
    gap = exp(-rate * timeout) / (exp(rate * service) + rate * cold * exp(-rate * timeout))
    assert float(got.billed_share) == pytest.approx(1 - gap, rel=1e-12)
    assert float(got.cold_starts_per_s) == pytest.approx(rate * gap, rel=1e-12)
    assert float(got.delayed_share) == pytest.approx((1 + rate * cold) * gap, rel=1e-12)


def test_a_day_is_24_hours_and_a_month_what_the_scenario_says() -> None:
    for hours in (720, 730):
        document = verdict_document(decide(of(hours_per_month=hours)))
        for row in document["options"]:
            if row["usd_per_hour"] is not None:
                hour = Fraction(row["usd_per_hour"])
                assert float(row["usd_per_day"]) == pytest.approx(float(hour * 24), rel=1e-9)
                assert float(row["usd_per_month"]) == pytest.approx(float(hour * hours), rel=1e-9)
