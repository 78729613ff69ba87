"""A reading that is costly to repeat and stays good for a while."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

ACTIVITY_S = 0.9
"""Power and activity: once a second, less a little for a timer that fires early."""

SLOW_S = 5.0
"""Temperature and clock limits change slowly, and asking for them takes the driver's global lock.

nvitop keeps the same figures for as long.
"""

PROCESSES_S = 2.0
"""A process list costs milliseconds under the driver's global lock (4.5 ms on an RTX 4090)."""

PROCESSES_KEPT_S = 10.0
"""A process list that nobody asked to renew is shown no longer than this."""


class Held(Generic[T]):
    """The last value of one reading and its age."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._read_at_s = float("-inf")

    def read(self, now_s: float, good_for_s: float, read: Callable[[], T]) -> T:
        """Return the last value, read anew when it is older than `good_for_s`."""
        if self._value is None or now_s - self._read_at_s >= good_for_s:
            self._value = read()
            self._read_at_s = now_s
        return self._value

    def last(self, now_s: float, kept_s: float) -> T | None:
        """Return the last value unless it is older than `kept_s`."""
        return self._value if now_s - self._read_at_s <= kept_s else None
