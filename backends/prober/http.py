"""A reply of HTTP/1.1 out of a stream of bytes: head, then body by any of its three framings."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from backends.domain.redaction import redacted_bytes

LARGEST_HEAD = 64 * 1024
MOST_INTERIM_REPLIES = 100
LARGEST_CHUNK_LINE = 4096
LONGEST_PLAIN_SIZE = 8
LONGEST_QUOTE = 20
HTTP_2_FRAME_HEAD = 9
# RFC 9110, 8.6 and 15; RFC 9112, 7.1. No body has more bytes than 18 digits count.
STATUS = re.compile(r"[0-9]{3}")
HEAD_END = re.compile(rb"\r?\n\r?\n")
"""Some servers end lines without a return, which RFC 9112, 2.2 lets a recipient accept."""

LENGTH = re.compile(r"[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


class BrokenReply(ValueError):
    """The bytes are no HTTP/1.1 reply; the message says what is wrong with them."""


class Http2Reply(BrokenReply):
    """The bytes are HTTP/2, though HTTP/1.1 was spoken to the server."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and header fields, their names in lower case."""

    status: int
    reason: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()


class ReplyParser:
    """Takes the bytes of one reply and gives its body, decoded.

    Attributes:
        head: None until it is complete; interim replies (1xx) are passed over.
        complete: the reply is over, as its framing says.
        reusable: another request may follow on this connection once it is complete.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = tuple(keys)
        self.head: Head | None = None
        self.complete = False
        self.reusable = False
        self._buffer = bytearray()
        self._chunked = False
        self._left: int | None = None
        self._in_trailers = False
        self._interim_replies = 0

    def feed(self, data: bytes) -> bytes:
        """Return the body bytes that `data` brought.

        Raises:
            BrokenReply: this is no HTTP/1.1.
        """
        if self._chunked and self._left is None and not self._buffer:
            whole = self._whole_chunk(data)
            if whole is not None:
                return whole
        self._buffer += data
        if self.head is None and not self._take_head():
            return b""
        if self.complete:
            return b""
        return self._chunks() if self._chunked else self._counted()

    def end(self) -> bool:
        """Tell that the connection is closed; return whether the reply was whole."""
        if self.head is not None and not self._chunked and self._left is None:
            self.complete = True
        return self.complete

    def _take_head(self) -> bool:
        while True:
            end = HEAD_END.search(self._buffer)
            if end is None:
                if _is_http_2(self._buffer):
                    raise Http2Reply("the reply is HTTP/2")
                if len(self._buffer) > LARGEST_HEAD or not _may_be_http(self._buffer):
                    raise BrokenReply("the reply is not HTTP/1.1")
                return False
            head = _parse_head(without_secrets(bytes(self._buffer[: end.start()]), self._keys))
            del self._buffer[: end.end()]
            if head.status >= HTTPStatus.OK:
                break
            self._interim_replies += 1
            if self._interim_replies > MOST_INTERIM_REPLIES:
                raise BrokenReply(f"over {MOST_INTERIM_REPLIES} interim replies came")
        self.head = head
        self._choose_framing(head)
        return True

    def _choose_framing(self, head: Head) -> None:
        self.reusable = "close" not in head.fields.get("connection", "").lower()
        length = head.fields.get("content-length", "")
        if "chunked" in head.fields.get("transfer-encoding", "").lower():
            self._chunked = True
        elif head.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self._left = 0
        elif length:
            if not LENGTH.fullmatch(length):
                raise BrokenReply(f"content-length is '{length[:LONGEST_QUOTE]}'")
            self._left = int(length)
        else:
            self.reusable = False
        self.complete = self._left == 0

    def _counted(self) -> bytes:
        body = bytes(self._buffer if self._left is None else self._buffer[: self._left])
        self._buffer.clear()
        if self._left is not None:
            self._left -= len(body)
            self.complete = self._left == 0
        return body

    def _whole_chunk(self, data: bytes) -> bytes | None:
        """The body where `data` is one chunk exactly, as nearly every token of a stream is."""
        place = data.find(b"\r\n") + 2
        size = data[: place - 2]
        if not 0 < len(size) <= LONGEST_PLAIN_SIZE or not size.isalnum():
            return None
        try:
            length = int(size, 16)
        except ValueError:
            return None
        if not length or place + length + 2 != len(data) or not data.endswith(b"\r\n"):
            return None
        return data[place:-2]

    def _chunks(self) -> bytes:
        """Decode whole and begun chunks; `_left` is what the running chunk lacks, None between."""
        body, buffer, place = [], self._buffer, 0
        while not self.complete:
            if self._left:
                part = bytes(buffer[place : place + self._left])
                body.append(part)
                place += len(part)
                self._left -= len(part)
                if self._left or not part:
                    break
            end = buffer.find(b"\r\n", place)
            if end < 0:
                if len(buffer) - place > LARGEST_CHUNK_LINE:
                    raise BrokenReply("a chunk has no end of line")
                break
            line = bytes(buffer[place:end])
            place = end + 2
            self._take_line(line)
        del buffer[:place]
        return b"".join(body)

    def _take_line(self, line: bytes) -> None:
        """A chunk's size, the blank after its data, or a trailer."""
        if self._in_trailers:
            self.complete = not line
        elif self._left == 0:
            if line:
                raise BrokenReply("a chunk is longer than its size")
            self._left = None
        else:
            size = line.partition(b";")[0].strip()
            if not CHUNK_SIZE.fullmatch(size):
                raise BrokenReply(f"a chunk has the size {size[:LONGEST_QUOTE]!r}")
            self._left = int(size, 16)
            if self._left == 0:
                self._in_trailers = True


def without_secrets(data: bytes, keys: Iterable[str]) -> bytes:
    """Return bytes in which none of these keys stands whole."""
    for key in keys:
        data = redacted_bytes(data, key)
    return data


def _may_be_http(data: bytearray) -> bool:
    return data[:5] == b"HTTP/"[: len(data[:5])] or _may_become_http_2(data)


def _is_http_2(data: bytearray) -> bool:
    """Whether a server's preface begins it: a SETTINGS frame on stream 0 (RFC 9113, 3.4)."""
    return len(data) >= HTTP_2_FRAME_HEAD and _may_become_http_2(data)


def _may_become_http_2(data: bytearray) -> bool:
    """A frame's head: three bytes of length, type 4, flags 0, four bytes of stream."""
    return data[:1] == b"\0" and data[3:HTTP_2_FRAME_HEAD] == b"\4\0\0\0\0\0"[: len(data[3:9])]


def _parse_head(data: bytes) -> Head:
    first, *lines = data.decode("latin-1").replace("\r\n", "\n").split("\n")
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or not STATUS.fullmatch(status):
        raise BrokenReply(f"the reply begins with '{first[:60]}'")
    fields = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return Head(int(status), reason.strip(), fields)
