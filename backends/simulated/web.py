"""As much HTTP/1.1 as a server of completions needs: requests in, replies and event streams out."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_LONGEST_BODY = 16 << 20
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Unreadable(Exception):
    """What came is no request, or stopped in the middle of one."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case, `query` is what stood behind the path."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: str
    query: str = ""

    def json(self) -> dict[str, Any]:
        """Return the body as an object.

        Raises:
            ValueError: it is none.
        """
        value = json.loads(self.body or b"null")
        if not isinstance(value, dict):
            raise ValueError("the body is not JSON object")
        return value


class Reply:
    """Writes the answer to one request: whole, or as a stream of chunks."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.status = 0

    async def send(
        self, status: int, body: bytes, content_type: str = "application/json", **headers: str
    ) -> None:
        """Answer with a whole body."""
        self._head(status, content_type, {"content-length": str(len(body)), **headers})
        self._writer.write(body)
        await self._writer.drain()

    async def send_json(self, status: int, value: object, **headers: str) -> None:
        """Answer with one JSON document."""
        await self.send(status, json.dumps(value, separators=(",", ":")).encode(), **headers)

    async def begin_stream(self, **headers: str) -> None:
        """Answer with an event stream, whose events follow."""
        headers = {"transfer-encoding": "chunked", **headers}
        self._head(200, "text/event-stream; charset=utf-8", headers)
        await self._writer.drain()

    async def event(self, data: bytes) -> None:
        """Send one event of the stream, as a chunk of its own."""
        event = b"data: %b\n\n" % data
        self._writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await self._writer.drain()

    async def end_stream(self) -> None:
        """End the stream of events."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def wire(self, data: bytes) -> None:
        """Send bytes as they are, and close the connection."""
        self._writer.write(data)
        await self._writer.drain()
        self._writer.close()

    def cut(self) -> None:
        """Break the connection off in the middle of the answer."""
        self._writer.transport.abort()

    def _head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.status = status
        lines = [
            f"HTTP/1.1 {status} {_PHRASES.get(status, '')}",
            f"content-type: {content_type}",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


Handler = Callable[[Request, Reply], Awaitable[None]]


class WebServer:
    """Serves one handler on one port; closing it breaks off whatever is under way."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._under_way: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: socket.socket) -> None:
        """Accept connections on a bound socket."""
        self._server = await asyncio.start_server(self._accept, sock=port, backlog=2048)

    async def close(self) -> None:
        """Accept no more connections, and break off those that are open."""
        if self._server is not None:
            self._server.close()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A socket bound by hand has no protocol number, so asyncio leaves Nagle's delay on.
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.create_task(self._serve(reader, writer))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        try:
            while request := await _read(reader, f"{peer[0]}:{peer[1]}" if peer else "local"):
                await self._handle(request, Reply(writer))
                if request.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, Unreadable):
            writer.transport.abort()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader, peer: str) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, headers = _parse_head(head)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise Unreadable("the connection was closed in the middle of a request") from error
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise Unreadable(str(error)) from error
    path, _, query = target.partition("?")
    return Request(method, path, headers, body, peer, query)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if int(headers.get("content-length", "0")) > _LONGEST_BODY:
        raise ValueError("the body is too long")
    return method, target, headers
