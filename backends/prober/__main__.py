"""``python -m backends.prober``: an order on stdin, facts on stdout, one JSON line each.

A second line, or the end of stdin, cancels.
"""

import os
import sys

from backends.domain.facts import SeriesEnded
from backends.prober import clock
from backends.prober.loop import READABLE, Loop
from backends.prober.orders import decode_order
from backends.prober.origin import BadUrl
from backends.prober.outbox import Outbox
from backends.prober.series import Series


def main() -> int:
    """Do the one order that stdin brings."""
    order = decode_order(sys.stdin.buffer.readline())
    loop = Loop()
    assert order.series is not None
    outbox = Outbox(sys.stdout.fileno(), loop, lambda: series.cancel("nobody listens any more"))
    series = Series(order.series, loop, outbox.post)

    def cancelled(_mask: int) -> None:
        loop.forget(sys.stdin.fileno())
        series.cancel("cancelled")

    loop.watch(sys.stdin.fileno(), READABLE, cancelled)
    try:
        series.begin()
        loop.run(lambda: series.over)
    except BadUrl as error:
        now = clock.stamp_of(clock.now_ns())
        outbox.post(SeriesEnded(now, order.series.series_id, str(error)))
    outbox.flush_now()
    sys.stdout.flush()
    os.set_blocking(sys.stdout.fileno(), True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
