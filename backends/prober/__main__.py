"""``python -m backends.prober``: an order on stdin, facts on stdout, one JSON line each.

A second line, or the end of stdin, cancels.
"""

import signal
import sys

import msgspec

from backends.prober.load import Load, LoadNews
from backends.prober.loop import READABLE, Loop
from backends.prober.orders import Order, decode_order
from backends.prober.outbox import Outbox
from backends.prober.priority import raise_priority
from backends.prober.series import Series


def main() -> int:
    """Do the one order that stdin brings."""
    # Ctrl+C is for whoever started this process; it closes stdin when it wants the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = decode_order(sys.stdin.buffer.readline())
    loop = Loop()
    outbox = Outbox(sys.stdout.fileno(), loop, lambda: work.cancel("nobody listens any more"))
    work = _work(order, loop, outbox)

    def cancelled(_mask: int) -> None:
        loop.forget(sys.stdin.fileno())
        work.cancel("cancelled")

    loop.watch(sys.stdin.fileno(), READABLE, cancelled)
    work.begin()
    loop.run(lambda: work.over)
    outbox.flush_now()
    return 0


def _work(order: Order, loop: Loop, outbox: Outbox) -> Series | Load:
    if order.series is not None:
        return Series(order.series, loop, outbox.post, raise_priority())
    assert order.load is not None
    raise_priority()

    def tell(news: LoadNews) -> None:
        outbox.post_line(msgspec.json.encode({type(news).__name__: news}))

    return Load(order.load, loop, tell)


if __name__ == "__main__":
    sys.exit(main())
