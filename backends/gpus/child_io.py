"""The child's side of its pipes: orders from standard input, answers to standard output."""

import os
import queue
import resource
import sys
import threading
from collections.abc import Iterator

import msgspec

SAMPLE = b"sample"
SAMPLE_PROCESSES = b"sample processes"


class Answering:
    """Orders and answers of this process, which ends when its input ends, even amid a call.

    Whatever else writes to standard output or error, as AMD's binding does, goes nowhere; a crash
    leaves no core file.
    """

    def __init__(self) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self._replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        self._orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read_orders, daemon=True).start()

    def orders(self) -> Iterator[bool]:
        """Yield for each order whether it asks for processes too; never ends by itself."""
        while True:
            yield self._orders.get() == SAMPLE_PROCESSES

    def reply(self, answer: object) -> None:
        """Send one value as a line of JSON."""
        self._replies.write(msgspec.json.encode(answer) + b"\n")

    def _read_orders(self) -> None:
        for line in sys.stdin.buffer:
            self._orders.put(line.strip())
        os._exit(0)
