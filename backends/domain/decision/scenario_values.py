"""The values of a scenario's keys, read strictly."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from backends.domain.decision.scenario_parts import (
    BadScenario,
    Currency,
    ForeignPrice,
    Observed,
    RequestKind,
    Tier,
)
from backends.domain.prices.amounts import BadPrice, amount_from
from backends.domain.traffic.shape import HOURS

Part = TypeVar("Part", Tier, RequestKind)

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
_POSITIVE = frozenset(
    {
        "capacity_rps",
        "hours_per_month",
        "owned_life_months",
        "provisioned_unit_tokens_per_s",
        "granularity_s",
        "weight",
        "usd",
    }
)
_AT_MOST = {
    "cached_input_share": 1,
    "hours_per_day": HOURS,
    "gpu_price_spread_percent": 99,
    "api_price_spread_percent": 99,
}
_CURRENCY = {"usd", "as_of"}


def value_from(
    key: str,
    value: object,
    place: str,
    currencies: Mapping[str, Currency],
    foreign: list[ForeignPrice],
) -> object:
    """Return the value of one key; a price in another currency is converted and noted.

    Raises:
        BadScenario: the value cannot be; the message says where and what to do.
    """
    if isinstance(value, str) and "usd" in key and value[-3:].isalpha() and value[-3:] != "":
        return _converted(key, value, place, currencies, foreign)
    return _value(key, value, place)


def currencies_from(value: object, place: str) -> dict[str, Currency]:
    """Return the currencies of a table such as ``{GBP = {usd = "1.29", as_of = 2026-11-20}}``.

    Raises:
        BadScenario: a rate or its date is missing or cannot be read.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadScenario(f"{place}: write a table such as [currencies.GBP]")
    found = {}
    for code, rate in value.items():
        where = f"{place}.{code}"
        if not isinstance(rate, Mapping) or set(rate) != _CURRENCY:
            raise BadScenario(
                f"{where}: write what one {code} is worth and since when: usd and as_of"
            )
        usd = _number("usd", rate["usd"], f"{where}.usd")
        found[str(code)] = Currency(str(code), usd, _date(rate["as_of"], f"{where}.as_of"))
    return found


def _converted(
    key: str,
    text: str,
    place: str,
    currencies: Mapping[str, Currency],
    foreign: list[ForeignPrice],
) -> Decimal:
    amount, code = _number(key, text[:-3].strip(), place), text[-3:].upper()
    if code == "USD":
        return amount
    if code not in currencies:
        raise BadScenario(
            f"{place}: what one {code} is worth is not known; "
            f'add [currencies.{code}] with usd = "…" and as_of = 2026-11-20'
        )
    foreign.append(ForeignPrice(key, amount, code))
    return amount * currencies[code].usd


def _value(key: str, value: object, place: str) -> object:
    match key:
        case "observed":
            return _observed(value, place)
        case "profile_rps":
            return _profile(value, place)
        case "tiers":
            return _parts(value, Tier, place)
        case "token_distribution":
            return _parts(value, RequestKind, place)
        case _:
            return _plain(key, value, place)


def _plain(key: str, value: object, place: str) -> object:
    """Return a date, a text, a truth or a number, as the key asks for."""
    if key in _DATES:
        return _date(value, place)
    if key in _TEXTS:
        if isinstance(value, str):
            return value
        raise BadScenario(f"{place}: {value!r} is not text; put it in quotes")
    if key == "billed_when_stopped":
        if isinstance(value, bool):
            return value
        raise BadScenario(f"{place}: {value!r} is neither; write true or false")
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


def _parts(value: object, kind: type[Part], place: str) -> tuple[Part, ...]:
    """Return a list of tables of one kind, at least one of them."""
    if not isinstance(value, list | tuple) or not value:
        raise BadScenario(f"{place}: write a list of at least one table")
    return tuple(_part(item, kind, f"{place}[{index}]") for index, item in enumerate(value))


def _part(item: object, kind: type[Part], place: str) -> Part:
    names = [field.name for field in fields(kind)]
    if not isinstance(item, Mapping) or not set(item) <= set(names):
        raise BadScenario(f"{place}: write a table with {', '.join(names)}")
    values: dict[str, Any] = {
        name: _number(name, amount, f"{place}.{name}") for name, amount in item.items()
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise BadScenario(f"{place}: {str(error).partition('() ')[2]}") from error


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
