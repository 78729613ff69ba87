import random
from decimal import Decimal
from statistics import fmean, stdev

from hypothesis import given
from hypothesis import strategies as st

from backends.domain.decision.scenario import Scenario, scenario_from
from backends.domain.decision.uncertainty import (
    break_even_band,
    load_band,
    load_of,
    points,
    request_band,
)
from backends.domain.traffic.requests import Observed

D = Decimal
PRICES = Scenario(
    gpu_usd_per_hour=D("1.88"), input_usd_per_mtok=D("0.10"), output_usd_per_mtok=D("0.70")
)


def tokens(rng: random.Random) -> tuple[float, float]:
    """Return one request's input and output tokens; long prompts get long answers."""
    shared = rng.gauss(0, 0.6)
    return 300 * 2.718**shared, 200 * 2.718 ** (0.7 * shared + rng.gauss(0, 0.5))


def seen(requests: list[tuple[float, float]]) -> Observed:
    into, out = zip(*requests, strict=True)
    mean_in, mean_out = fmean(into), fmean(out)
    together = sum((i - mean_in) * (o - mean_out) for i, o in requests) / (len(requests) - 1)
    return Observed(
        D(len(requests)),
        D(repr(mean_in)),
        D(repr(mean_out)),
        D(repr(stdev(into))),
        D(repr(stdev(out))),
        D(repr(together)),
    )


def test_the_interval_holds_the_truth_19_times_of_20() -> None:
    rng = random.Random(11)
    truth = [tokens(rng) for _ in range(100_000)]
    cost = (0.10 * fmean(i for i, _ in truth) + 0.70 * fmean(o for _, o in truth)) / 1e6
    true_rps = 1.88 / 3600 / cost
    held = 0
    for _ in range(500):
        observed = seen([tokens(rng) for _ in range(200)])
        scenario = Scenario(
            gpu_usd_per_hour=PRICES.gpu_usd_per_hour,
            input_usd_per_mtok=PRICES.input_usd_per_mtok,
            output_usd_per_mtok=PRICES.output_usd_per_mtok,
            observed=observed,
        )
        band = break_even_band(D("1.88"), scenario)
        assert band is not None
        held += float(band.low) <= true_rps <= float(band.high)
    assert 0.91 <= held / 500 <= 0.98


def test_without_observations_nothing_is_uncertain() -> None:
    scenario = scenario_from(
        {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2, "input_tokens": 1, "output_tokens": 1}
    )
    band = request_band(scenario)
    assert band is not None
    assert band.certain
    assert load_band(scenario).certain


def test_the_rate_is_as_sure_as_a_poisson_count() -> None:
    band = load_band(Scenario(observed=Observed(D(400), window_s=D(100))))
    assert (band.low, band.high) == (D("0.902"), D("1.098"))
    bursty = load_band(Scenario(observed=Observed(D(400), window_s=D(100), dispersion=D(4))))
    assert bursty.high == D("1.196")


@given(st.decimals("0.1", "50", places=1), st.decimals("0", "90", places=0))
def test_the_centre_lies_inside_its_corners(rate: Decimal, spread: Decimal) -> None:
    scenario = scenario_from(
        {
            "gpu_usd_per_hour": 2,
            "input_usd_per_mtok": 1,
            "output_usd_per_mtok": 2,
            "input_tokens": 100,
            "output_tokens": 100,
            "rate_rps": rate,
            "api_price_spread_percent": spread,
            "observed": {"n": 100, "output_tokens_sd": 50, "window_s": 60},
        }
    )
    load = load_of(scenario)
    assert load is not None
    first, *others = points(scenario, load)
    costs = [point.usd_per_request for point in others if point.usd_per_request is not None]
    rates = [point.load.mean_rps for point in others]
    assert first.usd_per_request is not None
    assert min(costs) < first.usd_per_request < max(costs)
    assert min(rates) < first.load.mean_rps < max(rates)
