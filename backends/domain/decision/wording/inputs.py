"""What a verdict rests on: every input in a sentence, the prices with their dates."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from backends.domain.decision.option import (
    api_prices_given,
    owned_usd_per_hour,
    tokens_of,
    usd_per_request,
)
from backends.domain.decision.scenario import Scenario
from backends.domain.decision.uncertainty import load_of
from backends.domain.durations import HOUR_S
from backends.domain.format import figure, lasting, usd
from backends.domain.traffic.shape import EVEN


def gpu_prices(scenario: Scenario) -> Iterator[str]:
    """Yield what GPUs cost under each contract that has a price."""
    since = dated(scenario.gpu_price_as_of, scenario.gpu_price_source)
    if scenario.gpu_usd_per_hour is not None:
        yield f"GPU on demand at {usd(scenario.gpu_usd_per_hour, 'h')}, {since}."
    since = dated(scenario.contract_price_as_of, scenario.contract_price_source)
    if scenario.gpu_usd_per_month is not None:
        yield f"GPU reserved at {usd(scenario.gpu_usd_per_month, 'month')}, {since}."
        bound, needed = scenario.commit_months, scenario.needed_months
        if bound is not None and needed is not None and bound > needed:
            yield f"It binds for {figure(bound)} months and is needed for {figure(needed)}."
    if scenario.spot_usd_per_hour is not None:
        taken = figure(scenario.spot_interruptions_per_day or Decimal(0))
        each = usd(scenario.spot_usd_per_hour, "h")
        yield f"GPU on spot at {each}, taken away {taken} times a day, {since}."
    yield from _serverless(scenario, since)
    yield from _provisioned(scenario, since)
    yield from _owned(scenario)
    if scenario.gpu_price_spread_percent:
        yield f"GPU prices are taken ±{figure(scenario.gpu_price_spread_percent)} %."


def hosting(scenario: Scenario) -> Iterator[str]:
    """Yield what is paid beside the GPUs, and what is left out."""
    own = (scenario.gpu_usd_per_hour, scenario.gpu_usd_per_month, scenario.owned_usd)
    if all(price is None for price in own):
        return
    if scenario.storage_usd_per_month is not None:
        yield f"Storage at {usd(scenario.storage_usd_per_month, 'month')}."
    if scenario.ops_usd_per_month is None:
        yield "No cost of operating it is counted: ops_usd_per_month is not given."
    else:
        yield f"Operating it at {usd(scenario.ops_usd_per_month, 'month')}."
    for row in scenario.costs:
        yield f"{row.name[:1].upper()}{row.name[1:]} at {usd(row.usd, row.per)}."


def api_prices(scenario: Scenario) -> Iterator[str]:
    """Yield what the API charges, with everything on top."""
    into, out = scenario.input_usd_per_mtok, scenario.output_usd_per_mtok
    since = dated(scenario.api_price_as_of, scenario.api_price_source)
    if into is not None and out is not None:
        yield f"API at {usd(into)} input and {usd(out)} output per million tokens, {since}."
        yield from _cached(scenario)
    if scenario.usd_per_request:
        yield f"API at {usd(scenario.usd_per_request)} a request, {since}."
    if scenario.fee_percent:
        yield f"A fee of {figure(scenario.fee_percent)} % on the API's bill."
    if scenario.batch_multiplier is not None and scenario.batch_multiplier != 1:
        of = scenario.batch_share
        share = "batches" if of is None else f"the {figure(of * 100)} % that may wait for batches"
        yield f"API token prices times {scenario.batch_multiplier} for {share}."
    for tier in scenario.tiers:
        price = f"{usd(tier.input_usd_per_mtok)} input and {usd(tier.output_usd_per_mtok)} output"
        yield f"Prompts above {figure(tier.above_input_tokens)} tokens at {price}."
    if scenario.tiers and not scenario.token_distribution:
        yield "The mean prompt decides the tier: token_distribution is not given."
    if scenario.api_price_spread_percent:
        yield f"API prices are taken ±{figure(scenario.api_price_spread_percent)} %."
    low, high = scenario.api_price_range
    request = usd_per_request(scenario)
    if request is not None and low < high:
        yield (
            f"A request costs between {usd(request * low)} and {usd(request * high)}, by source "
            "and by tier: the verdict holds for both, or is too close."
        )


def currencies(scenario: Scenario) -> Iterator[str]:
    """Yield what was written in another currency, and at which rate of which day it counts."""
    for price in scenario.converted:
        yield f"{price.key} is {price.amount} {price.code}."
    for currency in scenario.currencies:
        worth = usd(currency.usd)
        yield f"One {currency.code} is {worth}, {dated(currency.as_of)}."


def dated(as_of: date | None, source: str = "") -> str:
    """Return when a price was read and where, such as ``as of 2026-11-01 (price list)``."""
    since = "without a date" if as_of is None else f"as of {as_of.isoformat()}"
    return f"{since} ({source})" if source else since


def _cached(scenario: Scenario) -> Iterator[str]:
    share, price = scenario.cached_input_share, scenario.cached_input_usd_per_mtok
    if share and price is None:
        yield "Cached input is charged in full: the API has no price for it."
    elif share and price is not None:
        yield f"{figure(share * 100)} % of the input is cached, at {usd(price)} per million tokens."
    elif price is not None:
        yield "No input is taken as cached: cached_input_share is not given."


_NEEDS = (
    ("keep_warm", "serverless_usd_per_second"),
    ("warm_usd_per_second", "serverless_usd_per_second"),
    ("provisioned_unit_tokens_per_s", "provisioned_unit_usd_per_hour"),
    ("owned_life_months", "owned_usd"),
    ("batch_share", "batch_multiplier"),
    ("commit_months", "gpu_usd_per_month"),
    ("commit_months", "needed_months"),
    ("needed_months", "commit_months"),
    ("spot_interruptions_per_day", "spot_usd_per_hour"),
    ("restart_s", "gpu_usd_per_hour"),
)
"""What says nothing without another figure."""


def unused(scenario: Scenario) -> Iterator[str]:
    """Yield what was given and is not used, for want of what."""
    for key, needed in _NEEDS:
        if getattr(scenario, key) is not None and getattr(scenario, needed) is None:
            yield f"{key} is not used: {needed} is not given."
    if scenario.profile_rps is not None and scenario.hours_per_day is not None:
        yield "hours_per_day is not used: profile_rps is given."
    codes = {price.code for price in scenario.converted}
    for currency in scenario.currencies:
        if currency.code not in codes:
            yield f"The rate of {currency.code} is not used: no price is in it."


def _serverless(scenario: Scenario, since: str) -> Iterator[str]:
    rate = scenario.serverless_usd_per_second
    if rate is None:
        return
    yield f"Serverless GPU at {usd(rate, 's')}, {usd(rate * HOUR_S, 'h')}, {since}."
    cold, timeout = scenario.cold_start_s, scenario.idle_timeout_s
    if scenario.service_s is not None and cold is not None and timeout is not None:
        yield (
            f"Serverless requests come at random and last {figure(scenario.service_s)} s; cold "
            f"starts of {figure(cold)} s and idle timeouts of {figure(timeout)} s are paid."
        )
    if scenario.keep_warm:
        warm = rate if scenario.warm_usd_per_second is None else scenario.warm_usd_per_second
        kept = figure(scenario.keep_warm)
        many = "1 replica is" if kept == "1" else f"{kept} replicas are"
        yield f"{many} kept warm, idle at {usd(warm, 's')}."


def _provisioned(scenario: Scenario, since: str) -> Iterator[str]:
    price, tokens = scenario.provisioned_unit_usd_per_hour, scenario.provisioned_unit_tokens_per_s
    if price is not None:
        carries = "an unknown rate of" if tokens is None else figure(tokens)
        yield (
            f"Provisioned units at {usd(price, 'h')} carry {carries} output tokens/s each, {since}."
        )


def _owned(scenario: Scenario) -> Iterator[str]:
    price, months = scenario.owned_usd, scenario.owned_life_months
    if price is None or months is None or owned_usd_per_hour(scenario) is None:
        return
    power = (scenario.power_kw or Decimal(0), scenario.usd_per_kwh or Decimal(0))
    yield (
        f"GPU of your own for {usd(price)} over {figure(months)} months, drawing "
        f"{figure(power[0])} kW at {usd(power[1])}/kWh"
        + ("." if scenario.pue is None else f" and a PUE of {figure(scenario.pue)}.")
    )


def assumptions(scenario: Scenario) -> tuple[str, ...]:
    """Return the inputs of a decision and what was taken for granted, one sentence each."""
    return (
        *gpu_prices(scenario),
        *hosting(scenario),
        *api_prices(scenario),
        *currencies(scenario),
        *_tokens(scenario),
        *_traffic(scenario),
        *_capacity(scenario),
        *_coming_and_going(scenario),
        *_limits(scenario),
        *unused(scenario),
        f"A month has {figure(scenario.hours_per_month)} hours.",
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
        window = "" if seen.window_s is None else f" in {lasting(float(seen.window_s))}"
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
        hours = len(scenario.profile_rps)
        least, most = figure(low), figure(high)
        rates = f"from {least} to {most}" if least != most else f"all of {least}"
        yield f"{hours} hourly rates, {rates} req/s."
        if scenario.rate_rps is not None:
            yield "The hourly rates are scaled to that mean."
    elif scenario.hours_per_day is not None:
        yield f"The rate holds {figure(scenario.hours_per_day)} h a day and is zero outside them."
        yield "Break-even is a mean over all 24 hours."
    measured = scenario.bursts if scenario.peak_over_average is None else EVEN
    if len(measured) > 1:
        peak = figure(measured[0][1])
        yield f"Within an hour the rate rises to {peak} times its mean; capacity must hold that."
    if scenario.peak_over_average is not None:
        peak = figure(scenario.peak_over_average)
        yield (
            f"Peaks are {peak} times the mean, taken as bursts with nothing between; "
            "profile_rps would tell more."
        )


CAPACITY_NOT_MEASURED = "The capacity of one GPU is not measured."
"""Said of a scenario that gives none; of a host `measured_sentence` tells why it has none."""


def _capacity(scenario: Scenario) -> Iterator[str]:
    if scenario.capacity_rps is None:
        yield CAPACITY_NOT_MEASURED
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
        step, least = scenario.granularity_s or 1, scenario.minimum_charge_s
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
