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

QUIET_PROCESSES_S = 15.0
"""While the memory in use does not change by a byte, the list is renewed only this often.

A GPU on which nothing loads, and so each that no server uses, costs four lists a minute.
"""

PROCESSES_KEPT_S = 20.0
"""A process list that nobody asked to renew is shown no longer than this."""


class Held(Generic[T]):
    """The last value of one reading and its age."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._read_at_s = float("-inf")

    def read(self, now_s: float, good_for_s: float, read: Callable[[], T]) -> T:
        """Return the last value, read again when it is older than `good_for_s`."""
        if self._value is None or now_s - self._read_at_s >= good_for_s:
            self._value = read()
            self._read_at_s = now_s
        return self._value

    def last(self, now_s: float, kept_s: float) -> T | None:
        """Return the last value unless it is older than `kept_s`."""
        return self._value if now_s - self._read_at_s <= kept_s else None


class HeldList(Generic[T]):
    """The last list of the processes on a GPU, renewed as its memory changes."""

    def __init__(self) -> None:
        self._held: Held[T] = Held()
        self._used_bytes: int | None = None

    def read(self, now_s: float, used_bytes: int | None, read: Callable[[], T]) -> T:
        """Return the last list, read again where it may have changed; use unknown may be any."""
        quiet = used_bytes is not None and used_bytes == self._used_bytes
        good_for_s = QUIET_PROCESSES_S if quiet else PROCESSES_S

        def renewed() -> T:
            self._used_bytes = used_bytes
            return read()

        return self._held.read(now_s, good_for_s, renewed)

    def last(self, now_s: float) -> T | None:
        """Return the last list unless nobody asked for one lately."""
        return self._held.last(now_s, PROCESSES_KEPT_S)
