"""The scenario: everything a decision may rest on; what is not known is None."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from backends.domain.prices.cost import CostRow, Per, Tier
from backends.domain.prices.currencies import ConvertedPrice, Currency
from backends.domain.traffic.requests import Observed, RequestKind
from backends.domain.traffic.shape import EVEN, HOURS, Shares
from backends.domain.values import Unfit, below, day, kind_of, number, text, truth

Part = TypeVar("Part", Tier, RequestKind)

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
        batch_share: of the requests that may wait for a batch; all of them unless given.
        rate_rps: mean requests per second; with `hours_per_day`, during those hours only.
        profile_rps: 24 hourly rates of a day instead of one, or 168 of a week from Monday on.
        peak_over_average: how much higher the bursts are than the mean.
        bursts: the same as it was measured, by shares of an hour.
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
        commit_months, needed_months: how long a reserved price binds, and how long it is needed;
            what is longer is paid all the same.
        spot_usd_per_hour: of a GPU that may be taken away `spot_interruptions_per_day` times; the
            API serves while the next one starts.
        provisioned_unit_tokens_per_s: output tokens per second that one unit carries.
        costs: what else hosting costs, such as egress, tax and support.
        max_replicas: how many GPUs there may be.
        gpu_price_spread_percent, api_price_spread_percent: half-width of what sources quote.
        api_price_range: how far below and above sources put what the API charges for the mean
            request, as factors.
        gpu_price_as_of, api_price_as_of, today: dates that tell whether a price is stale.
        gpu_price_source, api_price_source: who says so; empty for the user's own figure.
        contract_price_as_of, contract_price_source: the same of every GPU price that is not on
            demand: reserved, by the second, provisioned. A file that gives neither means those
            of the GPU on demand.
        currencies: those that prices were written in, such as ``"399 GBP"``; `converted` are these
            prices, which stand converted in their own keys.
        model, api_model: what each side runs, and its quantisation and context, to tell whether
            they can be compared; api_input_tokens is what the API counts for the same prompts.
    """

    gpu_usd_per_hour: Decimal | None = None
    gpu_usd_per_month: Decimal | None = None
    commit_months: Decimal | None = None
    needed_months: Decimal | None = None
    spot_usd_per_hour: Decimal | None = None
    spot_interruptions_per_day: Decimal | None = None
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
    batch_share: Decimal | None = None
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
    costs: tuple[CostRow, ...] = ()
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
    converted: tuple[ConvertedPrice, ...] = ()
    bursts: Shares = EVEN
    api_price_range: tuple[Decimal, Decimal] = (Decimal(1), Decimal(1))


_WRITTEN_BY_US = frozenset({"converted", "bursts", "api_price_range"})

KEYS = tuple(field.name for field in fields(Scenario) if field.name not in _WRITTEN_BY_US)
"""The keys that a scenario may be written with."""

_DATES = frozenset({"gpu_price_as_of", "contract_price_as_of", "api_price_as_of", "today"})
_TEXTS = frozenset(
    {
        "model",
        "api_model",
        "quantisation",
        "api_quantisation",
        "gpu_price_source",
        "contract_price_source",
        "api_price_source",
    }
)
_POSITIVE = frozenset({
    "capacity_rps", "hours_per_month", "owned_life_months", "provisioned_unit_tokens_per_s",
    "granularity_s", "dispersion", "weight", "usd", "commit_months", "needed_months",
})  # fmt: skip
_AT_LEAST = {
    "peak_over_average": (1, "a peak is at least its average"),
    "pue": (1, "a building draws at least what its GPUs do"),
    "hours_per_month": (672, "a month has at least 28 days"),
}
_AT_MOST = {
    "hours_per_month": 744,
    "cached_input_share": 1,
    "batch_share": 1,
    "hours_per_day": HOURS,
    "gpu_price_spread_percent": 99,
    "api_price_spread_percent": 99,
}
_CURRENCY = {"usd", "as_of"}
_LEFT_OUT = "leave the key out where it is unknown"


class BadScenario(ValueError):
    """A scenario cannot be read; the message names the key and the remedy."""


