"""Amounts in another currency: converted at a rate that the user gave, with its date."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from backends.domain.format import usd
from backends.domain.prices.amounts import BadPrice, amount_from

CODE_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Currency:
    """What one unit of a currency is worth, as the user read it."""

    code: str
    usd: Decimal
    as_of: date


@dataclass(frozen=True, slots=True)
class ConvertedPrice:
    """A figure as it was written, in another currency; its key holds it in US dollars."""

    key: str
    amount: Decimal
    code: str


def currency_of(code: str | None, rate: str | None, as_of: date | None) -> Currency | None:
    """Return a currency from its code, rate and date; None for US dollars.

    Rates are never looked up: whoever names a currency says what it is worth and since when.

    Raises:
        BadPrice: one of the three is missing, or the rate cannot be read.
    """
    if code is None and rate is None and as_of is None:
        return None
    if code is None or rate is None or as_of is None:
        raise BadPrice(
            "a currency needs its code, its rate and the date of that rate: "
            "--currency EUR --rate 1.08 --rate-date 2026-11-20"
        )
    if len(code) != CODE_LENGTH or not code.isalpha():
        raise BadPrice(f"{code} is not a currency; write its three letters, such as EUR")
    worth = amount_from(rate, "--rate")
    if worth == 0:
        raise BadPrice("--rate 0 cannot be; write what one unit is worth in US dollars")
    return Currency(code.upper(), worth, as_of)


def amount_text(amount_usd: Decimal | None, currency: Currency | None) -> str:
    """Return an amount for people, in a currency, such as ``0.0926 EUR``; in US dollars if None."""
    if amount_usd is None or currency is None:
        return usd(amount_usd)
    return f"{usd(amount_usd / currency.usd).replace('$', '')} {currency.code}"
