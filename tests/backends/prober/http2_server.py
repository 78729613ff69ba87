"""A server on loopback that speaks HTTP/2 and nothing else, and a proxy that tunnels to it."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.backends.domain.ab.chunks import ROLE, chunk, usage

TTFT_S, GAP_S, TOKENS = 0.1, 0.03, 4


class Http2Server:
    """Streams the same four tokens to every request.

    Attributes:
        bodies: of all requests so far.
        headers: of all requests so far.
        cut_after: close the connection after that many tokens.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.cut_after = TOKENS
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._speak(connection)
        except (OSError, ProtocolError):
            pass  # a client that speaks HTTP/1.1 is hung up on
        connection.close()

    def _speak(self, connection: socket.socket) -> None:
        speaker = H2Connection(config=H2Configuration(client_side=False))
        speaker.initiate_connection()
        connection.sendall(speaker.data_to_send())
        body = b""
        while data := connection.recv(65536):
            events = speaker.receive_data(data)
            connection.sendall(speaker.data_to_send())
            for event in events:
                if isinstance(event, RequestReceived):
                    self.headers.append(
                        {bytes(n).decode(): bytes(v).decode() for n, v in event.headers or ()}
                    )
                    body = b""
                elif isinstance(event, DataReceived):
                    body += event.data or b""
                elif isinstance(event, StreamEnded) and event.stream_id is not None:
                    self.bodies.append(json.loads(body))
                    self._answer(connection, speaker, event.stream_id)

    def _answer(self, connection: socket.socket, speaker: H2Connection, stream: int) -> None:
        def write(text: str, *, last: bool = False) -> None:
            speaker.send_data(stream, f"data: {text}\n\n".encode(), end_stream=last)
            connection.sendall(speaker.data_to_send())

        speaker.send_headers(stream, [(":status", "200"), ("content-type", "text/event-stream")])
        write(json.dumps(chunk(ROLE, counted=0)))
        time.sleep(TTFT_S)
        for number in range(1, TOKENS + 1):
            if number > self.cut_after:
                connection.shutdown(socket.SHUT_RDWR)
                return
            finish = "length" if number == TOKENS else None
            write(json.dumps(chunk({"content": f"w{number} "}, counted=number, finish=finish)))
            time.sleep(GAP_S)
        write(json.dumps(usage(TOKENS)))
        write("[DONE]", last=True)


class ConnectProxy:
    """Tunnels every CONNECT to one port of this host, whatever name was asked for.

    Attributes:
        asked: the first line of every request.
    """

    def __init__(self, to_port: int) -> None:
        self.asked: list[str] = []
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(4096)
        self.asked.append(head.split(b"\r\n", 1)[0].decode())
        far = socket.create_connection(("127.0.0.1", self._to_port))
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@contextmanager
def speaking_http_2(tls: ssl.SSLContext | None) -> Iterator[Http2Server]:
    server = Http2Server(tls)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def proxying(to_port: int) -> Iterator[ConnectProxy]:
    proxy = ConnectProxy(to_port)
    try:
        yield proxy
    finally:
        proxy.close()
