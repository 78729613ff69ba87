"""Server-sent events out of a stream of bytes, however the network cut it."""

from typing import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LONGEST_EVENT_BYTES = 4 * 1024 * 1024
"""Of one event or comment; what is longer does not end."""

LINE_BYTES = 50
"""What a line takes besides its text."""

LONGEST_QUOTE = 60
_OTHER_FIELDS = (b"id", b"retry")


class EventTooLong(ValueError):
    """An event or a comment does not end."""


class SseEvent(NamedTuple):
    """One event: its data lines joined by newlines, and its name (empty for a plain message).

    A tuple, because one is made for every token of a stream while its time is measured.
    """

    data: bytes
    name: str = ""


class SseParser:
    r"""Splits bytes into events as the HTML standard says (section 9.2.6 "Interpreting").

    Lines end in ``\n``, ``\r\n`` or ``\r``; a blank line ends an event; comments and unknown fields
    are passed over. An event may come in any number of pieces, a piece may hold many events.

    Attributes:
        unread: the beginning of the first line that has no field of this format, empty for none.
    """

    def __init__(self) -> None:
        self.unread = b""
        self._partial: list[bytes] = []
        self._data: list[bytes] = []
        self._name = ""
        self._held_bytes = self._data_bytes = 0
        self._ended_in_return = False
        self._start: bytes | None = b""

    def feed(self, piece: bytes) -> list[SseEvent]:
        """Return the events that this piece completes.

        Raises:
            EventTooLong: one has more than `LONGEST_EVENT_BYTES`.
        """
        if self._start is not None:
            piece = self._start + piece
            if BYTE_ORDER_MARK.startswith(piece) and piece != BYTE_ORDER_MARK:
                self._start = piece
                return []
            self._start = None
            piece = piece.removeprefix(BYTE_ORDER_MARK)
        if not piece:
            return []
        if self._is_one_plain_event(piece):
            return [SseEvent(piece[6:-2])]
        first, *others = self._with_plain_newlines(piece).split(b"\n")
        self._held_bytes += len(first)
        if not others:
            self._partial.append(first)
            events = []
        else:
            lines = [b"".join((*self._partial, first)), *others[:-1]]
            self._partial = [others[-1]]
            events = [event for line in lines if (event := self._take(line)) is not None]
            self._held_bytes = len(others[-1]) + self._data_bytes
        if self._held_bytes > LONGEST_EVENT_BYTES:
            raise EventTooLong
        return events

    def close(self) -> list[SseEvent]:
        """Return the event that the end of the stream left without its blank line, if any."""
        last = b"".join(self._partial)
        self._partial = []
        pending = (self._take(last) if last else None, self._take(b""))
        return [event for event in pending if event is not None]

    def _is_one_plain_event(self, piece: bytes) -> bool:
        """Whether a piece is ``data: ...`` and its blank line, as nearly every token's is."""
        return (
            piece.startswith(b"data: ")
            and piece.find(b"\n") == len(piece) - 2
            and piece.endswith(b"\n")
            and b"\r" not in piece
            and not (self._ended_in_return or self._data or self._name or any(self._partial))
        )

    def _with_plain_newlines(self, piece: bytes) -> bytes:
        if self._ended_in_return:
            piece = piece.removeprefix(b"\n")
        self._ended_in_return = piece.endswith(b"\r")
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return piece

    def _take(self, line: bytes) -> SseEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + LINE_BYTES
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field and field not in _OTHER_FIELDS and not self.unread:
            self.unread = line[:LONGEST_QUOTE]
        return None

    def _dispatch(self) -> SseEvent | None:
        data, name = self._data, self._name
        self._data, self._name, self._data_bytes = [], "", 0
        return SseEvent(b"\n".join(data), name) if data else None
