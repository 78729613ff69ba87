"""What a reply says that its request cost, in whichever form its provider says it."""

import re
from collections.abc import Mapping
from decimal import Decimal

from backends.domain.ab.names import words

MOST_USD = Decimal(1000)
"""More than any single request costs; an amount above is not this request's."""

DEEPEST, MOST_CHOICES = 4, 8
LONGEST_AMOUNT = 40
MOST_DIGITS = 1e15

USD_PER_UNIT: Mapping[str, Decimal] = {
    # docs.x.ai/developers/cost-tracking: 1 USD = 10,000,000,000 ticks
    "ticks": Decimal("1e-10"),
    "cents": Decimal("0.01"),
    "micros": Decimal("1e-6"),
    "microdollars": Decimal("1e-6"),
    "microusd": Decimal("1e-6"),
    "nanos": Decimal("1e-9"),
    "nanousd": Decimal("1e-9"),
}

_AMOUNT = re.compile(
    r"(?:usd|\$)?\s*((?:\d{1,12}(?:\.\d*)?|\.\d+)(?:e[-+]?\d{1,2})?)\s*(?:usd|\$)?"
)

_COSTS = frozenset({"cost", "costs", "price", "charge", "charged"})
_OTHER_AMOUNTS = frozenset({
    # what is not of this request
    "balance", "budget", "remaining", "left", "limit", "max", "min", "maximum", "key", "keys",
    "account", "user", "team", "org", "organization", "customer", "month", "monthly", "day",
    "daily", "today", "hour", "cumulative", "lifetime", "session", "period", "previous",
    "accumulated", "running", "far", "date", "avg", "average", "spend", "credit", "credits",
    # what is only a part of it
    "input", "output", "prompt", "completion", "cached", "cache", "upstream", "original",
    "discount", "margin", "saved", "savings", "saving",
    # what is no amount
    "per", "rate", "million", "mtok", "tokens", "table", "list", "multiplier", "factor", "ratio",
    "tier", "center", "code", "id", "percent",
    "eur", "gbp", "jpy", "cny", "rmb", "inr", "chf", "aud", "cad", "krw", "brl",
})  # fmt: skip
_TOTALS = ("total", "request", "amount", "value", "usd", "cost")


def provider_cost(part: object, depth: int = 0) -> Decimal | None:
    """Return what a reply says that this request cost in US dollars, None where it does not.

    Amounts of anything else are passed over: balances, budgets, prices per token, parts of the
    sum, other currencies, and what is no amount of money a request can cost.
    """
    if isinstance(part, list):
        costs = (provider_cost(each, depth) for each in part[:MOST_CHOICES])
        return next((cost for cost in costs if cost is not None), None)
    if not isinstance(part, dict) or depth > DEEPEST:
        return None
    currency = _currency(part)
    if part.get("is_byok") is True:
        return _with_own_key(part)
    for name, value in part.items():
        if currency <= {"usd"} and (cost := _named_cost(name, value)) is not None:
            return cost
    for name, value in part.items():
        if not words(name) & (_OTHER_AMOUNTS | _COSTS):
            cost = provider_cost(value, depth + 1)
            if cost is not None:
                return cost
    return None


def _with_own_key(part: Mapping[str, object]) -> Decimal | None:
    """A gateway's fee and what the provider behind it charges the user's own key for the request.

    The names are OpenRouter's (openrouter.ai/docs/use-cases/usage-accounting).
    """
    details = part.get("cost_details")
    upstream = details.get("upstream_inference_cost") if isinstance(details, dict) else None
    charged = _usd(frozenset(), upstream)
    fee = _named_cost("cost", part.get("cost"))
    return None if charged is None else charged + (fee or 0)


def provider_cost_of_headers(fields: Mapping[str, str]) -> Decimal | None:
    """Return what header fields say that this request cost in US dollars, None where none does.

    A gateway's own are known by their names, as ``x-litellm-response-cost``
    (docs.litellm.ai/docs/proxy/response_headers).
    """
    costs = (_named_cost(name, value) for name, value in fields.items())
    return next((cost for cost in costs if cost is not None), None)


def _named_cost(name: str, value: object) -> Decimal | None:
    named = words(name)
    if not named & _COSTS or named & _OTHER_AMOUNTS:
        return None
    if not isinstance(value, dict):
        return _usd(named, value)
    if not _currency(value) <= {"usd"}:
        return None
    for total in _TOTALS:
        for below, amount in value.items():
            inside = words(below)
            if total in inside and not inside & _OTHER_AMOUNTS:
                return _usd(inside, amount)
    return None


def _currency(part: Mapping[str, object]) -> frozenset[str]:
    named = part.get("currency")
    return words(named) if isinstance(named, str) else frozenset()


def _usd(named: frozenset[str], value: object) -> Decimal | None:
    """An amount in dollars, None for what is no amount of money that a request can cost."""
    if isinstance(value, str):
        found = _AMOUNT.fullmatch(value.strip().lower()) if len(value) <= LONGEST_AMOUNT else None
        digits = found[1] if found else ""
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    else:
        digits = str(value) if abs(value) < MOST_DIGITS else ""
    if not digits:
        return None
    unit = next((USD_PER_UNIT[word] for word in named if word in USD_PER_UNIT), Decimal(1))
    amount = Decimal(digits) * unit
    return amount if 0 <= amount <= MOST_USD else None
