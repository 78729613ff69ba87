"""The clock of a simulation: recorded seconds against the host's own, divided by the speed."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Pace:
    """Turns recorded seconds into waiting; `origin_s` is the recorded zero, monotonic."""

    speed: float
    origin_s: float

    def wait_until(self, recorded_s: float) -> None:
        """Sleep until `recorded_s` after the origin; return at once when it has passed."""
        left = self.origin_s + recorded_s / self.speed - time.monotonic()
        if left > 0:
            time.sleep(left)

    def wait(self, recorded_s: float) -> None:
        """Sleep for a recorded stretch of time from now on."""
        time.sleep(recorded_s / self.speed)

    def absorb_delay(self, recorded_s: float) -> None:
        """Move the origin if `recorded_s` has passed, so that no later stretch is cut short."""
        self.origin_s = max(self.origin_s, time.monotonic() - recorded_s / self.speed)


def since_launch(speed: float) -> Pace:
    """Return a pace whose zero is the launch of this very process, to 10 ms."""
    stat = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    started_s = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    age_s = max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    return Pace(speed, time.monotonic() - age_s)
