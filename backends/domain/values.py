"""Values of the user's files, read strictly.

Every reader takes what TOML or JSON gave, returns our value, and raises `Unfit` for anything else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

NOT_JSON = (ValueError, RecursionError, InvalidOperation)
"""What ``json.loads`` raises of what others wrote: also for a number of more digits than Python
converts, for an exponent beyond any Decimal, and for more nesting than it follows."""


class Unfit(ValueError):
    """A value does not fit its key.

    Attributes:
        what: the fault, as it follows the name of the key: ``is empty``.
        remedy: one sentence on what to write instead.
        key: where it is below the value that was read, as in ``currencies.GBP.usd``.
    """

    def __init__(self, what: str, remedy: str, key: tuple[str, ...] = ()) -> None:
        self.what = what
        self.remedy = remedy
        self.key = key
        super().__init__(f"{what}; {remedy}")

    @property
    def place(self) -> str:
        """The key as people write it, such as ``currencies.GBP.usd`` or ``profile_rps[0]``."""
        return ".".join(self.key).replace(".[", "[")


@contextmanager
def below(*key: str) -> Iterator[None]:
    """Name the place of a fault that is found inside.

    Raises:
        Unfit: one was found.
    """
    try:
        yield
    except Unfit as error:
        raise Unfit(error.what, error.remedy, (*key, *error.key)) from None


def kind_of(value: object) -> str:
    """Return what a value is, as a noun."""
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (Decimal, "a number"),
        (str, "a string"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "a date or time")


def text(value: object) -> str:
    """Take a string that is not empty and has no control characters."""
    if not isinstance(value, str):
        raise Unfit(f"is {kind_of(value)}, not a string", "put it in double quotes")
    if not value.strip():
        raise Unfit("is empty", "give a value or remove the line")
    if not value.isprintable():
        raise Unfit("contains a control character", "write it in one line of plain text")
    return value


MOST_DIGITS = 18
"""Of a number that a text writes; Python refuses those of thousands."""


def whole(text: str | None) -> int | None:
    """Return the whole number that a text of others writes in ASCII digits, None for any other.

    ``isdigit`` also takes ``²``, which ``int`` refuses.
    """
    fits = text is not None and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if text is not None and fits else None


def truth(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Unfit(f"is {value!r}, which is neither", "write true or false")
    return value


def day(value: object) -> date:
    """Take a date, bare or as a string, as ``2026-11-21``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Unfit(
        f"is {kind_of(value)} that is not a date", 'write year-month-day, for example "2026-11-21"'
    )


MOST = Decimal(10) ** 15
"""Larger than any price, rate or count."""

SMALLEST_EXPONENT = -30
"""Of what is not 0: one price of a token is about 1e-7, and digits are written out in files."""


def number(value: object, noun: str = "number") -> Decimal:
    """Take a number of 0 or more, as a string of digits or bare, with the digits it is written in.

    Args:
        value: what was given.
        noun: what it is called in a fault, such as ``price``.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unfit(f"is {value!r}, which is not a {noun}", 'write it in digits, such as "1.88"')
    try:
        amount = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise Unfit(
            f"is {value!r}, which is not a {noun}",
            'write digits with a point and no sign, such as "1.88"',
        ) from None
    if not amount.is_finite() or amount < 0:
        raise Unfit(f"is {value}, which is not a {noun}", "write a number that is 0 or more")
    if amount and amount.adjusted() < SMALLEST_EXPONENT:
        raise Unfit(f"is {amount:.3g}, which is next to nothing", "write 0, or what it truly is")
    if amount > MOST:
        raise Unfit(f"is {amount:.3g}, which is too much", f"it is at most {MOST:.0e}")
    return amount
