"""The scenario: everything a decision may rest on; what is not known is None."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from backends.domain.decision.scenario_parts import (
    BadScenario,
    Currency,
    ForeignPrice,
    Observed,
    RequestKind,
    Tier,
)
from backends.domain.decision.scenario_values import currencies_from, value_from

__all__ = [
    "HOURS_PER_MONTH",
    "KEYS",
    "BadScenario",
    "Currency",
    "ForeignPrice",
    "Observed",
    "RequestKind",
    "Scenario",
    "Tier",
    "scenario_from",
    "supplemented",
]

HOURS_PER_MONTH = Decimal(730)
"""A twelfth of 8,760 hours, as clouds bill a month."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Prices, traffic, capacity and limits of one decision; all optional.

    Attributes:
        input_tokens: mean of one request, as the endpoint's own usage counts it.
        token_distribution: kinds of requests with their weights, instead of mean token counts.
        tiers: dearer (or cheaper) token prices of long prompts.
        cached_input_share: of the input tokens, 0 to 1.
        batch_multiplier: what the API charges of its token prices for batches, such as 0.5.
        rate_rps: mean requests per second; with `hours_per_day`, during those hours only.
        profile_rps: 24 hourly rates instead of one.
        peak_over_average: how much higher the bursts are than the mean.
        capacity_rps: measured requests per second that one replica serves within its limits.
        starts_per_day: cold starts of a GPU that is destroyed when idle.
        cold_start_s: from the order to the first token, on a new host where the GPU was destroyed.
        restart_s: from the order to the first token of a host that was only powered off.
        billed_when_stopped: whether a host that is powered off still costs; None is yes, as with
            most providers.
        granularity_s, minimum_charge_s: how each rental of a GPU that comes and goes is rounded up.
        idle_timeout_s: how long a serverless GPU is billed after its last request; also the tail
            before an idle GPU is destroyed.
        service_s: how long one request takes on a serverless GPU.
        serverless_usd_per_second: of GPU time, billed while it starts, serves and times out.
        warm_usd_per_second: of a replica that is kept warm and idle, where that has its own price.
        keep_warm: serverless replicas that never scale to zero.
        ttft_slo_s: the limit on the 99th percentile of the time to first token.
        gpu_ttft_p99_s, api_ttft_p99_s: that percentile as measured.
        gpu_ttft_p99_above_s: what it is more than, where a histogram tells its bucket only.
        provisioned_unit_tokens_per_s: output tokens per second that one unit carries.
        max_replicas: how many GPUs there may be.
        gpu_price_spread_percent, api_price_spread_percent: half-width of what sources quote.
        gpu_price_as_of, api_price_as_of, today: dates that tell whether a price is stale.
        gpu_price_source, api_price_source: who says so; empty for the user's own figure.
        contract_price_as_of, contract_price_source: the same of every GPU price that is not on
            demand: reserved, by the second, provisioned. A file that gives neither means those
            of the GPU on demand.
        currencies: those that prices were written in, such as ``"399 GBP"``; `foreign` are these
            prices, which stand converted in their own keys.
        model, api_model: what each side runs, and its quantisation and context, to tell whether
            they can be compared; api_input_tokens is what the API counts for the same prompts.
    """

    gpu_usd_per_hour: Decimal | None = None
    gpu_usd_per_month: Decimal | None = None
    input_tokens: Decimal | None = None
    output_tokens: Decimal | None = None
    token_distribution: tuple[RequestKind, ...] = ()
    cached_input_share: Decimal | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    usd_per_request: Decimal | None = None
    fee_percent: Decimal | None = None
    batch_multiplier: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    rate_rps: Decimal | None = None
    profile_rps: tuple[Decimal, ...] | None = None
    peak_over_average: Decimal | None = None
    capacity_rps: Decimal | None = None
    hours_per_day: Decimal | None = None
    starts_per_day: Decimal | None = None
    cold_start_s: Decimal | None = None
    restart_s: Decimal | None = None
    billed_when_stopped: bool | None = None
    granularity_s: Decimal | None = None
    minimum_charge_s: Decimal | None = None
    idle_timeout_s: Decimal | None = None
    service_s: Decimal | None = None
    serverless_usd_per_second: Decimal | None = None
    warm_usd_per_second: Decimal | None = None
    keep_warm: Decimal | None = None
    ttft_slo_s: Decimal | None = None
    gpu_ttft_p99_s: Decimal | None = None
    gpu_ttft_p99_above_s: Decimal | None = None
    api_ttft_p99_s: Decimal | None = None
    provisioned_unit_usd_per_hour: Decimal | None = None
    provisioned_unit_tokens_per_s: Decimal | None = None
    owned_usd: Decimal | None = None
    owned_life_months: Decimal | None = None
    power_kw: Decimal | None = None
    usd_per_kwh: Decimal | None = None
    pue: Decimal | None = None
    storage_usd_per_month: Decimal | None = None
    ops_usd_per_month: Decimal | None = None
    hours_per_month: Decimal = HOURS_PER_MONTH
    max_replicas: Decimal | None = None
    gpu_price_spread_percent: Decimal | None = None
    api_price_spread_percent: Decimal | None = None
    gpu_price_as_of: date | None = None
    api_price_as_of: date | None = None
    contract_price_as_of: date | None = None
    gpu_price_source: str = ""
    contract_price_source: str = ""
    api_price_source: str = ""
    today: date | None = None
    model: str | None = None
    api_model: str | None = None
    quantisation: str | None = None
    api_quantisation: str | None = None
    context_tokens: Decimal | None = None
    api_context_tokens: Decimal | None = None
    api_input_tokens: Decimal | None = None
    observed: Observed | None = None
    currencies: tuple[Currency, ...] = ()
    foreign: tuple[ForeignPrice, ...] = ()


_WRITTEN_BY_US = frozenset({"foreign"})

KEYS = tuple(field.name for field in fields(Scenario) if field.name not in _WRITTEN_BY_US)
"""The keys that a scenario may be written with."""


def scenario_from(data: Mapping[str, Any], place: str = "scenario") -> Scenario:
    """Return the scenario of a mapping, as TOML or JSON give it.

    Raises:
        BadScenario: a key is unknown or its value cannot be; the message says which and what to do.
    """
    currencies = currencies_from(data.get("currencies"), f"{place}: currencies")
    values: dict[str, Any] = {"currencies": tuple(currencies.values())}
    foreign: list[ForeignPrice] = []
    for key, value in data.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else "; remove it"
            raise BadScenario(f'{place}: unknown key "{key}"{hint}')
        if value is not None and key != "currencies":
            values[key] = value_from(key, value, f"{place}: {key}", currencies, foreign)
    means = sorted({"input_tokens", "output_tokens"} & values.keys())
    if means and "token_distribution" in values:
        raise BadScenario(f"{place}: {means[0]} and token_distribution are both given; keep one")
    for what in ("as_of", "source"):
        if f"gpu_price_{what}" in values:
            values.setdefault(f"contract_price_{what}", values[f"gpu_price_{what}"])
    return Scenario(**values, foreign=tuple(foreign))


def supplemented(scenario: Scenario, by: Scenario) -> Scenario:
    """Return a scenario in which everything that another one says stands as said there."""
    said = {field.name: getattr(by, field.name) for field in fields(Scenario)}
    known = {
        field.name: said[field.name]
        for field in fields(Scenario)
        if said[field.name] != field.default
    }
    return replace(scenario, **known)
