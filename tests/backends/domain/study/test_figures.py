"""Figures of a study: they follow from its samples, and their intervals hold the truth."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from backends.domain.prices.cost import NO_PRICES
from backends.domain.start import Outcome
from backends.domain.study.figure import Figure
from backends.domain.study.figures import figures
from backends.domain.study.study import Study
from tests.backends.domain.study.worlds import world

SEED = 20261130
"""Of the forty sets of parameters; every figure's interval is to hold its truth in 36 of them."""
WORLDS = 40
AT_LEAST = 36


def known(study: Study) -> dict[str, Figure]:
    return {each.key: each for each in figures(study)}


def test_each_true_figure_is_within_its_interval_in_thirty_six_of_forty() -> None:
    held: Counter[str] = Counter()
    for number in range(WORLDS):
        study, truth = world(SEED + number)
        found = known(study)
        for key, true in truth.items():
            low, high = found[key].low, found[key].high
            if low is None or high is None:
                continue
            near = abs(true) * 1e-9
            held[key] += float(low) - near <= true <= float(high) + near
    print(f"seed {SEED}: {dict(held)}")
    assert len(held) >= 10
    assert min(held.values()) >= AT_LEAST, held


def test_the_crossovers_are_the_formula_of_the_article() -> None:
    found = known(world(1)[0])
    for name, tokens in (("short", 30), ("medium", 220), ("long", 1200)):
        into = found[f"length.{name}.input_tokens"].value
        usd = (float(into or 0) * 0.10 + tokens * 0.70) / 1e6
        assert found[f"crossover.{name}_rps"].value == pytest.approx(1.88 / 3600 / usd)


def test_a_start_that_failed_counts_for_nothing() -> None:
    study, _ = world(2)
    broken = replace(study.starts[0], start=replace(study.starts[0].start, outcome=Outcome.FAILED))
    found = known(replace(study, starts=(broken, *study.starts[1:])))
    assert found["cold_start.first_token_s"].n == 2


def test_the_phases_of_a_start_add_up_to_it() -> None:
    found = known(world(3)[0])
    phases = sum(float(each.value or 0) for key, each in found.items() if ".phase." in key)
    assert phases == pytest.approx(float(found["cold_start.first_token_s"].value or 0))


def test_no_duration_is_given_an_end_below_zero() -> None:
    study, _ = world(4, starts=2)
    ends = [each.low for each in figures(study) if each.low is not None and each.unit == "s"]
    assert [end for end in ends if float(end) < 0 and ends] == [
        each.low
        for each in figures(study)
        if each.key.startswith("warm.difference") and each.unit == "s" and float(each.low or 0) < 0
    ]


def test_without_prices_money_is_unknown_with_the_reason_and_never_zero() -> None:
    study, _ = world(5)
    unpriced = replace(
        study,
        server=replace(study.server, usd_per_hour=None),
        endpoint=replace(study.endpoint, prices=NO_PRICES),
    )
    money = [each for each in figures(unpriced) if each.unit == "USD" or "crossover" in each.key]
    for each in money:
        if "usd_per_request" in each.key or each.key == "cost.endpoint_usd":
            continue  # what each request cost is a sample, read when it was sent
        assert each.value is None, each.key
        assert "UNPRICED" in each.reason


def test_the_capacity_is_bracketed_by_the_rates_that_were_tested() -> None:
    study, _ = world(6)
    assert study.load is not None
    capacity = known(study)["capacity.rps"]
    broke = [step.planned_rps for step in study.load.ended.steps if step.broke]
    assert capacity.value == capacity.low
    assert capacity.high == min(broke)


def test_the_study_costs_the_host_and_every_request() -> None:
    study, _ = world(7)
    found = known(study)
    host, api = found["cost.host_usd"].value, found["cost.endpoint_usd"].value
    assert host == Decimal("1.88") * 600 / 3600
    series = [each for _, each in (("medium", study.warm), *study.lengths) if each]
    sent = sum(Decimal(run.cost_usd) for each in series for run in each.runs if run.cost_usd)
    assert api == sent + 17 * Decimal("0.00001")
    assert found["cost.study_usd"].value == Decimal(str(host)) + Decimal(str(api))
