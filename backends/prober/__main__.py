"""``python -m backends.prober``: an order on stdin, facts on stdout, one JSON line each.

A second line, or the end of stdin, cancels.
"""

import os
import signal
import sys

from backends.prober.load import Load, LoadNews
from backends.prober.loop import READABLE, Loop
from backends.prober.outbox import Outbox
from backends.prober.priority import raise_priority
from backends.prober.protocol import Order, decode_order
from backends.prober.series import Series
from backends.wire import plain

ONE_READ_BYTES = 1 << 16


def main() -> int:
    """Do the one order that stdin brings."""
    # Ctrl+C is for whoever started this process; it closes stdin when it wants the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order, cancelled_already = _read_order(sys.stdin.fileno())
    loop = Loop()
    targets = order.series.targets if order.series else (order.load.target,) if order.load else ()
    keys = [secret for target in targets for secret in target.secrets]
    deaf = "nobody is listening any more"
    outbox = Outbox(sys.stdout.fileno(), loop, lambda: work.cancel(deaf), keys)
    work = _work(order, loop, outbox)

    def cancelled(_mask: int) -> None:
        loop.forget(sys.stdin.fileno())
        work.cancel("cancelled")

    loop.watch(sys.stdin.fileno(), READABLE, cancelled)
    work.begin()
    if cancelled_already:
        cancelled(READABLE)
    loop.run(lambda: work.over)
    outbox.flush_now()
    return 0


def _read_order(stdin: int) -> tuple[Order, bool]:
    """Return the order, and whether more came with it: the loop would never see that."""
    told = b""
    while b"\n" not in told and (piece := os.read(stdin, ONE_READ_BYTES)):
        told += piece
    line, _, more = told.partition(b"\n")
    return decode_order(line), bool(more)


def _work(order: Order, loop: Loop, outbox: Outbox) -> Series | Load:
    if order.series is not None:
        return Series(order.series, loop, outbox.post, raise_priority())
    assert order.load is not None
    raise_priority()

    def tell(news: LoadNews) -> None:
        outbox.post_record({type(news).__name__: plain(news)})

    return Load(order.load, loop, tell)


if __name__ == "__main__":
    sys.exit(main())
