"""The scenario: everything a decision may rest on; what is not known is None."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from backends.domain.money.amounts import BadPrice, amount_from
from backends.domain.money.shape import HOURS

HOURS_PER_MONTH = Decimal(730)
"""A twelfth of 8,760 hours, as clouds bill a month."""


class BadScenario(ValueError):
    """A scenario cannot be read; the message names the key and the remedy."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of the traffic itself, from which the uncertainty of the decision follows.

    Attributes:
        n: requests seen.
        input_tokens_mean: of one request, like the other means and standard deviations.
        covariance: between input and output tokens of one request.
        window_s: how long was watched.
        dispersion: variance over mean of the counts of requests; 1 is a Poisson stream.
    """

    n: Decimal
    input_tokens_mean: Decimal | None = None
    output_tokens_mean: Decimal | None = None
    input_tokens_sd: Decimal = Decimal(0)
    output_tokens_sd: Decimal = Decimal(0)
    covariance: Decimal = Decimal(0)
    window_s: Decimal | None = None
    dispersion: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Prices, traffic, capacity and limits of one decision; all optional.

    Attributes:
        input_tokens: mean of one request, as the endpoint's own usage counts it.
        cached_input_share: of the input tokens, 0 to 1.
        batch_multiplier: what the API charges of its token prices for batches, such as 0.5.
        rate_rps: mean requests per second; with `hours_per_day`, during those hours only.
        profile_rps: 24 hourly rates instead of one.
        peak_over_average: how much higher the bursts are than the mean.
        capacity_rps: measured requests per second that one replica serves within its limits.
        starts_per_day: cold starts of a GPU that is destroyed when idle.
        idle_timeout_s: how long a serverless GPU is billed after its last request; also the tail
            before an idle GPU is destroyed.
        service_s: how long one request takes on a serverless GPU.
        serverless_usd_per_second: of GPU time, billed while it starts, serves and times out.
        keep_warm: serverless replicas that never scale to zero.
        ttft_slo_s: the limit on the 99th percentile of the time to first token.
        gpu_ttft_p99_s, api_ttft_p99_s: that percentile as measured.
        provisioned_unit_tokens_per_s: output tokens per second that one unit carries.
        max_replicas: how many GPUs there may be.
        gpu_price_spread_percent, api_price_spread_percent: half-width of what sources quote.
        gpu_price_as_of, api_price_as_of, today: dates that tell whether a price is stale.
        model, api_model: what each side runs, and its quantisation and context, to tell whether
            they can be compared; api_input_tokens is what the API counts for the same prompts.
    """

    gpu_usd_per_hour: Decimal | None = None
    gpu_usd_per_month: Decimal | None = None
    input_tokens: Decimal | None = None
    output_tokens: Decimal | None = None
    cached_input_share: Decimal | None = None
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    usd_per_request: Decimal | None = None
    fee_percent: Decimal | None = None
    batch_multiplier: Decimal | None = None
    rate_rps: Decimal | None = None
    profile_rps: tuple[Decimal, ...] | None = None
    peak_over_average: Decimal | None = None
    capacity_rps: Decimal | None = None
    hours_per_day: Decimal | None = None
    starts_per_day: Decimal | None = None
    cold_start_s: Decimal | None = None
    idle_timeout_s: Decimal | None = None
    service_s: Decimal | None = None
    serverless_usd_per_second: Decimal | None = None
    warm_usd_per_second: Decimal | None = None
    keep_warm: Decimal | None = None
    ttft_slo_s: Decimal | None = None
    gpu_ttft_p99_s: Decimal | None = None
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
    today: date | None = None
    model: str | None = None
    api_model: str | None = None
    quantisation: str | None = None
    api_quantisation: str | None = None
    context_tokens: Decimal | None = None
    api_context_tokens: Decimal | None = None
    api_input_tokens: Decimal | None = None
    observed: Observed | None = None


_DATES = frozenset({"gpu_price_as_of", "api_price_as_of", "today"})
_TEXTS = frozenset({"model", "api_model", "quantisation", "api_quantisation"})
_POSITIVE = frozenset(
    {"capacity_rps", "hours_per_month", "owned_life_months", "provisioned_unit_tokens_per_s"}
)
_AT_MOST = {
    "cached_input_share": 1,
    "hours_per_day": HOURS,
    "gpu_price_spread_percent": 99,
    "api_price_spread_percent": 99,
}


def scenario_from(data: Mapping[str, Any], place: str = "scenario") -> Scenario:
    """Return the scenario of a mapping, as TOML or JSON give it.

    Raises:
        BadScenario: a key is unknown or its value cannot be; the message says which and what to do.
    """
    known = [field.name for field in fields(Scenario)]
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else "; remove it"
            raise BadScenario(f'{place}: unknown key "{key}"{hint}')
        if value is not None:
            values[key] = _value(key, value, f"{place}: {key}")
    return Scenario(**values)


def _value(key: str, value: object, place: str) -> object:
    if key == "observed":
        return _observed(value, place)
    if key == "profile_rps":
        return _profile(value, place)
    if key in _DATES:
        return _date(value, place)
    if key in _TEXTS:
        if isinstance(value, str):
            return value
        raise BadScenario(f"{place}: {value!r} is not text; put it in quotes")
    return _number(key, value, place)


def _number(key: str, value: object, place: str) -> Decimal:
    try:
        number = amount_from(value, place)
    except BadPrice as error:
        raise BadScenario(str(error).replace("is no price", "is no number")) from None
    if key in _POSITIVE and number == 0:
        raise BadScenario(f"{place}: 0 cannot be; leave the key out where it is unknown")
    if key in _AT_MOST and number > _AT_MOST[key]:
        raise BadScenario(f"{place}: {number} is too much; it is at most {_AT_MOST[key]}")
    if key == "peak_over_average" and number < 1:
        raise BadScenario(f"{place}: {number} is too little; a peak is at least its average")
    return number


def _profile(value: object, place: str) -> tuple[Decimal, ...]:
    if not isinstance(value, list | tuple) or len(value) != HOURS:
        raise BadScenario(f"{place}: write a list of 24 hourly rates, midnight first")
    return tuple(_number("", rate, f"{place}[{hour}]") for hour, rate in enumerate(value))


def _date(value: object, place: str) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BadScenario(f"{place}: {value!r} is no date; write it as 2026-11-21") from None


def _observed(value: object, place: str) -> Observed:
    if not isinstance(value, Mapping) or "n" not in value:
        raise BadScenario(f'{place}: write a table with at least "n", the number of requests')
    known = {field.name for field in fields(Observed)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise BadScenario(
            f'{place}: unknown key "{unknown[0]}"; known are {", ".join(sorted(known))}'
        )
    # A covariance may be negative, which no price may.
    written = str(value.get("covariance", 0))
    size = _number("", written.removeprefix("-"), f"{place}.covariance")
    covariance = -size if written.startswith("-") else size
    others = {
        key: _number(key, item, f"{place}.{key}")
        for key, item in value.items()
        if item is not None and key != "covariance"
    }
    if others.get("window_s") == 0:
        raise BadScenario(f"{place}.window_s: 0 cannot be; leave the key out where it is unknown")
    return Observed(**{**others, "covariance": covariance})
