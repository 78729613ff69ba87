"""A streaming server that knows the truth: when a request reached it, and each token left.

The model's name is the program: ``t200-i10-n64`` waits 200 ms, then writes 64 tokens, one every
10 ms; with ``-s16`` the kernel stamps one request of 16 only, for the stamps cost more than the
sends. ``GET /_truth`` returns one JSON line for each finished request and forgets them, all times
in nanoseconds of the monotonic clock: `id`, `xid` (its X-Request-Id), `t_arr` (the kernel took its
last byte), `w` (the kernel handed each token to the network), `late` (how long after its plan each
token left) and `stamped` (how many of `w` are the kernel's own; the others were taken right before
the send). A stamp of this program alone would be wrong by whatever time it does not run between the
stamp and the send: on a busy machine, milliseconds. Run ``python -m benchmarks.truth --port 9900``.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import signal
import socket
import struct
import sys
from functools import partial
from typing import Any

from backends.prober import clock
from backends.prober.loop import READABLE, Loop

MS = 1_000_000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
CHUNK = (
    b'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","created":1,"model":"%b",'
    b'"choices":[%b]%b}\n\n'
)
CHOICE = b'{"index":0,"delta":{%b},"finish_reason":%b}'
USAGE = b',"usage":{"prompt_tokens":9,"completion_tokens":%d,"total_tokens":%d}'
MODELS = {"object": "list", "data": [{"id": "truth", "object": "model", "created": 1}]}

# Linux: include/uapi/linux/net_tstamp.h and errqueue.h. Stamp what is sent, in software, without a
# copy of it, numbered by the place of its last byte in the stream.
SO_TIMESTAMPING = 37
SEND_STAMPS = 1 << 1 | 1 << 4 | 1 << 7 | 1 << 11
IP_RECVERR = 11
STAMP = struct.Struct("qq")
SOCK_EXTENDED_ERR = struct.Struct("IBBBBII")
# The queue of stamps is bounded; it is emptied before it is full.
SENDS_BETWEEN_DRAINS = 32


def framed(data: bytes) -> bytes:
    """One chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole_body(head: bytes, body: bytes) -> bytes | None:
    """The body of a request, None while a part of it is missing."""
    if b"transfer-encoding: chunked" not in head.lower():
        found = re.search(rb"content-length: *(\d+)", head.lower())
        return body if len(body) >= (int(found[1]) if found else 0) else None
    if not body.endswith(b"0\r\n\r\n"):
        return None
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole


class Sends:
    """What a connection sent, with the instant right before each send."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes, place: int | None, written: list[int]) -> None:
        """Send; the instant of a token goes into `written`."""
        if place is not None:
            written.append(clock.now_ns())
        self._connection.send(data)

    def end(self, written: list[int]) -> int:
        """Return how many of `written` are not the kernel's: all."""
        return len(written)


class Stamps(Sends):
    """When the kernel sent the bytes of one connection, by the place of their last one."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._ends: dict[int, int] = {}
        self._sent = 0
        self._since_drain = 0
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, SEND_STAMPS)

    def send(self, data: bytes, place: int | None, written: list[int]) -> None:
        """Send; the stamp of `place` goes into `written`, taken here until the kernel tells."""
        if place is not None:
            written.append(clock.now_ns())
        self._sent += self._connection.send(data)
        if place is not None:
            self._ends[self._sent - 1] = place
        self._since_drain += 1
        if self._since_drain >= SENDS_BETWEEN_DRAINS:
            self.drain(written)

    def drain(self, written: list[int]) -> int:
        """Take what the kernel has stamped so far; return how many sends still have no stamp."""
        self._since_drain = 0
        offset_ns = clock.wall_offset_ns()
        while True:
            try:
                _, ancillary, _, _ = self._connection.recvmsg(0, 256, socket.MSG_ERRQUEUE)
            except OSError:
                return len(self._ends)
            found = {kind: data for _, kind, data in ancillary}
            place = self._ends.pop(SOCK_EXTENDED_ERR.unpack_from(found[IP_RECVERR])[-1], None)
            if place is not None:
                seconds, nanoseconds = STAMP.unpack_from(found[SO_TIMESTAMPING])
                written[place] = seconds * clock.NS + nanoseconds - offset_ns

    def end(self, written: list[int]) -> int:
        """Drain for the last time; return how many of `written` are not the kernel's."""
        missing = self.drain(written)
        self._connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, 0)
        return missing


