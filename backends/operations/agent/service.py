"""Answers clients on the agent's socket, from the recorder of this process."""

import asyncio
import math
import os
import socket
import time
from contextlib import suppress

import msgspec

from backends.agent.messages import PROTOCOL, RELEASE, Hello, Series, Status, encode
from backends.agent.place import ORDER_LIMIT_BYTES, Order
from backends.domain.time_series import FIGURES
from backends.host import unix_socket
from backends.operations.recording.recorder import Recorder

MOST_CLIENTS = 100
"""More would use up the descriptors that a process may have, of which many hosts allow 1024."""

MOST_UNSENT_BYTES = 16 << 20
"""A client that reads so much too slowly is let go: it would hold the record's memory."""


class Service:
    """Serves the record to this user's processes.

    Attributes:
        stop: set by a client that ends the agent.
        following: how many clients follow the record.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.stop = asyncio.Event()
        self.following = 0
        self._recorder = recorder
        self._began_wall_s = time.time()
        self._clients: set[asyncio.Task[None]] = set()

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
        return Status(
            PROTOCOL,
            RELEASE,
            os.getpid(),
            self._began_wall_s,
            self._recorder.reads,
            self.following,
            self._recorder.writes,
            self._recorder.problem,
        )

    def _series(self, order: Order) -> Series:
        """Return the rows that are asked for; reads files."""
        rows = self._recorder.series(order.server, order.step_s)
        known = tuple(tuple(None if math.isnan(one) else one for one in row) for row in rows)
        return Series(order.server, order.step_s, FIGURES, known)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        follower: asyncio.Task[None] | None = None
        try:
            connection = writer.get_extra_info("socket")
            ours = unix_socket.peer_uid(connection) in {0, os.geteuid()}
            if not ours or len(self._clients) > MOST_CLIENTS:
                return
            writer.write(encode(Hello(PROTOCOL, RELEASE, os.getpid())))
            while line := await reader.readline():
                order = msgspec.json.decode(line, type=Order)
                match order.order:
                    case "follow" if follower is None:
                        follower = asyncio.create_task(self._follow(writer))
                    case "snapshot":
                        writer.write(encode(self._recorder.snapshot()))
                    case "status":
                        writer.write(encode(self.status()))
                    case "series":
                        writer.write(encode(await asyncio.to_thread(self._series, order)))
                    case "stop":
                        self.stop.set()
                        await asyncio.Event().wait()  # the hang-up is the answer
                    case _:
                        return
        except (ConnectionError, msgspec.MsgspecError, ValueError):
            pass  # it left, or is none of ours
        finally:
            if follower is not None:
                follower.cancel()
                with suppress(asyncio.CancelledError):
                    await follower
            self._clients.discard(task)
            writer.close()

    async def _follow(self, writer: asyncio.StreamWriter) -> None:
        self.following += 1
        try:
            async for message in self._recorder.messages():
                writer.write(encode(message))
                if writer.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
                    writer.transport.abort()
                    return
        finally:
            self.following -= 1
            writer.close()
