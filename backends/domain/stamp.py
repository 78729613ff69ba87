"""An instant of one host, on both of its clocks."""

from dataclasses import dataclass

LAST_WALL_S = 253_370_764_800.0
"""The beginning of the year 9999: later instants have no date in every zone."""


def in_calendar(wall_s: float) -> bool:
    """Tell whether a number that was kept in a file can be an instant, seconds since 1970."""
    return 0 <= wall_s < LAST_WALL_S


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened.

    Attributes:
        mono_s: seconds on the host's monotonic clock, shared by all its processes; for durations.
        wall_s: seconds since 1970-01-01 UTC; for dates, and for logs of other hosts.
    """

    mono_s: float
    wall_s: float