class Stream:
    """One reply on its schedule."""

    def __init__(self, number: int, arrived_ns: int, body: dict[str, Any], model: str) -> None:
        parts = re.fullmatch(r"t([\d.]+)-i([\d.]+)-n(\d+)(?:-s(\d+))?", model)
        assert parts is not None, model
        options = body.get("stream_options") or {}
        self.tokens = int(parts[3])
        self.is_stamped = number % int(parts[4] or 1) == 0
        self.written: list[int] = []
        self.late: list[int] = []
        self._first_ns = arrived_ns + int(float(parts[1]) * MS)
        self._itl_ns = int(float(parts[2]) * MS)
        self._number = number
        self._model = model.encode()
        self._counts = bool(options.get("continuous_usage_stats"))
        self._sums_up = bool(options.get("include_usage"))
        # All of it is ready before the first is due, so that a flood costs little more than sends.
        self.chunks = [self._token(place) for place in range(self.tokens)]

    def due_ns(self, place: int) -> int:
        """When a token is to be written."""
        return self._first_ns + place * self._itl_ns

    def _token(self, place: int) -> bytes:
        """A token; the first one's text carries the request's number.

        Before the first stands a chunk with only the role, as vLLM sends it.
        """
        text = b" tok" if place else b" r%d" % self._number
        finish = b'"length"' if place + 1 == self.tokens else b"null"
        usage = USAGE % (place + 1, place + 10) if self._counts else b""
        role = b"" if place else self._chunk(CHOICE % (b'"role":"assistant","content":""', b"null"))
        return role + self._chunk(CHOICE % (b'"content":"%b"' % text, finish), usage)

    def ending(self) -> bytes:
        """Usage where it was asked for, and the end."""
        usage = USAGE % (self.tokens, self.tokens + 9)
        return (self._chunk(b"", usage) if self._sums_up else b"") + END

    def _chunk(self, choices: bytes, usage: bytes = b"") -> bytes:
        return framed(CHUNK % (self._number, self._model, choices, usage))


class Truth:
    """Serves on one thread; what it claims is what the kernel stamped."""

    def __init__(self, port: int) -> None:
        self.over = False
        self._loop = Loop()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._listener.setblocking(False)
        self._loop.watch(self._listener.fileno(), READABLE, self._accept)
        self._records: list[dict[str, Any]] = []
        self._number = 0

    def serve(self) -> None:
        """Work until `over`."""
        self._loop.run(lambda: self.over)

    def _accept(self, _mask: int) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, clock.SO_TIMESTAMPNS, 1)
        self._await_request(connection)

    def _await_request(self, connection: socket.socket) -> None:
        readable = partial(self._read, connection, bytearray())
        self._loop.watch(connection.fileno(), READABLE, readable)

    def _read(self, connection: socket.socket, buffer: bytearray, _mask: int) -> None:
        try:
            data, ancillary, _, _ = connection.recvmsg(65536, clock.STAMP_SPACE)
        except OSError:
            data, ancillary = b"", []
        now_ns = clock.now_ns()
        if not data:
            self._loop.forget(connection.fileno())
            connection.close()
            return
        stamp = clock.kernel_stamp_ns(ancillary, self._loop.wall_offset_ns, now_ns)
        buffer += data
        head, separator, body = bytes(buffer).partition(b"\r\n\r\n")
        whole = whole_body(head, body) if separator else None
        if whole is None:
            return
        buffer.clear()
        if head.startswith(b"GET /_truth"):
            records = "".join(json.dumps(record) + "\n" for record in self._records)
            self._records.clear()
            _plain(connection, records)
        elif b"/chat/completions " in head:
            self._stream(connection, head, json.loads(whole), stamp or now_ns)
        else:
            _plain(connection, json.dumps(MODELS))

    def _stream(
        self, connection: socket.socket, head: bytes, body: dict[str, Any], arrived_ns: int
    ) -> None:
        self._number += 1
        number = self._number
        stream = Stream(number, arrived_ns, body, body["model"])
        # A queue of stamps reads as an error of the socket; it is looked at again after the reply.
        self._loop.forget(connection.fileno())
        stamps = Stamps(connection) if stream.is_stamped else Sends(connection)
        stamps.send(HEAD, None, stream.written)
        named = re.search(rb"(?i)\r\nx-request-id:\s*([^\r\n]+)", head)
        record = {"id": number, "xid": named[1].decode() if named else None, "t_arr": arrived_ns}

        def write() -> None:
            place = len(stream.written)
            try:
                stamps.send(stream.chunks[place], place, stream.written)
                if place + 1 < stream.tokens:
                    self._loop.call_exactly_at(stream.due_ns(place + 1), write)
                    return
                stamps.send(stream.ending(), None, stream.written)
            except OSError:
                connection.close()
                return
            self._finish(connection, stream, stamps, record)

        self._loop.call_exactly_at(stream.due_ns(0), write)

    def _finish(
        self, connection: socket.socket, stream: Stream, stamps: Sends, record: dict[str, Any]
    ) -> None:
        missing = stamps.end(stream.written)
        late = [at_ns - stream.due_ns(place) for place, at_ns in enumerate(stream.written)]
        told = {"w": stream.written, "late": late, "stamped": stream.tokens - missing}
        self._records.append({**record, **told})
        self._await_request(connection)


def _plain(connection: socket.socket, text: str) -> None:
    body = text.encode()
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    connection.setblocking(True)
    connection.sendall((head % len(body)).encode() + body)
    connection.setblocking(False)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description="a streaming server with known timings")
    parser.add_argument("--port", type=int, default=9900)
    truth = Truth(parser.parse_args().port)
    gc.disable()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    truth.serve()


if __name__ == "__main__":
    main()
