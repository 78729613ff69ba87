"""One request and its reply: stamps first, understanding later."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from backends.domain.run import Connect
from backends.domain.streams.sse import SseParser
from backends.domain.streams.tokens import ChunkReader, Piece
from backends.prober import clock, problems
from backends.prober.connection import Connection
from backends.prober.http import BrokenReply, ReplyParser
from backends.prober.loop import Loop, Timer
from backends.prober.orders import Limits
from backends.prober.pool import Pool, Unresolved

LIVE_NS = 50_000_000
LINGER_NS = clock.NS
LARGEST_PLAIN_BODY = 1024 * 1024
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class Trace:
    """What the wire told about one exchange; the client's own delays among it."""

    sent_ns: int = 0
    planned_ns: int = 0
    connect: Connect | None = None
    rtt_s: float | None = None
    from_kernel: bool = True
    reads: int = 0
    largest_lag_ns: int = 0
    coalesced_segments: int | None = None
    reconnected: bool = False


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who wants to know: the request was sent, pieces were understood, it is over."""

    sent: Callable[[int], None]
    pieces: Callable[[int, list[Piece]], None]
    ended: Callable[["Exchange"], None]


class Exchange:
    """Sends a prepared request and collects its reply.

    Bytes are stored with their stamp as they arrive and are understood when nothing else does, at
    most every 50 ms, so that reading one stream never waits for parsing another.

    Attributes:
        reader: the chunks of the reply.
        error: one line once it has ended badly, else None.
        status: of the reply, None before its head.
        refusal: the body of a reply with status 400 or 422, which may name a refused field.
        plain_body: the body of a reply that was no stream.
    """

    def __init__(self, request: bytes, model: str, pool: Pool, loop: Loop, limits: Limits) -> None:
        self.reader = ChunkReader()
        self.trace = Trace()
        self.lags_ns: list[int] = []
        self.error: str | None = None
        self.status: int | None = None
        self.plain_body = bytearray()
        self._request = request
        self._model = model
        self._pool = pool
        self._loop = loop
        self._limits = limits
        self._hooks: Hooks | None = None
        self._connection: Connection | None = None
        self._segments_before = 0
        self._arrived: list[tuple[int, bytes]] = []
        self._understood = 0
        self._scheduled = False
        self._timers: list[Timer] = []
        self._reply = ReplyParser()
        self._events = SseParser()

    def begin(self, planned_ns: int | None, hooks: Hooks) -> None:
        """Send the request; `planned_ns` is None where it is to go as soon as it can."""
        self.trace.planned_ns = planned_ns or 0
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
        """Close without telling anybody."""
        self._hooks = None
        self._stop(keep=False)

    def opened(self) -> None:
        """Send now: the connection stands."""
        connection = self._connection
        assert connection is not None
        if self.trace.connect is None:
            self.trace.connect = connection.connect
        rtt_s, self._segments_before = connection.tcp_info()
        self.trace.rtt_s = rtt_s or None
        ready_ns = clock.now_ns()
        connection.send(self._request)
        if self._hooks is None or self._connection is None:
            return
        self.trace.sent_ns = sent_ns = connection.sent_ns
        self.trace.planned_ns = self.trace.planned_ns or ready_ns
        ttft_ns = sent_ns + int(self._limits.ttft_s * clock.NS)
        total_ns = sent_ns + int(self._limits.total_s * clock.NS)
        self._timers.append(self._loop.call_at(ttft_ns, self._check_first_token))
        self._timers.append(self._loop.call_at(total_ns, self._give_up))
        self._hooks.sent(sent_ns)

    def received(self, at_ns: int, read_ns: int, from_kernel: bool, data: bytes) -> None:
        """Store what arrived."""
        self._arrived.append((at_ns, data))
        trace = self.trace
        trace.reads += 1
        if from_kernel:
            self.lags_ns.append(read_ns - at_ns)
            trace.largest_lag_ns = max(trace.largest_lag_ns, read_ns - at_ns)
        else:
            trace.from_kernel = False
        if self._scheduled:
            if data.endswith(LAST_CHUNK):
                self._loop.defer(self._understand)
            return
        self._scheduled = True
        if trace.reads == 1 or data.endswith(LAST_CHUNK):
            self._loop.defer(self._understand)
        else:
            self._loop.call_at(read_ns + LIVE_NS, self._understand_when_idle)

    def ended(self, problem: str | None) -> None:
        """Finish: the connection is gone."""
        self._connection = None
        if self._retry_on_fresh_connection():
            return
        self._understand()
        if self._hooks is None:
            return
        whole = self._reply.end()
        self._finish(problem if not whole else None, cut=not whole)

    def _open(self) -> None:
        try:
            connection, addresses, dns_s = self._pool.new()
        except Unresolved as error:
            self._finish(str(error), cut=False)
            return
        self._connection = connection
        connection.listener = self
        connection.open(addresses, dns_s)

    def _retry_on_fresh_connection(self) -> bool:
        """A kept connection that the server closed just then is no failure of the server."""
        reused = self.trace.connect is not None and self.trace.connect.reused
        if not reused or self._arrived or self._hooks is None:
            return False
        self._cancel_timers()
        self.trace.connect = None
        self.trace.reconnected = True
        self._open()
        return True

    def _understand_when_idle(self) -> None:
        self._loop.defer(self._understand)

    def _understand(self) -> None:
        """Take the bytes that came since the last time through HTTP, events and chunks."""
        self._scheduled = False
        hooks = self._hooks
        if hooks is None:
            return
        pieces: list[Piece] = []
        at_ns = 0
        try:
            while self._understood < len(self._arrived):
                at_ns, data = self._arrived[self._understood]
                self._understood += 1
                self._take(at_ns, self._reply.feed(data), pieces)
        except BrokenReply as error:
            self._finish(f"{error}: check that base_url names an OpenAI-compatible API", cut=False)
            return
        del self._arrived[: self._understood - 1]
        self._understood = min(self._understood, 1)
        if pieces:
            hooks.pieces(at_ns, pieces)
        if self._reply.complete or self.reader.error:
            self._finish(None, cut=False)
        elif self.reader.done:
            self._timers.append(self._loop.call_at(at_ns + LINGER_NS, self._finish_without_end))

    def _take(self, at_ns: int, body: bytes, pieces: list[Piece]) -> None:
        head = self._reply.head
        if head is None:
            return
        if self.status is None:
            self.status = head.status
            self._note_round_trip()
        if not self._streams(body):
            if len(self.plain_body) < LARGEST_PLAIN_BODY:
                self.plain_body += body
            return
        at_s = (at_ns - self.trace.sent_ns) / clock.NS
        for event in self._events.feed(body):
            piece = self.reader.feed(at_s, event)
            if piece is not None:
                pieces.append(piece)

    def _streams(self, body: bytes) -> bool:
        head = self._reply.head
        assert head is not None
        if head.status != HTTPStatus.OK or self.plain_body:
            return False
        return head.content_type == "text/event-stream" or (
            head.content_type != "text/html"
            and (body.startswith(b"data:") or self.reader.pieces != [])
        )

    def _note_round_trip(self) -> None:
        if self._connection is not None:
            rtt_s, _ = self._connection.tcp_info()
            before = self.trace.rtt_s
            self.trace.rtt_s = min(before or rtt_s, rtt_s) or None

    def _check_first_token(self) -> None:
        self._understand()
        if self._hooks is not None and not any(p.carries or p.counted for p in self.reader.pieces):
            self._finish(problems.no_token(self._limits.ttft_s), cut=False)

    def _give_up(self) -> None:
        self._understand()
        if self._hooks is not None:
            self._finish(problems.too_long(self._limits.total_s), cut=False)

    def _finish_without_end(self) -> None:
        if self._hooks is not None:
            self._finish(None, cut=False)

    def _finish(self, problem: str | None, *, cut: bool) -> None:
        hooks, self._hooks = self._hooks, None
        if hooks is None:
            return
        self.error = self._verdict(problem, cut=cut)
        self._stop(keep=self._reply.complete and self._reply.reusable and problem is None)
        hooks.ended(self)

    def _verdict(self, problem: str | None, *, cut: bool) -> str | None:
        head = self._reply.head
        if head is not None and head.status != HTTPStatus.OK:
            return problems.status(head, bytes(self.plain_body), self._model)
        if self.reader.error:
            return self.reader.error
        if self.reader.done or (self.reader.finish_reason and not problem):
            return None
        if head is not None and (cut or (self.reader.pieces and not problem)):
            return problems.cut(len(self.reader.pieces), problem)
        if head is not None and not problem:
            return problems.not_streamed(head, bytes(self.plain_body))
        return problem or problems.cut(0, None)

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _stop(self, *, keep: bool) -> None:
        self._cancel_timers()
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
