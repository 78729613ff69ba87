"""What a verdict rests on, said in sentences, with the dates of its prices."""

from datetime import date
from decimal import Decimal

from backends.domain.money.amounts import STALE_AFTER_DAYS, age_days, figure, is_stale, usd
from backends.domain.money.request_cost import tokens_of
from backends.domain.money.scenario import Scenario


def assumptions(scenario: Scenario) -> tuple[str, ...]:
    """Return the inputs of a decision and what was taken for granted, one sentence each."""
    said = [
        *_gpu(scenario),
        *_api(scenario),
        *_traffic(scenario),
        *_capacity(scenario),
        *_contracts(scenario),
        f"A month has {figure(scenario.hours_per_month)} hours.",
    ]
    return tuple(said)


def stale_prices(scenario: Scenario) -> str:
    """Return which price is too old to decide on, one sentence; empty if none is known to be."""
    for side, as_of in _dates(scenario):
        if is_stale(as_of, scenario.today):
            days = age_days(as_of, scenario.today)
            return (
                f"The {side} price is {days} days old, more than {STALE_AFTER_DAYS}: "
                "confirm it with inferctl prices set."
            )
    return ""


def _dates(scenario: Scenario) -> tuple[tuple[str, date | None], ...]:
    return (("GPU", scenario.gpu_price_as_of), ("API", scenario.api_price_as_of))


def _dated(as_of: date | None) -> str:
    return "without a date" if as_of is None else f"as of {as_of.isoformat()}"


def _gpu(scenario: Scenario) -> list[str]:
    said = []
    if scenario.gpu_usd_per_hour is not None:
        price = usd(scenario.gpu_usd_per_hour, "h")
        said.append(f"GPU on demand at {price}, {_dated(scenario.gpu_price_as_of)}.")
    if scenario.gpu_usd_per_month is not None:
        price = usd(scenario.gpu_usd_per_month, "month")
        said.append(f"GPU reserved at {price}, {_dated(scenario.gpu_price_as_of)}.")
    if scenario.ops_usd_per_month is None and said:
        said.append("No cost of operating it is counted: ops_usd_per_month is not given.")
    return said


def _api(scenario: Scenario) -> list[str]:
    into, out = scenario.input_usd_per_mtok, scenario.output_usd_per_mtok
    if into is None or out is None:
        return []
    price = f"{usd(into)} input and {usd(out)} output per million tokens"
    said = [f"API at {price}, {_dated(scenario.api_price_as_of)}."]
    if scenario.cached_input_share and scenario.cached_input_usd_per_mtok is None:
        said.append("Cached input is charged in full: the API has no price for it.")
    if not scenario.cached_input_share and scenario.cached_input_usd_per_mtok is not None:
        said.append("No input is taken as cached: cached_input_share is not given.")
    if scenario.ttft_slo_s is not None and scenario.api_ttft_p99_s is None:
        said.append("The p99 TTFT of the API is not measured, so the limit does not rule it out.")
    return said


def _traffic(scenario: Scenario) -> list[str]:
    said, tokens = [], tokens_of(scenario)
    if tokens is not None:
        said.append(
            f"{figure(tokens[0])} input and {figure(tokens[1])} output tokens per request; "
            "reasoning tokens count as output."
        )
    if scenario.observed is None:
        said.append("Tokens and rate are taken as exact: nothing observed was given.")
    if scenario.hours_per_day is not None and scenario.profile_rps is None:
        hours = figure(scenario.hours_per_day)
        said.append(f"The rate holds {hours} h a day and is zero outside them.")
        said.append("Break-even is a mean over all 24 hours.")
    if scenario.peak_over_average is not None:
        peak = figure(scenario.peak_over_average)
        said.append(
            f"Peaks are {peak} times the mean, taken as bursts with nothing between; "
            "profile_rps would tell more."
        )
    return said


def _capacity(scenario: Scenario) -> list[str]:
    if scenario.capacity_rps is None:
        return ["The capacity of one GPU is not measured."]
    said = f"One GPU carries {figure(scenario.capacity_rps)} req/s of these requests"
    tokens = tokens_of(scenario)
    if tokens is not None and tokens[1] > 0:
        said += f", {figure(scenario.capacity_rps * tokens[1])} output tokens/s"
    return [f"{said}, as measured within the latency limit."]


def _contracts(scenario: Scenario) -> list[str]:
    said = []
    if scenario.serverless_usd_per_second is not None and scenario.service_s is not None:
        said.append("Serverless GPU: requests come at random, and cold start and timeout are paid.")
    if scenario.gpu_usd_per_hour is not None and scenario.cold_start_s is not None:
        said.append(
            "A GPU costs the same stopped as busy: only destroying it ends the bill, and its cold "
            "start then includes a new host and its weights."
        )
    if scenario.batch_multiplier is not None and scenario.batch_multiplier != Decimal(1):
        said.append(f"API token prices times {scenario.batch_multiplier} for batches.")
    return said