def scenario_from(data: Mapping[str, Any], place: str = "scenario") -> Scenario:
    """Return the scenario of a mapping, as TOML or JSON give it.

    Raises:
        BadScenario: a key is unknown or its value cannot be; the message says which and what to do.
    """
    try:
        return read_scenario(data)
    except Unfit as error:
        subject = f"{error.place} " if error.key else ""
        raise BadScenario(f"{place}: {subject}{error}") from error


def read_scenario(data: Mapping[str, Any], table: str = "") -> Scenario:
    """Return the scenario of a mapping.

    Args:
        data: the keys with their values.
        table: the table of a configuration that they are in, with a dot; empty for a whole file.

    Raises:
        Unfit: a key is unknown or its value cannot be; `Unfit.key` says which.
    """
    known = _currencies(data.get("currencies"), table)
    values: dict[str, Any] = {"currencies": tuple(known.values())}
    converted: list[ConvertedPrice] = []
    for key, value in data.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            raise Unfit(
                f'unknown key "{key}"', f'did you mean "{near[0]}"?' if near else "remove it"
            )
        if value is None or key == "currencies":
            continue
        with below(key):
            price = _in_currency(key, value)
            if price is None:
                values[key] = _value(key, value)
            elif price.code == "USD":
                values[key] = price.amount
            else:
                values[key] = price.amount * _worth(price.code, known, table)
                converted.append(price)
    means = sorted({"input_tokens", "output_tokens"} & values.keys())
    if means and "token_distribution" in values:
        raise Unfit(f"{means[0]} and token_distribution are both given", "keep one")
    for what in ("as_of", "source"):
        if f"gpu_price_{what}" in values:
            values.setdefault(f"contract_price_{what}", values[f"gpu_price_{what}"])
    return Scenario(**values, converted=tuple(converted))


def _currencies(value: object, table: str) -> dict[str, Currency]:
    """Return the currencies of a table such as ``{GBP = {usd = "1.29", as_of = 2026-11-20}}``."""
    if value is None:
        return {}
    with below("currencies"):
        if not isinstance(value, Mapping):
            remedy = f"write a table such as [{table}currencies.GBP]"
            raise Unfit(f"is {kind_of(value)}, not a table", remedy)
        return {str(code): _currency(str(code), rate) for code, rate in value.items()}


def _currency(code: str, rate: object) -> Currency:
    with below(code):
        if not isinstance(rate, Mapping) or set(rate) != _CURRENCY:
            remedy = f"write what one {code} is worth and since when: usd and as_of"
            raise Unfit("is not a rate with a date", remedy)
        with below("usd"):
            usd = _number("usd", rate["usd"])
        with below("as_of"):
            return Currency(code, usd, day(rate["as_of"]))


def _in_currency(key: str, value: object) -> ConvertedPrice | None:
    """Return a price such as ``"399 GBP"``, None for a value that names no currency."""
    if not isinstance(value, str) or "usd" not in key or not value[-3:].isalpha():
        return None
    return ConvertedPrice(key, _number(key, value[:-3].strip()), value[-3:].upper())


def _worth(code: str, known: Mapping[str, Currency], table: str) -> Decimal:
    if code not in known:
        raise Unfit(
            f"is in {code}, and what one {code} is worth is not known",
            f'add [{table}currencies.{code}] with usd = "…" and as_of = 2026-11-20',
        )
    return known[code].usd


def _value(key: str, value: object) -> object:  # noqa: PLR0911 - one for each kind of value
    match key:
        case "observed":
            return _observed(value)
        case "profile_rps":
            return _profile(value)
        case "tiers":
            return _parts(value, Tier)
        case "token_distribution":
            return _parts(value, RequestKind)
        case "costs":
            return _costs(value)
        case "billed_when_stopped":
            return truth(value)
        case _ if key in _DATES:
            return day(value)
        case _ if key in _TEXTS:
            return "" if value == "" else text(value)  # an empty source is the user's own figure
        case _:
            return _number(key, value)


def _number(key: str, value: object) -> Decimal:
    amount = number(value)
    if key in _POSITIVE and amount == 0:
        raise Unfit("is 0, which cannot be", _LEFT_OUT)
    if key in _AT_MOST and amount > _AT_MOST[key]:
        raise Unfit(f"is {amount}, which is too much", f"it is at most {_AT_MOST[key]}")
    least, why = _AT_LEAST.get(key, (0, ""))
    if amount < least:
        raise Unfit(f"is {amount}, which is too little", why)
    return amount


