"""Numbers, amounts and dates as a reader sees them: one form each, a dash for what is unknown.

Panels fit a figure into as few cells as it deserves (`seconds`, `latency`, `rate`,
`short_usd`); reports, sentences and columns of plain text keep to one unit or to three significant
digits (`plain_s`, `plain_ms`, `figure`, `usd`), so that rows compare by eye.
"""

from datetime import UTC, datetime
from decimal import Decimal

UNKNOWN = "—"
GIB = 1024**3


def seconds(value: float | None) -> str:
    """Return a duration: ``<0.1 s``, ``61.2 s``, ``12:05``, ``1:01:05``; input in seconds."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.05:
        return "<0.1 s"
    if abs(value) < 99.95:
        return f"{value:.1f} s"
    if abs(value) < 599.5:
        return f"{value:.0f} s"
    return clock(value)


def clock(value: float | None) -> str:
    """Return a long duration as ``0:41``, ``12:05``, ``1:01:05`` or ``3d 04:05``."""
    if value is None:
        return UNKNOWN
    total = round(value)
    minutes, second = divmod(total, 60)
    hours, minute = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24}d {hours % 24:02}:{minute:02}"
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def spoken(value: float) -> str:
    """Return a duration in one unit, as in a sentence: ``8 s``, ``22 min``, ``5 h``, ``3 days``."""
    for unit_s, name, least in ((86400.0, "days", 2), (3600.0, "h", 2), (60.0, "min", 2)):
        if value >= least * unit_s:
            return f"{value / unit_s:.0f} {name}"
    return f"{value:.0f} s"


def latency(value_s: float | None) -> str:
    """Return a latency given in seconds: ``8.31 ms``, ``84 ms``, ``1.24 s``."""
    if value_s is None:
        return UNKNOWN
    value_ms = value_s * 1000
    if abs(value_ms) < 9.995:
        return f"{value_ms:.2f} ms"
    if abs(value_ms) < 999.5:
        return f"{value_ms:.0f} ms"
    return f"{value_s:.2f} s" if abs(value_s) < 99.995 else seconds(value_s)


def between(low_s: float, high_s: float | None) -> str:
    """Return the edges of a bucket: ``250 to 500 ms``, ``750 ms to 1 s``, ``<= 10 ms``, ``> 80 s``.

    Args:
        low_s: the edge that is exceeded; 0 has no form of its own.
        high_s: the edge that is not; None where there is none.
    """
    if high_s is None:
        return f"> {_edge(low_s)}"
    if low_s <= 0:
        return f"<= {_edge(high_s)}"
    low, high = _edge(low_s), _edge(high_s)
    alike = low.split()[1] == high.split()[1]
    return f"{low.split()[0] if alike else low} to {high}"


def _edge(value_s: float) -> str:
    """Return a bucket's edge with its own digits, which are exact."""
    return f"{value_s * 1000:g} ms" if value_s < 1 else f"{value_s:g} s"


def gib(value_bytes: float | None) -> str:
    """Return bytes as GiB without the unit: ``0.42``, ``14.9``, ``141``."""
    if value_bytes is None:
        return UNKNOWN
    value = value_bytes / GIB
    if abs(value) < 0.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def count(value: float | None) -> str:
    """Return a count: ``812``, ``8,120``, ``81.2k``, ``8.1M``."""
    if value is None:
        return UNKNOWN
    if abs(value) < 9_999.5:
        return f"{value:,.0f}"
    if abs(value) < 999_500:
        return f"{value / 1e3:.3g}k"
    unit, name = (1e6, "M") if abs(value) < 999.5e6 else (1e9, "G")
    return f"{value / unit:.3g}{name}"


