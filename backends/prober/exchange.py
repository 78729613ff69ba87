"""One request and its reply: stamps first, understanding later."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from backends.domain.ab.run import Connect
from backends.domain.ab.tokens import ChunkReader, Piece
from backends.prober import clock, problems
from backends.prober.connection import Connection
from backends.prober.http import BrokenReply, Http2Reply
from backends.prober.loop import Loop, Timer
from backends.prober.pool import Pool, Unresolved
from backends.prober.protocol import Limits, Target
from backends.prober.reply import Reply, UnreadableReply

LIVE_NS = 50_000_000
RESENT_WITHIN_NS = clock.NS
LINGER_NS = clock.NS
LINGER_WITHOUT_USAGE_NS = 5 * clock.NS
"""How long a connection may stay open after all has come, or after a finish reason only."""

MOST_UNREAD_BYTES = 1024 * 1024
MOST_BYTES_AT_ONCE = 96 * 1024 * 1024
"""Of all the replies under way: what is kept of them takes less, and the prober 128 MB at most."""

MOST_LAGS = 40_000
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class Trace:
    """What was seen on the wire of one exchange, and how fast the client itself was.

    Attributes:
        lags_ns: for each read, how long after the kernel's stamp it happened.
        coalesced_segments: how many segments were read together with the one before.
        reconnected: the kept connection turned out to be closed.
        cpu_at_send_ns: what this process had used by then.
        request_bytes: how long the request was.
    """

    sent_ns: int = 0
    planned_ns: int = 0
    connect: Connect | None = None
    rtt_s: float | None = None
    from_kernel: bool = True
    reads: int = 0
    lags_ns: list[int] = field(default_factory=list)
    coalesced_segments: int | None = None
    reconnected: bool = False
    cpu_at_send_ns: int = 0
    request_bytes: int = 0

    def sent(self, at_ns: int) -> None:
        """Note the send."""
        self.sent_ns = at_ns
        self.cpu_at_send_ns = time.process_time_ns()

    def used(self) -> tuple[float, float]:
        """What this process used since the send: CPU seconds, and percent of a core."""
        if not self.sent_ns:
            return 0.0, 0.0
        passed_ns = max(1, clock.now_ns() - self.sent_ns)
        cpu_ns = time.process_time_ns() - self.cpu_at_send_ns
        return cpu_ns / clock.NS, 100 * cpu_ns / passed_ns


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who wants to know: the request was sent, pieces were understood, it is over."""

    sent: Callable[[int], None]
    pieces: Callable[[int, list[Piece]], None]
    ended: Callable[[Asked], None]


class Asked(Protocol):
    """One request and its reply, however it is sent."""

    reply: Reply
    trace: Trace
    error: str | None
    http_2_only: bool

    def begin(self, planned_ns: int | None, hooks: Hooks) -> None:
        """Send the request; `planned_ns` is None where it is to go as soon as it can."""

    def cancel(self) -> None:
        """Close without telling anybody; what came until now is read, and `error` says so."""


class _Patience:
    """Waits for what may follow the end of a reply, but not for ever."""

    def __init__(self, loop: Loop, finish: Callable[[], None]) -> None:
        self._loop = loop
        self._finish = finish
        self._due_ns = 0
        self._timer: Timer | None = None

    def ends_after(self, at_ns: int, reader: ChunkReader, goes_on: bool) -> None:
        """Finish some time after an instant; text that came since the end was said prolongs it."""
        whole = reader.done or reader.finished
        due_ns = at_ns + (LINGER_NS if whole else LINGER_WITHOUT_USAGE_NS)
        if self._timer is not None:
            if self._due_ns <= due_ns and (reader.done or not goes_on):
                return
            self._timer.cancel()
        self._due_ns = due_ns
        self._timer = self._loop.call_at(due_ns, self._finish)

    def cancel(self) -> None:
        """Finish no more, and let go of what would be: nothing collects cycles meanwhile."""
        if self._timer is not None:
            self._timer.cancel()
        self._finish = _nothing


