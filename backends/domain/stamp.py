"""An instant of one host, on both of its clocks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened.

    Attributes:
        mono_s: seconds on the host's monotonic clock, shared by all its processes; for durations.
        wall_s: seconds since 1970-01-01 UTC; for dates, and for logs of other hosts.
    """

    mono_s: float
    wall_s: float
