"""Facts on their way to whoever started the prober, without ever waiting for it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from backends.domain.ab.facts import AbFact, TextArrived
from backends.domain.redaction import without_keys
from backends.prober.loop import WRITABLE, Loop
from backends.wire import plain

# A reader that is this far behind gets no more live text; figures are never dropped.
LARGEST_BACKLOG = 4 * 1024 * 1024


class Outbox:
    """Writes lines to a pipe when the loop has nothing to read; in none of them stands a key.

    Attributes:
        broken: the reader is gone.
    """

    def __init__(
        self, fd: int, loop: Loop, on_broken: Callable[[], None], keys: Iterable[str] = ()
    ) -> None:
        self.broken = False
        self._fd = fd
        self._loop = loop
        self._on_broken = on_broken
        self._keys = tuple(keys)
        self._buffer = bytearray()
        self._scheduled = False
        os.set_blocking(fd, False)

    def post(self, fact: AbFact) -> None:
        """Send a fact soon."""
        if isinstance(fact, TextArrived) and len(self._buffer) > LARGEST_BACKLOG:
            return
        self.post_record({"fact": type(fact).__name__, **plain(fact)})

    def post_record(self, record: dict[str, Any]) -> None:
        """Send plain data soon, as a line of JSON."""
        self._buffer += msgspec.json.encode(without_keys(record, self._keys)) + b"\n"
        if not self._scheduled:
            self._scheduled = True
            self._loop.defer(self._flush)

    def flush_now(self) -> None:
        """Send all of it, waiting for the reader; for the end."""
        os.set_blocking(self._fd, True)
        while self._buffer and not self.broken:
            self._write()

    def _flush(self) -> None:
        self._scheduled = False
        self._write()
        if self._buffer and not self.broken:
            self._scheduled = True
            self._loop.watch(self._fd, WRITABLE, self._writable)

    def _writable(self, _mask: int) -> None:
        self._loop.forget(self._fd)
        self._flush()

    def _write(self) -> None:
        try:
            written = os.write(self._fd, self._buffer)
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.broken = True
            self._buffer.clear()
            self._on_broken()
            return
        del self._buffer[:written]
