"""What the bytes of a reply mean: HTTP around events around chunks, and how it went wrong."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from http import HTTPStatus
from itertools import chain
from typing import Concatenate, ParamSpec

from backends.domain.ab.sse import LONGEST_EVENT_BYTES, EventTooLong, SseEvent, SseParser
from backends.domain.ab.tokens import ChunkReader, Piece
from backends.prober import problems
from backends.prober.http import BrokenReply, Head, ReplyParser, without_secrets

P = ParamSpec("P")

LARGEST_PLAIN_BODY = 512 * 1024
LARGEST_REPLY = 32 * 1024 * 1024
INFLATED_AT_ONCE = 64 * 1024
INFLATED_FREELY = 1024 * 1024
LARGEST_INFLATION = 200
"""Streams of completions shrink to a tenth or so; what grows by more is made to fill memory."""
ZLIB_CODINGS = ("gzip", "x-gzip", "deflate")
MOST_CODINGS = 2
LONGEST_QUOTE = 60
# Window sizes of zlib's documentation for "gzip or zlib, as its header says", and for neither: much
# of what calls itself deflate has no header (RFC 9110, 8.4.1.2).
ANY_ZLIB, NO_HEADER = 47, -15

STREAM_BEGINNINGS = (b"data:", b":", b"event:", b"id:", b"retry:", b"\xef\xbb\xbf")


class UnreadableReply(ValueError):
    """The reply cannot be decompressed or understood; the message is a whole sentence."""


def _guarded(
    read: Callable[Concatenate["Reply", P], list[Piece]],
) -> Callable[Concatenate["Reply", P], list[Piece]]:
    """Make whatever one reply causes a fault of that reply: another target goes on beside it."""

    @wraps(read)
    def guarded(self: "Reply", /, *arguments: P.args, **named: P.kwargs) -> list[Piece]:
        try:
            return read(self, *arguments, **named)
        except (BrokenReply, UnreadableReply):
            raise
        except EventTooLong as error:
            raise UnreadableReply(problems.endless_event(LONGEST_EVENT_BYTES)) from error
        except problems.FAULTS as error:
            raise UnreadableReply(problems.not_understood(error)) from error

    return guarded


class _Inflater:
    """Identity is what was asked for, but some gateways compress whatever passes them."""

    def __init__(self, coding: str) -> None:
        if coding not in ZLIB_CODINGS:
            raise UnreadableReply(problems.compressed(coding))
        self._coding = coding
        self._inflate = zlib.decompressobj(ANY_ZLIB)
        self._received_bytes = self._inflated_bytes = 0

    def parts(self, body: bytes) -> Iterator[bytes]:
        """Yield what a piece of a compressed body holds, a little at a time.

        Raises:
            UnreadableReply: it is broken, or grows without measure.
        """
        coding = self._coding
        self._received_bytes += len(body)
        while body:
            try:
                part = self._inflate.decompress(body, INFLATED_AT_ONCE)
            except zlib.error as error:
                if coding == "deflate" and self._received_bytes == len(body):
                    self._inflate = zlib.decompressobj(NO_HEADER)
                    coding = "deflate without a header"
                    continue
                raise UnreadableReply(
                    f"the {coding} data of the reply is broken: {error}"
                ) from error
            self._inflated_bytes += len(part)
            freely = max(INFLATED_FREELY, LARGEST_INFLATION * self._received_bytes)
            if self._inflated_bytes > min(freely, LARGEST_REPLY):
                raise UnreadableReply(problems.inflated(coding))
            body = self._inflate.unconsumed_tail
            if self._inflate.eof and self._inflate.unused_data:  # gzip may have many members
                body = self._inflate.unused_data
                self._inflate = zlib.decompressobj(ANY_ZLIB)
            yield part


class Reply:
    """Understands one reply as far as it has come.

    Attributes:
        reader: the chunks of the stream.
        plain_body: the body of a reply that is no stream of events.
    """

    def __init__(self, model: str, keys: Sequence[str] = ()) -> None:
        self.reader = ChunkReader()
        self.plain_body = bytearray()
        self._model = model
        self._keys = tuple(keys)
        self._head: Head | None = None
        self._http = ReplyParser(self._keys)
        self._events = SseParser()
        self._inflaters: list[_Inflater] | None = None
        self._streams: bool | None = None
        self._beginning = b""
        self._received_bytes = 0

    @property
    def head(self) -> Head | None:
        """Status and header fields, None before they are complete."""
        return self._head or self._http.head

    @property
    def status(self) -> int | None:
        """The status, None before the head is complete."""
        return self.head.status if self.head else None

    @property
    def complete(self) -> bool:
        """The reply is over, as HTTP says."""
        return self._http.complete

    @property
    def reusable(self) -> bool:
        """The connection may carry another request."""
        return self._http.complete and self._http.reusable

    @_guarded
    def feed(self, at_s: float, data: bytes) -> list[Piece]:
        """Return the pieces that bytes which came `at_s` after the send complete.

        Raises:
            BrokenReply: this is no HTTP/1.1.
            UnreadableReply: its body cannot be decompressed, or not understood.
        """
        self._received_bytes += len(data)
        if self._received_bytes > LARGEST_REPLY:
            raise UnreadableReply(problems.too_large(LARGEST_REPLY))
        body = self._http.feed(data)
        if not body or self._http.head is None:
            return []
        return self.feed_body(at_s, body)

    def take_head(self, head: Head) -> None:
        """Take the head of a reply whose HTTP somebody else understands; see `feed_body`."""
        self._head = head

    @_guarded
    def feed_body(self, at_s: float, body: bytes) -> list[Piece]:
        """Return the pieces that bytes of the body complete, as they are without HTTP.

        Raises:
            UnreadableReply: they cannot be understood.
        """
        assert self.head is not None
        if self._inflaters is None:
            self._inflaters = [_Inflater(coding) for coding in reversed(_codings(self.head))]
        if not self._inflaters:
            return self._read_body(at_s, body)
        parts: Iterable[bytes] = (body,)
        for inflater in self._inflaters:
            parts = chain.from_iterable(map(inflater.parts, parts))
        return [piece for part in parts for piece in self._read_body(at_s, part)]

    def _read_body(self, at_s: float, body: bytes) -> list[Piece]:
        if self._streams is None:
            assert self.head is not None
            body = (self._beginning + body).lstrip(b"\r\n")  # blank lines keep a connection open
            self._streams = _is_stream(self.head, body)
            self._beginning = body if self._streams is None else b""
        if self._streams:
            return self._read(at_s, self._events.feed(body))
        if self._streams is False and len(self.plain_body) < LARGEST_PLAIN_BODY:
            self.plain_body += body
        return []

    def end(self, at_s: float) -> bool:
        """Tell that the connection is closed; return whether the reply was whole."""
        self.plain_body += self._beginning
        try:
            if self._streams:
                self._read(at_s, self._events.close())
        except problems.FAULTS as error:
            self.reader.error = self.reader.error or problems.not_understood(error)
        return self._http.end()

    def error(self, problem: str | None, *, cut: bool) -> str | None:
        """Return in one line what was wrong with this reply, None if it was a whole stream.

        `problem` is what the connection or a time limit said; `cut` that HTTP was not finished.
        """
        try:
            return self._error(problem, cut=cut)
        except problems.FAULTS as error:
            return problems.not_understood(error)

    def _error(self, problem: str | None, *, cut: bool) -> str | None:
        head = self.head
        if head is None:
            return problem or problems.cut(0, None)
        if head.status != HTTPStatus.OK:
            return problems.status(head, self._shown_body(), self._model)
        if self._streams or cut or problem:
            return self._stream_error(problem, cut=cut)
        return problems.not_streamed(head, self._shown_body())

    def _stream_error(self, problem: str | None, *, cut: bool) -> str | None:
        reader = self.reader
        if reader.error:
            return reader.error
        held_back = problems.held_back(reader.finish_reason)
        if held_back and not any(piece.carries for piece in reader.pieces):
            return held_back
        ended = reader.finish_reason is not None or reader.summed_up
        if reader.done or (ended and not problem and not cut):
            return None
        if self._events.unread and not reader.pieces:
            return problems.no_events(self._events.unread)
        if problem and not cut:
            return problem
        return problems.cut(len(reader.pieces), problem or (None if cut else "no [DONE] came"))

    def _shown_body(self) -> bytes:
        return without_secrets(bytes(self.plain_body), self._keys)

    def _read(self, at_s: float, events: list[SseEvent]) -> list[Piece]:
        """Understand events; the key goes first, for of a quote only the beginning is kept."""
        feed = self.reader.feed
        if self._keys:
            events = [each._replace(data=without_secrets(each.data, self._keys)) for each in events]
        return [piece for event in events if (piece := feed(at_s, event)) is not None]


def _codings(head: Head) -> list[str]:
    """How a body is compressed, in the order in which that was done (RFC 9110, 8.4; RFC 9112, 6.1).

    Raises:
        UnreadableReply: it is so many times over.
    """
    fields = (head.fields.get(name, "") for name in ("content-encoding", "transfer-encoding"))
    named = [coding.strip().lower() for value in fields for coding in value.split(",")]
    codings = [coding for coding in named if coding not in ("", "identity", "chunked")]
    if len(codings) > MOST_CODINGS:
        raise UnreadableReply(problems.compressed(", ".join(codings)[:LONGEST_QUOTE]))
    return codings


def _is_stream(head: Head, body: bytes) -> bool | None:
    """Some servers stream events under another content type; None while that cannot be told."""
    if head.status != HTTPStatus.OK:
        return False
    if head.content_type == "text/event-stream" or body.startswith(STREAM_BEGINNINGS):
        return True
    undecided = not body or any(beginning.startswith(body) for beginning in STREAM_BEGINNINGS)
    return None if undecided else False
