"""Answers clients on the agent's socket, from the moment at which the agent begins.

What the record is made of takes most of an agent's beginning to load; see `record_lines`.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

import msgspec

from backends.agent.greeting import PROTOCOL, RELEASE, Hello, Status, greeting
from backends.agent.place import ORDER_LIMIT_BYTES, Order
from backends.host import unix_socket

MOST_CLIENTS = 100
"""More would use up the descriptors that a process may have, of which many hosts allow 1024."""

MOST_UNSENT_BYTES = 16 << 20
"""A client that reads so much too slowly is let go: it would hold the record's memory."""


class RecordLines(Protocol):
    """The record as lines for clients."""

    def status(self, began_wall_s: float, listeners: int) -> Status:
        """Return what the agent is doing."""

    async def answer(self, order: Order) -> bytes | None:
        """Return the line that answers an order; None for one that is not known."""

    def follow(self) -> AsyncIterator[bytes]:
        """Yield the whole record, then what happens."""


class Service:
    """Serves the record to this user's processes.

    Attributes:
        stop: set by a client that ends the agent.
        following: how many clients follow the record.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.following = 0
        self._record: asyncio.Future[RecordLines] = asyncio.get_running_loop().create_future()
        self._began_wall_s = time.time()
        self._clients: set[asyncio.Task[None]] = set()

    def serve(self, record: RecordLines) -> None:
        """Answer from this record from now on; orders for it wait until then."""
        self._record.set_result(record)

    async def run(self, listener: socket.socket) -> None:
        """Answer until cancelled."""
        server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=ORDER_LIMIT_BYTES
        )
        async with server:
            await server.serve_forever()

    async def close(self) -> None:
        """Hang up on everybody."""
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def status(self) -> Status:
        """Return what this agent is doing."""
        if self._record.done():
            return self._record.result().status(self._began_wall_s, self.following)
        return Status(PROTOCOL, RELEASE, os.getpid(), self._began_wall_s, (), 0, False, "")

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        followers: set[asyncio.Task[None]] = set()
        try:
            connection = writer.get_extra_info("socket")
            ours = unix_socket.peer_uid(connection) in {0, os.geteuid()}
            if not ours or len(self._clients) > MOST_CLIENTS:
                return
            writer.write(greeting(Hello(PROTOCOL, RELEASE, os.getpid())))
            while line := await reader.readline():
                if not await self._obey(msgspec.json.decode(line, type=Order), writer, followers):
                    return
                await writer.drain()  # who never reads is answered no further
        except (ConnectionError, msgspec.MsgspecError, ValueError):
            pass  # it left, or is none of ours
        except asyncio.CancelledError:
            pass  # the agent ends, and this task with it
        finally:
            for follower in followers:
                follower.cancel()
                with suppress(asyncio.CancelledError):
                    await follower
            self._clients.discard(task)
            writer.close()

    async def _obey(
        self, order: Order, writer: asyncio.StreamWriter, followers: set[asyncio.Task[None]]
    ) -> bool:
        """Answer an order; False for one that ends the connection."""
        match order.order:
            case "status":
                writer.write(greeting(self.status()))
            case "stop":
                self.stop.set()
                await asyncio.Event().wait()  # the hang-up is the answer
            case "follow" if not followers:
                followers.add(asyncio.create_task(self._follow(writer)))
            case _:
                answer = await (await asyncio.shield(self._record)).answer(order)
                if answer is None:
                    return False
                writer.write(answer)
        return True

    async def _follow(self, writer: asyncio.StreamWriter) -> None:
        self.following += 1
        try:
            async for line in (await asyncio.shield(self._record)).follow():
                writer.write(line)
                if writer.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
                    writer.transport.abort()
                    return
        finally:
            self.following -= 1
            writer.close()
