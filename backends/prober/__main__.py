"""``python -m backends.prober``: an order on stdin, facts on stdout, one JSON line each.

A second line, or the end of stdin, cancels.
"""

import sys

from backends.prober.loop import READABLE, Loop
from backends.prober.orders import decode_order
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
    series.begin()
    loop.run(lambda: series.over)
    outbox.flush_now()
    return 0


if __name__ == "__main__":
    sys.exit(main())