def rate(value: float | None) -> str:
    """Return a rate without its unit: ``0.31``, ``3.1``, ``88.2``, ``1,204``."""
    if value is None:
        return UNKNOWN
    if abs(value) < 0.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Return a share of one as a percentage: ``0.4 %``, ``62 %``."""
    if share is None:
        return UNKNOWN
    value = share * 100
    return f"{value:.1f} %" if 0 < abs(value) < 9.95 else f"{value:.0f} %"


def usd(amount: Decimal | None, per: str = "") -> str:
    """Return an amount in US dollars for people, such as ``$0.0319`` or ``$1.88/h``.

    Amounts from one dollar on have cents; smaller ones three significant digits, so that the price
    of a request is never rounded to nothing. None gives ``—``.
    """
    if amount is None:
        return UNKNOWN
    size = abs(amount)
    whole, _, cents = f"{size:,.{max(2, 2 - size.adjusted())}f}".partition(".")
    cents = cents.rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}${whole}.{cents}{f'/{per}' if per else ''}"


def spent_usd(amount: Decimal | None, *, whole: Decimal | None = None) -> str:
    """Return what was spent: four decimals below ten dollars, so that a meter is seen to run.

    The parts of a `whole` have as many decimals as it has.
    """
    if amount is None:
        return UNKNOWN
    if abs(amount if whole is None else whole) < 10:
        return f"${amount:.4f}" if not 0 < amount <= Decimal("0.00005") else "<$0.0001"
    return f"${amount:,.2f}" if not 0 < amount <= Decimal("0.005") else "<$0.01"


def short_usd(amount: Decimal | None) -> str:
    """Return US dollars in few cells: ``$0.0042``, ``$0.42``, ``$1.88``, ``$1,204``."""
    if amount is None:
        return UNKNOWN
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0.00"
    if size <= Decimal("0.00005"):
        return f"{sign}<$0.0001"
    if size < Decimal("0.0995"):
        return f"{sign}${size:.4f}"
    return f"{sign}${size:,.2f}" if size < 1000 else f"{sign}${size:,.0f}"


def figure(value: Decimal | float, digits: int = 3) -> str:
    """Return a rate or count to some significant digits for people, such as ``3.22``."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if value == 0 or not value.is_finite():
        return "0" if value == 0 else "∞"
    places = max(0, digits - 1 - value.adjusted())
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


MOST_DIGITS = 7
"""Ends that are alike to so many digits are one."""


def ends(low: Decimal, high: Decimal) -> tuple[str, str]:
    """Return the ends of an interval with as many digits as tell them apart, three at least."""
    pairs = ((figure(low, each), figure(high, each)) for each in range(3, MOST_DIGITS + 1))
    return next(((one, other) for one, other in pairs if one != other), (figure(low), figure(high)))


def plain_s(value: float | None) -> str:
    """Return a duration in seconds whatever its size: ``725.3 s``."""
    return UNKNOWN if value is None else f"{value:.1f} s"


def plain_ms(value_s: float | None) -> str:
    """Return a latency given in seconds in milliseconds whatever its size: ``1240.0 ms``."""
    return UNKNOWN if value_s is None else f"{value_s * 1000:.1f} ms"


def whole(value: float | None, unit: str) -> str:
    """Return a reading without decimals and its unit: ``97 %``, ``651 W``, ``61 °C``."""
    return UNKNOWN if value is None else f"{value:.0f} {unit}"


def pause(value_s: float) -> str:
    """Return a span as options of the command line take it, such as ``90s``, ``15m``, ``1.5h``."""
    if value_s >= 3600:
        return f"{round(value_s / 3600, 2):g}h"
    if value_s >= 60 and value_s % 60 == 0:
        return f"{value_s / 60:g}m"
    return f"{value_s:g}s"


def lasting(value_s: float) -> str:
    """Return a length of time in the unit that suits it, such as ``12 min``."""
    for unit_s, name, least in ((86_400.0, "days", 2.0), (3600.0, "h", 1.0), (60.0, "min", 2.0)):
        if value_s >= unit_s * least:
            return f"{figure(value_s / unit_s)} {name}"
    return f"{figure(value_s)} s"


def utc_minute(wall_s: float) -> str:
    """Return seconds since 1970 as a date and time of day in UTC: ``2026-11-30 02:19``."""
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d %H:%M")


def local_minute(wall_s: float) -> str:
    """Return seconds since 1970 as a date and time of day of this host's zone."""
    return datetime.fromtimestamp(wall_s).astimezone().strftime("%Y-%m-%d %H:%M")


def about(value: float | None) -> str:
    """Return an estimated duration, which deserves no decimals: ``23 s``, ``12:05``."""
    if value is None:
        return UNKNOWN
    return f"{max(0.0, value):.0f} s" if value < 599.5 else clock(value)


def latencies(*values_s: float, signed: bool = False) -> tuple[tuple[str, ...], str]:
    """Return latencies in one unit with as many digits as the largest deserves, and that unit."""
    largest = max(abs(value) for value in values_s)
    scale, unit = (1000.0, "ms") if largest < 0.9995 else (1.0, "s")
    scaled = largest * scale
    digits = 2 if unit == "s" else 0 if scaled >= 9.95 else 1 if scaled >= 0.95 else 3
    sign = "+" if signed else ""
    texts = (f"{value * scale:{sign}.{digits}f}".replace("-", "−") for value in values_s)
    return tuple(texts), unit
