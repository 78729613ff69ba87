"""What the bytes of a reply mean: HTTP around events around chunks, and how it went wrong."""

from http import HTTPStatus

from backends.domain.streams.sse import SseEvent, SseParser
from backends.domain.streams.tokens import ChunkReader, Piece
from backends.prober import problems
from backends.prober.http import Head, ReplyParser

LARGEST_PLAIN_BODY = 1024 * 1024


class Reply:
    """Understands one reply as far as it has come.

    Attributes:
        reader: the chunks of the stream.
        plain_body: the body of a reply that is no stream of events.
    """

    def __init__(self, model: str) -> None:
        self.reader = ChunkReader()
        self.plain_body = bytearray()
        self._model = model
        self._http = ReplyParser()
        self._events = SseParser()
        self._streams: bool | None = None

    @property
    def head(self) -> Head | None:
        """Status and header fields, None before they are complete."""
        return self._http.head

    @property
    def complete(self) -> bool:
        """The reply is over, as HTTP says."""
        return self._http.complete

    @property
    def reusable(self) -> bool:
        """The connection may carry another request."""
        return self._http.complete and self._http.reusable

    def feed(self, at_s: float, data: bytes) -> list[Piece]:
        """Return the pieces that bytes which came `at_s` after the send complete.

        Raises:
            BrokenReply: this is no HTTP/1.1.
        """
        body = self._http.feed(data)
        if not body or self._http.head is None:
            return []
        if self._streams is None:
            self._streams = _is_stream(self._http.head, body)
        if self._streams:
            return self._read(at_s, self._events.feed(body))
        if len(self.plain_body) < LARGEST_PLAIN_BODY:
            self.plain_body += body
        return []

    def end(self, at_s: float) -> bool:
        """Tell that the connection is closed; return whether the reply was whole."""
        if self._streams:
            self._read(at_s, self._events.close())
        return self._http.end()

    def error(self, problem: str | None, *, cut: bool) -> str | None:
        """Return in one line what was wrong with this reply, None if it was a whole stream.

        `problem` is what the connection or a time limit said; `cut` that HTTP was not finished.
        """
        head = self.head
        if head is None:
            return problem or problems.cut(0, None)
        if head.status != HTTPStatus.OK:
            return problems.status(head, bytes(self.plain_body), self._model)
        if self._streams or cut or problem:
            return self._stream_error(problem, cut=cut)
        return problems.not_streamed(head, bytes(self.plain_body))

    def _stream_error(self, problem: str | None, *, cut: bool) -> str | None:
        reader = self.reader
        if reader.error:
            return reader.error
        if reader.done or (reader.finish_reason and not problem):
            return None
        if problem and not cut:
            return problem
        return problems.cut(len(reader.pieces), problem or (None if cut else "no [DONE] came"))

    def _read(self, at_s: float, events: list[SseEvent]) -> list[Piece]:
        return [piece for event in events if (piece := self.reader.feed(at_s, event)) is not None]


def _is_stream(head: Head, body: bytes) -> bool:
    """Some servers stream events under another content type."""
    if head.status != HTTPStatus.OK:
        return False
    return head.content_type == "text/event-stream" or body.startswith((b"data:", b": ", b"event:"))
