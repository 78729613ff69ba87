"""Whether an engine that runs requests makes progress, from readings of its counters."""

from dataclasses import dataclass, replace

LEAST_STILL_S = 30.0
"""An engine that runs requests and shows no progress for less than this may just be slow."""

LONGEST_STEPS = 5.0
"""An engine counts as hung only after as many times the longest step that it was seen to take."""

MOST_BETWEEN_S = 15.0
"""What two readings may have between them at most: who looks may have been suspended as well."""


@dataclass(frozen=True, slots=True)
class EngineReading:
    """What one reading of ``/metrics`` says of one engine.

    Attributes:
        running: requests that it runs; 0 where it sleeps, in which they stand still on purpose.
        signs: tokens, steps and gauges, which any step of its scheduler may change.
    """

    running: float
    signs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stillness:
    """How long one engine has shown no progress.

    Attributes:
        read_s: when it was read last, on the monotonic clock.
        still_s: how long it has run requests without a change.
        longest_step_s: the longest time between two changes while requests ran.
    """

    reading: EngineReading
    read_s: float
    still_s: float = 0.0
    longest_step_s: float = 0.0

    @property
    def limit_s(self) -> float:
        """How long it may stand still before it counts as hung."""
        return max(LEAST_STILL_S, LONGEST_STEPS * self.longest_step_s)

    @property
    def is_hung(self) -> bool:
        """Whether it stands still for longer than that."""
        return self.still_s > self.limit_s


def stillness_after(before: Stillness | None, reading: EngineReading, read_s: float) -> Stillness:
    """Return how long an engine has stood still after one more reading."""
    if before is None:
        return Stillness(reading, read_s)
    still_s = before.still_s + min(read_s - before.read_s, MOST_BETWEEN_S)
    if reading == before.reading and reading.running > 0:
        return replace(before, read_s=read_s, still_s=still_s)
    step_s = still_s if before.reading.running > 0 else 0.0
    return Stillness(reading, read_s, 0.0, max(before.longest_step_s, step_s))