def _nothing() -> None:
    pass


class Exchange:
    """Sends a prepared request and collects its reply.

    Bytes are stored with their stamp as they arrive and are understood when nothing else does, at
    most every 50 ms, so that reading one stream never waits for parsing another.

    Attributes:
        error: one line once it has ended badly, else None.
        http_2_only: it ended because the server does not speak HTTP/1.1.
    """

    def __init__(
        self, request: bytes, target: Target, pool: Pool, loop: Loop, limits: Limits
    ) -> None:
        self.reply = Reply(target.model, target.secrets)
        self.trace = Trace(request_bytes=len(request))
        self.error: str | None = None
        self.http_2_only = False
        self._planned_ns = 0
        self._request = request
        self._pool = pool
        self._loop = loop
        self._limits = limits
        self._hooks: Hooks | None = None
        self._connection: Connection | None = None
        self._segments_before = 0
        self._arrived: list[tuple[int, bytes]] = []
        self._scheduled = False
        self._unread_bytes = self._held_bytes = 0
        self._patience = _Patience(loop, partial(self._finish, None))
        self._timers: list[Timer] = []

    def begin(self, planned_ns: int | None, hooks: Hooks) -> None:
        """Send the request; `planned_ns` is None where it is to go as soon as it can."""
        self._planned_ns = self.trace.planned_ns = planned_ns or 0
        self._hooks = hooks
        kept = self._pool.idle()
        if kept is None:
            self._open()
            return
        self.trace.connect = Connect(None, None, None, reused=True)
        self._connection = kept
        kept.listener = self
        self.opened()

    def cancel(self) -> None:
        """Close without telling anybody; what came until now is read, and `error` says so."""
        self._hooks = None
        with suppress(ValueError):  # what came is no reply, and nobody waits for one any more
            self._read_arrived()
        self.error = problems.cancelled(len(self.reply.reader.pieces))
        self._stop(keep=False)

    def opened(self) -> None:
        """Send now: the connection stands."""
        connection, trace = self._connection, self.trace
        assert connection is not None
        trace.connect = trace.connect or connection.connect
        rtt_s, self._segments_before = connection.tcp_info()
        trace.rtt_s = rtt_s or None
        trace.planned_ns = trace.planned_ns or clock.now_ns()
        connection.send(self._request)
        if self._hooks is None or self._connection is not connection:
            return
        trace.sent(connection.sent_ns)
        limits = self._limits
        no_token, too_long = problems.no_token(limits.ttft_s), problems.too_long(limits.total_s)
        for limit_s, overdue in (
            (limits.ttft_s, partial(self._overdue, no_token, even_with_token=False)),
            (limits.total_s, partial(self._overdue, too_long, even_with_token=True)),
        ):
            due_ns = trace.sent_ns + int(limit_s * clock.NS)
            self._timers.append(self._loop.call_at(due_ns, overdue))
        self._hooks.sent(trace.sent_ns)

    def received(self, at_ns: int, read_ns: int, from_kernel: bool, data: bytes) -> None:
        """Store what arrived."""
        trace = self.trace
        self._arrived.append((at_ns, data))
        self._unread_bytes += len(data)
        trace.reads += 1
        if not from_kernel:
            trace.from_kernel = False
        elif trace.reads <= MOST_LAGS:
            trace.lags_ns.append(read_ns - at_ns)
        if self._unread_bytes > MOST_UNREAD_BYTES:
            self._understand()
        elif trace.reads == 1 or data.endswith(LAST_CHUNK):
            self._loop.defer(self._understand)
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_at(read_ns + LIVE_NS, self._understand_soon)

    def ended(self, problem: str | None) -> None:
        """Finish: the connection is gone."""
        self._connection = None
        if self._retry_on_fresh_connection():
            return
        self._understand()
        if self._hooks is None:
            return
        whole = self.reply.end((clock.now_ns() - self.trace.sent_ns) / clock.NS)
        self._finish(None if whole else problem, cut=not whole)

    def _open(self) -> None:
        try:
            connection, addresses, dns_s = self._pool.new()
        except Unresolved as error:
            self._finish(str(error))
            return
        self._connection = connection
        connection.listener = self
        connection.open(addresses, dns_s)

    def _retry_on_fresh_connection(self) -> bool:
        """A kept connection that the server closed just then is no failure of the server.

        The request is timed again from its second send, and the run says so. One that was closed
        later may have been answered by a model, and charged: it is not sent twice (RFC 9110,
        9.2.2).
        """
        reused = self.trace.connect is not None and self.trace.connect.reused
        if not reused or self._arrived or self.trace.reads or self._hooks is None:
            return False
        if self.trace.sent_ns and clock.now_ns() - self.trace.sent_ns > RESENT_WITHIN_NS:
            return False
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.trace.connect = None
        self.trace.planned_ns = self._planned_ns
        self.trace.reconnected = True
        self._open()
        return True

    def _understand_soon(self) -> None:
        self._scheduled = False
        self._loop.defer(self._understand)

    def _understand(self) -> None:
        """Take the bytes that came since the last time through HTTP, events and chunks."""
        if self._hooks is None:
            return
        try:
            at_ns, pieces = self._read_arrived()
        except UnreadableReply as error:
            self._finish(str(error))
            return
        except Http2Reply:
            self._finish(problems.NO_HTTP_1)
            return
        except BrokenReply as error:
            self._finish(f"{error}: check that base_url names an OpenAI-compatible API")
            return
        if at_ns and self._connection is not None:
            rtt_s, _ = self._connection.tcp_info()
            self.trace.rtt_s = min(self.trace.rtt_s or rtt_s, rtt_s) or None
        if pieces:
            self._hooks.pieces(at_ns, pieces)
        reader = self.reply.reader
        if self.reply.complete or reader.error:
            self._finish(None)
        elif self._loop.held_bytes > MOST_BYTES_AT_ONCE:
            self._finish(problems.too_much_at_once(MOST_BYTES_AT_ONCE))
        elif reader.finish_reason is not None or reader.done:
            self._patience.ends_after(at_ns, reader, any(piece.carries for piece in pieces))

    def _read_arrived(self) -> tuple[int, list[Piece]]:
        """Take what was stored; return the last stamp of it, 0 for nothing, and the pieces."""
        arrived, self._arrived = self._arrived, []
        self._held_bytes += self._unread_bytes
        self._loop.held_bytes += self._unread_bytes
        self._unread_bytes = 0
        at_ns, pieces = 0, list[Piece]()
        for at_ns, data in arrived:
            pieces += self.reply.feed((at_ns - self.trace.sent_ns) / clock.NS, data)
        return at_ns, pieces

    def _overdue(self, problem: str, *, even_with_token: bool) -> None:
        """A limit is reached: for the first token, or for all of it."""
        self._understand()
        pieces = self.reply.reader.pieces
        if even_with_token or not any(piece.carries or piece.counted for piece in pieces):
            self._finish(problem)

    def _finish(self, problem: str | None, *, cut: bool = False) -> None:
        hooks, self._hooks = self._hooks, None
        if hooks is None:
            return
        self.error = self.reply.error(problem, cut=cut)
        self.http_2_only = problem == problems.NO_HTTP_1
        self._stop(keep=self.reply.reusable and problem is None)
        hooks.ended(self)

    def _stop(self, *, keep: bool) -> None:
        self._loop.held_bytes -= self._held_bytes
        self._held_bytes = 0
        self._patience.cancel()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        _, segments = connection.tcp_info()
        if segments:
            read = segments - self._segments_before - self.trace.reads
            self.trace.coalesced_segments = max(0, read)
        if keep:
            self._pool.keep(connection)
        else:
            connection.close()
