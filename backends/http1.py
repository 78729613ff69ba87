"""The little HTTP/1.1 that a keeper speaks to its own server and to a container engine.

The standard library's client costs 8 MB of memory in every keeper (it loads TLS and mail parsers)
and cannot be interrupted by a stop order; this one asks one question per connection, in plain text.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

POLL_S = 0.1
"""How soon a cancelled exchange notices."""
CONNECT_S = 60.0
"""A reply may be waited for without end, a connection may not."""

MOST_BODY_BYTES = 16 * 2**20
MOST_HEAD_LINE_BYTES = 64 * 2**10
"""Of what the protocol itself writes: a status, a field, the size of a chunk."""

_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


class NoAnswer(Exception):
    """The server did not answer as HTTP; the message says why."""


class WrongAnswer(NoAnswer):
    """The server did answer, but not with what was asked for."""


class Cancelled(Exception):
    """The exchange was given up because something more urgent came."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and the key it asks for; a Unix socket's path instead of a port."""

    host: str
    port: int
    key: str | None = None
    socket: str = ""

    def __str__(self) -> str:
        return self.socket or f"port {self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status code, and the body in pieces that arrive as the server sends them."""

    status: int
    pieces: Iterator[bytes]

    @property
    def lines(self) -> Iterator[bytes]:
        """The body as lines without their ends."""
        return _lines(self.pieces)

    def body(self) -> bytes:
        """Return the whole body, without the newlines it may have contained.

        Raises:
            NoAnswer: it has more than `MOST_BODY_BYTES`.
        """
        pieces, size = list[bytes](), 0
        for piece in self.pieces:
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BODY_BYTES:
                raise _too_long()
        return b"".join(_lines(iter(pieces)))


def ask(
    address: Address,
    path: str,
    question: object = None,
    *,
    timeout_s: float,
    cancelled: Callable[[], bool] = lambda: False,
    method: str = "",
) -> Reply:
    """Send a request and return the reply once its head is there.

    Args:
        address: whom to ask.
        path: what for.
        question: sent as JSON.
        timeout_s: for the whole reply, its body included.
        cancelled: asked again and again while nothing comes.
        method: GET by default, or POST where there is a question.

    Raises:
        NoAnswer: nobody listens, the time is over, or what came is no HTTP. The same from `lines`.
        Cancelled: `cancelled` became true. The same from `lines`.
    """
    deadline = time.monotonic() + timeout_s
    try:
        connection = _connected(address, min(timeout_s, CONNECT_S))
        connection.settimeout(POLL_S)
        method = method or ("GET" if question is None else "POST")
        connection.sendall(_request(address, method, path, question))
    except OSError as error:
        raise NoAnswer(f"{address}: {error}") from error
    wire = _Wire(connection, deadline, cancelled)
    status, chunked = _head(wire)
    return Reply(status, _chunks(wire) if chunked else wire.pieces())


def _connected(address: Address, timeout_s: float) -> socket.socket:
    if not address.socket:
        return socket.create_connection((address.host, address.port), timeout_s)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout_s)
    connection.connect(address.socket)
    return connection


def _request(address: Address, method: str, path: str, question: object) -> bytes:
    body = b"" if question is None else msgspec.json.encode(question)
    head = [
        f"{method} {path} HTTP/1.1",
        f"Host: {address.host}:{address.port}",
        "Connection: close",
        "User-Agent: inferctl",
    ]
    if question is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if address.key:
        head.append(f"Authorization: Bearer {address.key}")
    return "\r\n".join([*head, "", ""]).encode() + body


class _Wire:
    """The bytes of one reply, pulled as they are asked for."""

    def __init__(
        self, connection: socket.socket, deadline: float, cancelled: Callable[[], bool]
    ) -> None:
        self._connection = connection
        self._deadline = deadline
        self._cancelled = cancelled
        self._pending = b""

    def line(self) -> bytes:
        """Return the next line without its end."""
        while b"\n" not in self._pending:
            if len(self._pending) > MOST_HEAD_LINE_BYTES:
                raise NoAnswer("what answers speaks no HTTP")
            self._pending += self._more() or self._cut_short()
        line, _, self._pending = self._pending.partition(b"\n")
        return line.removesuffix(b"\r")

    def exactly(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes as they come."""
        while size:
            came = self._pending or self._more() or self._cut_short()
            data, self._pending = came[:size], came[size:]
            size -= len(data)
            yield data

    def pieces(self) -> Iterator[bytes]:
        """Yield what comes until the server closes."""
        yield self._pending
        while data := self._more():
            yield data

    def _cut_short(self) -> bytes:
        raise NoAnswer("the answer was cut short")

    def _more(self) -> bytes:
        while True:
            if self._cancelled():
                self._connection.close()
                raise Cancelled
            if time.monotonic() > self._deadline:
                self._connection.close()
                raise NoAnswer("no answer in time")
            try:
                data = self._connection.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                self._connection.close()
                raise NoAnswer(str(error)) from error
            if not data:
                self._connection.close()
            return data


def _head(wire: _Wire) -> tuple[int, bool]:
    """Return the status, and whether the body comes in chunks."""
    version, _, rest = wire.line().partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise NoAnswer("what answers speaks no HTTP")
    chunked = False
    while line := wire.line():
        name, _, value = line.partition(b":")
        chunked |= name.lower() == b"transfer-encoding" and b"chunked" in value.lower()
    return int(rest[:3]), chunked


def _chunks(wire: _Wire) -> Iterator[bytes]:
    """Yield a body that comes in chunks (RFC 9112, section 7.1)."""
    while size := _chunk_size(wire.line()):
        yield from wire.exactly(size)
        wire.line()


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not _CHUNK_SIZE.fullmatch(digits):
        raise NoAnswer("what answers speaks no HTTP")
    return int(digits, 16)


def _too_long() -> NoAnswer:
    return NoAnswer(f"the answer has over {MOST_BODY_BYTES >> 20} MiB")


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines without their ends, and what stands after the last of them."""
    pending = b""
    for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        if len(pending) > MOST_BODY_BYTES:
            raise _too_long()
        yield from (line.removesuffix(b"\r") for line in whole)
    if pending:
        yield pending
