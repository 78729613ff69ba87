"""The clocks of this host."""

import time

from backends.domain.stamp import Stamp


def now() -> Stamp:
    """Return this instant on both clocks."""
    return Stamp(time.monotonic(), time.time())