def _parts(value: object, kind: type[Part]) -> tuple[Part, ...]:
    """Return a list of tables of one kind, at least one of them."""
    if not isinstance(value, list | tuple) or not value:
        raise Unfit("is not a list of tables", "write a list of at least one table")
    found = tuple(_part(item, kind, index) for index, item in enumerate(value))
    limits = [getattr(each, "above_input_tokens", place) for place, each in enumerate(found)]
    if len(set(limits)) < len(limits):
        raise Unfit("has two tiers above the same number of tokens", "keep one of them")
    return found


def _part(item: object, kind: type[Part], index: int) -> Part:
    names = {field.name: field.default is MISSING for field in fields(kind)}
    needed = {name for name, required in names.items() if required}
    with below(f"[{index}]"):
        if not isinstance(item, Mapping) or not needed <= set(item) <= set(names):
            raise Unfit("is no such table", f"write a table with {', '.join(names)}")
        return kind(**_numbers(item))


def _costs(value: object) -> tuple[CostRow, ...]:
    """Return rows such as ``{name = "egress", usd = "40", per = "month"}``."""
    if not isinstance(value, list | tuple) or not value:
        raise Unfit("is not a list of tables", "write a list of at least one table")
    found = []
    for index, item in enumerate(value):
        with below(f"[{index}]"):
            if not isinstance(item, Mapping) or set(item) != {"name", "usd", "per"}:
                raise Unfit("is no such table", "write a table with name, usd and per")
            if item["per"] not in get_args(Per):
                raise Unfit(f"is per {item['per']!r}", f"write {', '.join(get_args(Per))}")
            with below("usd"):
                amount = number(item["usd"], "price")
            found.append(CostRow(text(item["name"]), amount, item["per"]))
    return tuple(found)


def _profile(value: object) -> tuple[Decimal, ...]:
    if not isinstance(value, list | tuple) or len(value) not in {HOURS, 7 * HOURS}:
        remedy = "write 24 hourly rates, midnight first, or 168 of a week, Monday first"
        raise Unfit("is not a list of a day or a week", remedy)
    return tuple(_numbers({f"[{hour}]": rate for hour, rate in enumerate(value)}).values())


def _numbers(table: Mapping[str, object]) -> dict[str, Any]:
    numbers = {}
    for key, value in table.items():
        with below(key):
            numbers[key] = _number(key, value)
    return numbers


def _observed(value: object) -> Observed:
    if not isinstance(value, Mapping) or "n" not in value:
        remedy = 'write a table with at least "n", the number of requests'
        raise Unfit("is no such table", remedy)
    known = {field.name for field in fields(Observed)} - {"errors"}
    unknown = sorted(set(value) - known)
    if unknown:
        raise Unfit(f'has an unknown key "{unknown[0]}"', f"known are {', '.join(sorted(known))}")
    # A covariance may be negative, which no price may.
    written = str(value.get("covariance", 0))
    given = {key: item for key, item in value.items() if item is not None}
    numbers = _numbers({**given, "covariance": written.removeprefix("-")})
    if written.startswith("-"):
        numbers["covariance"] *= -1
    if numbers.get("window_s") == 0:
        raise Unfit("is 0, which cannot be", _LEFT_OUT, ("window_s",))
    found = Observed(**numbers)
    most = found.input_tokens_sd * found.output_tokens_sd
    both = {"input_tokens_sd", "output_tokens_sd"} <= numbers.keys()
    if both and abs(found.covariance) > most * Decimal("1.000001"):
        remedy = f"it is at most the product of the two deviations, {most}"
        raise Unfit(f"is {found.covariance}, which cannot be", remedy, ("covariance",))
    return found


def supplemented(scenario: Scenario, by: Scenario) -> Scenario:
    """Return a scenario in which everything that another one says stands as said there."""
    said = {field.name: getattr(by, field.name) for field in fields(Scenario)}
    known = {
        field.name: said[field.name]
        for field in fields(Scenario)
        if said[field.name] != field.default
    }
    return replace(scenario, **known)
