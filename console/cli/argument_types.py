"""What an argument of the command line may be; each raises `ArgumentTypeError` for all else."""

import argparse
from datetime import date
from decimal import Decimal
from math import isfinite

from backends.domain.prices.amounts import BadPrice, amount_from
from backends.domain.values import Unfit
from backends.settings.kinds import name


def text(written: str) -> str:
    """Return what is not empty, as a variable of a script may be that was never set."""
    if not written.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return written


def server(written: str) -> str:
    """Return what can be a server's name."""
    try:
        return name(written)
    except Unfit as error:
        raise argparse.ArgumentTypeError(f"{written!r} {error.what}: {error.remedy}") from error


def number(text: str) -> float:
    """Return a finite number."""
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from error
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is not a number")
    return value


def seconds(text: str) -> float:
    """Return a number of seconds from 0 on."""
    value = number(text)
    if not 0 <= value < 1e7:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 0 on")
    return value


FIRST_DAY = date(1970, 1, 1)
"""From here to the last day that there is, a clock can count where a day begins and ends."""

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


def pauses(text: str) -> tuple[float, ...]:
    """Return the seconds of a list of pauses such as ``10s,1m,2h``."""
    found = []
    for each in text.split(","):
        digits, unit = each.strip()[:-1], each.strip()[-1:]
        if unit not in UNITS_S:
            raise argparse.ArgumentTypeError(f"{each or text!r} is not a pause like 10s, 5m or 1h")
        found.append(rate(digits) * UNITS_S[unit])
    return tuple(found)


def factor(text: str) -> float:
    """Return how many times faster something runs."""
    value = number(text)
    if not 0.01 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.01 and 10000")
    return value


def rate(text: str) -> float:
    """Return a number above 0."""
    value = number(text)
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def amount(text: str) -> Decimal:
    """Return an amount of US dollars."""
    try:
        return amount_from(text, "the amount")
    except BadPrice as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def day(text: str) -> date:
    """Return a day written as YYYY-MM-DD."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2026-01-31") from None
    if not FIRST_DAY <= found < date.max:
        raise argparse.ArgumentTypeError(f"{text} is not between {FIRST_DAY} and {date.max}")
    return found


def count(text: str) -> int:
    """Return a whole number from 1 on."""
    value = number(text)
    if value < 1 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return int(value)


def listening(text: str) -> tuple[str, int]:
    """Return the address and port of ``[HOST:]PORT``; without a host it is loopback."""
    host, colon, digits = text.rpartition(":")
    if colon and not host:
        raise argparse.ArgumentTypeError(f"{text} has no host; for loopback say {digits}")
    return host.strip("[]") or "127.0.0.1", port(digits)


def port(text: str) -> int:
    """Return a TCP port."""
    value = number(text)
    if not 1 <= value <= 65535 or value != int(value):
        raise argparse.ArgumentTypeError(f"{text} is not a port (1 to 65535)")
    return int(value)
