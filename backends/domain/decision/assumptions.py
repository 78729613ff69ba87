"""What a verdict rests on: every input in a sentence, the prices with their dates."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from backends.domain.decision import price_sentences as prices
from backends.domain.decision.request_cost import api_prices_given, tokens_of
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import load_of
from backends.domain.prices.amounts import STALE_AFTER_DAYS, age_days, figure, is_stale


def assumptions(scenario: Scenario) -> tuple[str, ...]:
    """Return the inputs of a decision and what was taken for granted, one sentence each."""
    return (
        *prices.gpu_prices(scenario),
        *prices.hosting(scenario),
        *prices.api_prices(scenario),
        *prices.currencies(scenario),
        *_tokens(scenario),
        *_traffic(scenario),
        *_capacity(scenario),
        *_coming_and_going(scenario),
        *_limits(scenario),
        f"A month has {figure(scenario.hours_per_month)} hours.",
    )


def stale_prices(scenario: Scenario) -> str:
    """Return which price is too old to decide on, one sentence; empty if none is known to be."""
    for side, as_of, remedy in _dates(scenario):
        if is_stale(as_of, scenario.today):
            days = age_days(as_of, scenario.today)
            return f"The {side} is {days} days old, more than {STALE_AFTER_DAYS}: {remedy}."
    return ""


def _dates(scenario: Scenario) -> Iterator[tuple[str, date | None, str]]:
    confirm = "confirm it with inferctl prices set"
    yield "GPU price", scenario.gpu_price_as_of, confirm
    if any(price is not None for price in _contracts(scenario)):
        again = "read it again and set contract_price_as_of"
        yield "price of GPUs under contract", scenario.contract_price_as_of, again
    yield "API price", scenario.api_price_as_of, confirm
    for currency in scenario.currencies:
        yield f"rate of {currency.code}", currency.as_of, "give the rate of today"


def _contracts(scenario: Scenario) -> tuple[Decimal | None, ...]:
    return (
        scenario.gpu_usd_per_month,
        scenario.serverless_usd_per_second,
        scenario.provisioned_unit_usd_per_hour,
    )


def _tokens(scenario: Scenario) -> Iterator[str]:
    tokens, seen = tokens_of(scenario), scenario.observed
    if tokens is not None:
        of = f", over {len(scenario.token_distribution)} kinds" if _distributed(scenario) else ""
        yield (
            f"{figure(tokens[0])} input and {figure(tokens[1])} output tokens per request{of}; "
            "reasoning tokens count as output."
        )
    if seen is None:
        yield "Tokens and rate are taken as exact: nothing observed was given."
    else:
        window = "" if seen.window_s is None else f" in {figure(seen.window_s)} s"
        yield f"{figure(seen.n)} requests were seen{window}; intervals are of 95 %."
        if seen.counted != seen.n:
            yield f"The tokens of a request are the mean of {figure(seen.counted)} requests."


def _distributed(scenario: Scenario) -> bool:
    means = (scenario.input_tokens, scenario.output_tokens)
    return bool(scenario.token_distribution) and means == (None, None)


def _traffic(scenario: Scenario) -> Iterator[str]:
    if scenario.rate_rps is not None:
        yield f"{figure(scenario.rate_rps)} req/s."
    if scenario.profile_rps is not None:
        low, high = min(scenario.profile_rps), max(scenario.profile_rps)
        yield f"24 hourly rates, from {figure(low)} to {figure(high)} req/s."
        if scenario.rate_rps is not None:
            yield "The hourly rates are scaled to that mean."
    elif scenario.hours_per_day is not None:
        yield f"The rate holds {figure(scenario.hours_per_day)} h a day and is zero outside them."
        yield "Break-even is a mean over all 24 hours."
    if scenario.peak_over_average is not None:
        peak = figure(scenario.peak_over_average)
        yield (
            f"Peaks are {peak} times the mean, taken as bursts with nothing between; "
            "profile_rps would tell more."
        )


def _capacity(scenario: Scenario) -> Iterator[str]:
    if scenario.capacity_rps is None:
        yield "The capacity of one GPU is not measured."
        return
    said = f"One GPU carries {figure(scenario.capacity_rps)} req/s of these requests"
    tokens = tokens_of(scenario)
    if tokens is not None and tokens[1] > 0:
        said += f", {figure(scenario.capacity_rps * tokens[1])} output tokens/s"
    yield f"{said}, as measured within the latency limit."
    if scenario.max_replicas is not None:
        yield f"There are {figure(scenario.max_replicas)} GPUs at most."


def _coming_and_going(scenario: Scenario) -> Iterator[str]:
    """Yield how a GPU that is given back when idle is billed, where that is an option."""
    load = load_of(scenario)
    always = load is not None and (load.active_share == 1 or load.starts_per_day == 0)
    if scenario.gpu_usd_per_hour is None or scenario.cold_start_s is None or always:
        return
    if scenario.billed_when_stopped is False:
        yield "A host that is powered off is not billed."
    else:
        yield (
            "A GPU costs the same stopped as busy: only destroying it ends the bill, and its cold "
            "start then includes a new host and its weights."
        )
    yield "A GPU that comes back is started ahead of its traffic, so that no request waits for it."
    if scenario.granularity_s is not None or scenario.minimum_charge_s is not None:
        step, least = scenario.granularity_s or 1, scenario.minimum_charge_s or 0
        shortest = f", for {least} s at least" if scenario.minimum_charge_s else ""
        yield f"Each rental is billed in steps of {step} s{shortest}."


def _limits(scenario: Scenario) -> Iterator[str]:
    limit = scenario.ttft_slo_s
    if limit is None:
        return
    yield f"The limit on p99 TTFT is {figure(limit)} s."
    for side, seen in (("GPU", scenario.gpu_ttft_p99_s), ("API", scenario.api_ttft_p99_s)):
        if seen is not None:
            yield f"The p99 TTFT of the {side} is {figure(seen)} s."
        elif side == "GPU" and scenario.gpu_ttft_p99_above_s is not None:
            yield f"The p99 TTFT of the GPU is above {figure(scenario.gpu_ttft_p99_above_s)} s."
        elif side == "API" and api_prices_given(scenario):
            yield "The p99 TTFT of the API is not measured, so the limit does not rule it out."
