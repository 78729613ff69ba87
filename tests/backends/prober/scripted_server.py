"""A server on loopback that answers as its script says, and measuring against it in-process."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from backends.domain.ab.facts import AbFact, RunEnded, SeriesEnded
from backends.domain.ab.run import Run
from backends.prober.loop import Loop
from backends.prober.protocol import Limits, SeriesOrder, Target
from backends.prober.series import Series
from tests.backends.domain.ab.chunks import ROLE, chunk, usage

Reply = Callable[["Conversation"], None]

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED_HEAD = STREAM_HEAD + b"transfer-encoding: chunked\r\n\r\n"
DEADLINE_S = 20.0


class HangUp(Exception):
    """The script wants the connection closed."""


@dataclass
class Conversation:
    """One request, and the means to answer it; stamps are monotonic seconds.

    Attributes:
        tokens_s: when each chunk with tokens was written, where the script notes it.
        visible_s: when the first text for a reader was.
    """

    connection: socket.socket
    head: str
    body: dict[str, Any]
    number: int
    arrived_s: float
    written_s: list[float] = field(default_factory=list)
    tokens_s: list[float] = field(default_factory=list)
    visible_s: float | None = None

    def write(self, data: bytes) -> None:
        self.written_s.append(time.monotonic())
        self.connection.sendall(data)

    def chunk(self, data: bytes) -> None:
        self.write(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, document: dict[str, Any] | str) -> None:
        text = document if isinstance(document, str) else json.dumps(document)
        self.chunk(f"data: {text}\n\n".encode())

    def end(self) -> None:
        self.connection.sendall(b"0\r\n\r\n")

    def wait(self, seconds: float) -> None:
        """Let time pass, as a server does that computes."""
        threading.Event().wait(seconds)


class ScriptedServer:
    """Serves every connection in a thread of its own.

    Attributes:
        requests: every request so far, in order of arrival.
    """

    def __init__(self, reply: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Conversation] = []
        self.connections = 0
        self._reply = reply
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        scheme = "https" if tls else "http"
        self.port = self._listener.getsockname()[1]
        self.base_url = f"{scheme}://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while (conversation := self._read(connection)) is not None:
                self.requests.append(conversation)
                self._reply(conversation)
        except (HangUp, OSError):
            pass
        connection.close()

    def _read(self, connection: socket.socket) -> Conversation | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        length = next(lengths, 0)
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return None
            body += more
        return Conversation(
            connection,
            head.decode(),
            json.loads(body or b"{}"),
            len(self.requests),
            time.monotonic(),
        )


@contextmanager
def serving(reply: Reply, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(reply, tls)
    try:
        yield server
    finally:
        server.close()


def a_good_stream(conversation: Conversation, tokens: int = 3) -> None:
    """Role, tokens with a running count, usage, the end."""
    conversation.write(CHUNKED_HEAD)
    conversation.event(chunk(ROLE, counted=0))
    for number in range(1, tokens + 1):
        finish = "length" if number == tokens else None
        conversation.event(chunk({"content": f"w{number} "}, counted=number, finish=finish))
    conversation.event(usage(tokens))
    conversation.event("[DONE]")
    conversation.end()


def plain(
    status: str, body: bytes, content_type: str = "application/json", more: str = ""
) -> Reply:
    """A reply in one piece with a status line and further header lines."""

    def reply(conversation: Conversation) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{more}"
        conversation.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    return reply


def order_for(*base_urls: str, **more: Any) -> SeriesOrder:
    """An order of few runs; further fields of the order or, as `target`, of its targets."""
    target = more.pop("target", {})
    names = ("a", "b", "c", "d")
    targets = tuple(
        Target(name, f"endpoint-{name}", url, "m", **target)  # type: ignore[arg-type]
        for name, url in zip(names, base_urls, strict=False)
    )
    settings: dict[str, Any] = {"runs": 2, "max_tokens": 8, "seed": 1, **more}
    return SeriesOrder("s1", targets, "Say something.", **settings)


def measure(order: SeriesOrder) -> list[AbFact]:
    """All facts of an A/B, measured in this process."""
    facts: list[AbFact] = []
    loop = Loop()
    series = Series(order, loop, facts.append)
    deadline = time.monotonic() + DEADLINE_S
    loop.call_at(int(deadline * 1e9), lambda: series.cancel("the test's deadline"))
    series.begin()
    loop.run(lambda: series.over)
    loop.close()
    return facts


def runs_of(facts: list[AbFact]) -> list[Run]:
    return [fact.run for fact in facts if isinstance(fact, RunEnded)]


def end_of(facts: list[AbFact]) -> SeriesEnded:
    last = facts[-1]
    assert isinstance(last, SeriesEnded)
    return last


QUICK = Limits(connect_s=0.3, ttft_s=0.3, total_s=0.6)
