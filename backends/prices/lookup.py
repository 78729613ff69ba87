"""The price of an endpoint: found by its address and its own model id, never guessed."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from backends.domain.format import usd
from backends.domain.prices.cost import request_prices
from backends.domain.prices.ends import PriceEnds
from backends.domain.prices.prices import ApiPrice
from backends.prices.table import PriceTable


@dataclass(frozen=True, slots=True)
class Quote:
    """What the price table says of an endpoint.

    Attributes:
        price: the one row that fits; None where none does, or more than one.
        reason: why there is none, one sentence with the remedy; empty where there is one.
        ends: the lowest and the highest that sources name for it, where they do not agree.
    """

    price: ApiPrice | None
    reason: str = ""
    ends: PriceEnds | None = None


def quote(table: PriceTable, base_url: str, model: str) -> Quote:
    """Return the price of a model at an address.

    The host of the address tells the provider, and the provider's own id the model; rows of one
    provider need not all carry its address. A user's own row stands above all others. Rows that
    disagree are named, and none of them is taken.
    """
    host = urlsplit(base_url).hostname
    providers = {row.provider.lower() for row in table.api if host and _host(row) == host}
    if not providers:
        return Quote(None, f"no provider at {host} is in the price table; {_REMEDY}")
    rows = [row for row in table.api if _is(row, providers, host, model)]
    if not rows:
        named = ", ".join(sorted(providers))
        return Quote(None, f"the price table has no {model} of {named}; {_REMEDY}")
    rows = [row for row in rows if row.origin == "user"] or rows
    priced = [row for row in rows if request_prices(row).known]
    if not priced:
        return Quote(None, f"{rows[0].provider} has no price for {model}; {_REMEDY}")
    if any(_disagree(row, other) for row in priced for other in priced):
        said = " and ".join(f"{row.provider} says {_words(row)}" for row in priced)
        return Quote(None, f"the price table is ambiguous for {model}: {said}; {_REMEDY}")
    best = max(priced, key=_best_known)
    return Quote(best, ends=table.ends(best))


_REMEDY = "set its price in its [endpoint] table or with inferctl prices set"


def _is(row: ApiPrice, providers: set[str], host: str | None, model: str) -> bool:
    if row.model.lower() != model.lower() or row.provider.lower() not in providers:
        return False
    return _host(row) in {None, host}


def _host(row: ApiPrice) -> str | None:
    return None if row.base_url is None else urlsplit(row.base_url).hostname


def _disagree(row: ApiPrice, other: ApiPrice) -> bool:
    """Return whether two rows say different things; what one of them does not say is no such."""
    pairs = zip(_amounts(row), _amounts(other), strict=True)
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def _amounts(row: ApiPrice) -> tuple[object, ...]:
    return (
        (row.input_usd_per_mtok, row.output_usd_per_mtok),
        row.cached_input_usd_per_mtok,
        row.usd_per_request,
        row.fee_percent,
        row.tiers,
    )


def _words(row: ApiPrice) -> str:
    return f"{usd(row.input_usd_per_mtok)} in and {usd(row.output_usd_per_mtok)} out"


def _best_known(row: ApiPrice) -> tuple[bool, int, str]:
    """Return what ranks rows that agree: dated over undated, then fuller, then later."""
    known = sum(1 for amount in _amounts(row) if amount)
    return row.as_of is not None, known, "" if row.as_of is None else row.as_of.isoformat()
