"""Instants as logs write them, as seconds since 1970."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

EARLIEST_S = 315_532_800.0
"""1980: before it there is no traffic of language models, and what is smaller counts from a start
of its own, as published traces do."""

LATEST_S = 4_102_444_800.0
"""2100: a later instant is a number that was misread."""

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""The units of a number, each in seconds."""

SINCE_1970 = (("s", 1e8), ("ms", 1e11), ("us", 1e14), ("ns", 1e17))
"""From which number on one since 1970 is in which unit: they do not overlap from 1973 to 5138."""

_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_SPACED_OFFSET = re.compile(r"\s*([+-]\d{2}):?(\d{2})(?:\s+[A-Z]{2,5})?$")
_LOG_FORMS = (
    *("%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y %H:%M"),
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{4}/\d{2}/\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(.*)")
_CLOCKS = (
    *("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S%z"),
    *("%I:%M %p", "%I:%M:%S %p", "%I:%M:%S.%f %p"),
)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?")


class NoInstant(ValueError):
    """A text is no instant; the message is the rest of a sentence."""


def is_number(text: str) -> bool:
    """Return whether a text is a plain number, its decimals behind a point or a comma."""
    return _NUMBER.fullmatch(text) is not None


def number_of(text: str) -> float:
    """Return a plain number.

    Raises:
        ValueError: it is none.
    """
    return float(text.replace(",", ".", 1))


def unit_of(value: float) -> str | None:
    """Return the unit of a number since 1970; None for one that counts from a start of its own."""
    found = [unit for unit, least in SINCE_1970 if value >= least]
    return found[-1] if found else None


def is_date(text: str) -> bool:
    """Return whether a text names a whole day."""
    return _DATE.fullmatch(text) is not None


def has_zone(text: str) -> bool:
    """Return whether a text says its offset from UTC."""
    return bool(_ZONE_NAME.search(text) or _SPACED_OFFSET.search(text[10:]))


def seconds_of(text: str, *, day_first: bool = False) -> float:
    """Return a written instant as seconds since 1970; one without a zone is taken as UTC.

    Raises:
        NoInstant: it is written in no form that is known.
    """
    plain = _ZONE_NAME.sub("+00:00", text.strip())
    plain = _SPACED_OFFSET.sub(r"\1:\2", plain) if len(plain) > 10 else plain
    moment = _iso(plain) or _other(text.strip(), day_first=day_first)
    if moment is None:
        raise NoInstant("write an instant such as 2026-11-21T08:00:00Z")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def day_first_of(samples: Iterable[str]) -> bool | None:
    """Return whether dates such as 21/11/2026 begin with the day, None where they do not tell."""
    pairs = [(int(m[1]), int(m[2])) for text in samples if (m := _SLASHED.fullmatch(text))]
    if any(first > 12 for first, _ in pairs):
        return True
    return False if any(second > 12 for _, second in pairs) else None


def is_slashed(text: str) -> bool:
    """Return whether a text is a date whose day and month only others of its column tell apart."""
    return _SLASHED.fullmatch(text) is not None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
    except ValueError:
        return None


def _other(text: str, *, day_first: bool) -> datetime | None:
    if slashed := _SLASHED.fullmatch(text):
        first, second, year, rest = slashed.groups()
        day, month = (first, second) if day_first else (second, first)
        return _clock(f"{year}-{int(month):02}-{int(day):02}", rest.strip(" ,T"))
    for form in _LOG_FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  its zone is what the form says
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _clock(day: str, rest: str) -> datetime | None:
    for form in _CLOCKS:
        try:
            return datetime.strptime(f"{day} {rest}".strip(), f"%Y-%m-%d {form}".strip())  # noqa: DTZ007
        except ValueError:
            continue
    return None
