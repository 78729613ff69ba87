"""What a domain figure is on an axis: a finite number, or nothing."""

from decimal import Decimal

from backends.domain.decision.uncertainty import Band


def finite(value: Decimal | None) -> float | None:
    """Return a figure as a number that can be drawn; unknown and infinite are None."""
    return None if value is None or not value.is_finite() else float(value)


def span(band: Band | None) -> tuple[float, float] | None:
    """Return an interval that can be drawn; few requests leave one without an end: None."""
    if band is None or not (band.low.is_finite() and band.high.is_finite()):
        return None
    return float(band.low), float(band.high)
