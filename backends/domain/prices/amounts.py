"""Amounts of money: read strictly, written as digits for JSON."""

from datetime import date
from decimal import Decimal

from backends.domain.values import Unfit, number

STALE_AFTER_DAYS = 45
"""A price older than this is shown as stale; list prices moved by 38 % within a year."""


class BadPrice(ValueError):
    """A price cannot be read; the message names its place and the remedy."""


def amount_from(value: object, place: str) -> Decimal:
    """Return a price given as digits, a number or a Decimal.

    Raises:
        BadPrice: it is negative, not finite, not a number, or carries a currency sign or unit.
    """
    try:
        return number(value, "price")
    except Unfit as error:
        raise BadPrice(f"{place} {error}") from None


def digits(amount: Decimal | None) -> str | None:
    """Return an amount as digits for JSON, to twelve significant places; None stays None."""
    if amount is None:
        return None
    rounded = amount.quantize(Decimal(1).scaleb(amount.adjusted() - 11))
    return format(rounded.normalize(), "f")


def age_days(as_of: date | None, today: date | None) -> int | None:
    """Return how many days old a price is, None where either date is unknown."""
    return None if as_of is None or today is None else (today - as_of).days


def is_stale(as_of: date | None, today: date | None) -> bool:
    """Return whether a price is known to be older than it should be, or of a day to come."""
    age = age_days(as_of, today)
    return age is not None and (age > STALE_AFTER_DAYS or age < -1)
