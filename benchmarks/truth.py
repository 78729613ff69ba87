"""A streaming server that knows the truth: when its kernel got a request, when it wrote each token.

The model's name is the program: ``t200-i10-n64`` waits 200 ms, then writes 64 tokens, one every
10 ms. ``GET /_truth`` returns one JSON line for each finished request and forgets them: `id`,
`t_arr` (arrival of the last request byte in the kernel) and `w` (right before each token was
written), all in nanoseconds of the monotonic clock. Run it as ``truth.py --port 9900``.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backends.prober import clock
from backends.prober.loop import READABLE, Loop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
MS = 1_000_000


def event(document: dict[str, Any]) -> bytes:
    """One event in one chunk of HTTP."""
    data = b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def token_event(number: int, place: int, last: int) -> bytes:
    """A token with the running count; the first one's text carries the request's number."""
    text = f" r{number}" if place == 1 else " tok"
    finish = "length" if place == last else None
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 9, "completion_tokens": place}
    return event({"object": "chat.completion.chunk", "choices": [choice], "usage": usage})


class Truth:
    """Serves on one thread; what it claims is what its own stamps say."""

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
        found = re.search(rb"content-length: *(\d+)", head.lower())
        if not separator or len(body) < (int(found[1]) if found else 0):
            return
        buffer.clear()
        if head.startswith(b"GET /_truth"):
            self._tell(connection)
        else:
            self._stream(connection, json.loads(body)["model"], stamp or now_ns)

    def _tell(self, connection: socket.socket) -> None:
        body = "".join(json.dumps(record) + "\n" for record in self._records).encode()
        self._records.clear()
        connection.setblocking(True)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        connection.setblocking(False)

    def _stream(self, connection: socket.socket, model: str, arrived_ns: int) -> None:
        parts = re.fullmatch(r"t(\d+)-i(\d+)-n(\d+)", model)
        assert parts is not None, model
        ttft_ms, itl_ms, tokens = map(int, parts.groups())
        self._number += 1
        number, written = self._number, list[int]()
        events = [token_event(number, place, tokens) for place in range(1, tokens + 1)]
        connection.send(HEAD + event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]}))
        first_ns = arrived_ns + ttft_ms * MS

        def write() -> None:
            place = len(written)
            try:
                written.append(clock.now_ns())
                connection.send(events[place])
                if place + 1 == tokens:
                    connection.send(END)
                    self._records.append({"id": number, "t_arr": arrived_ns, "w": written})
                    return
            except OSError:
                return
            self._loop.call_exactly_at(first_ns + (place + 1) * itl_ms * MS, write)

        self._loop.call_exactly_at(first_ns, write)


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
