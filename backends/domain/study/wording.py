"""The figures of a study as text: value, interval, number of samples."""

from collections.abc import Mapping
from decimal import Decimal

from backends.domain.format import UNKNOWN, count, figure, latency, plain_s, usd
from backends.domain.study.figure import Figure

LONG_S = 5.0
"""From here on seconds are shown as such, not as a latency."""


def shown(value: Decimal | float | None, unit: str) -> str:
    """Return a value in its unit, ``—`` where it is unknown."""
    if value is None:
        return UNKNOWN
    if unit == "USD" or isinstance(value, Decimal):
        return usd(Decimal(str(value)))
    match unit:
        case "s":
            return plain_s(value) if abs(value) >= LONG_S else latency(value)
        case "GiB":
            return f"{value:.1f} GiB"
        case "tokens":
            return f"{count(value)} tokens"
        case _:
            return f"{figure(value)} {unit}"


def value_text(found: Figure | None) -> str:
    """Return the value alone."""
    return UNKNOWN if found is None else shown(found.value, found.unit)


def interval_text(found: Figure | None) -> str:
    """Return the two ends of the interval; one that is open says so."""
    if found is None or (found.low is None and found.high is None):
        return UNKNOWN
    if found.high is None:
        return f"{shown(found.low, found.unit)} or more"
    return _between(shown(found.low, found.unit), shown(found.high, found.unit))


def _between(low: str, high: str) -> str:
    """Return two values with their unit once where it is one."""
    number, _, unit = low.partition(" ")
    return f"{number if unit and high.partition(' ')[2] == unit else low} to {high}"


def whole_text(found: Figure | None) -> str:
    """Return value, interval and number of samples, as one cell of a table."""
    if found is None or found.value is None:
        return UNKNOWN
    ends = "" if interval_text(found) == UNKNOWN else f"{interval_text(found)}, "
    return f"{value_text(found)} ({ends}n = {found.n})"


def spread_text(found: Figure | None) -> str:
    """Return the least and the greatest sample."""
    if found is None or not found.samples:
        return UNKNOWN
    ends = (shown(end, found.unit) for end in (min(found.samples), max(found.samples)))
    return _between(*ends)


def crossover_word(name: str, known: Mapping[str, Figure]) -> str:
    """Return what a length of reply is, with its measured tokens."""
    tokens = known.get(f"length.{name}.output_tokens")
    if name == "traffic":
        return "the server's own traffic"
    return f"{name} replies" if tokens is None else f"{name} replies, {value_text(tokens)}"
